"""A question to the shop's assistant: an embedding, a search, and one or two calls to a model."""

from deploy.demo.calls import Call, call
from deploy.demo.cast import CHATS, EMBEDDING, Model
from deploy.demo.failures import TOO_OFTEN, fail
from deploy.demo.visit import Visit

_QUESTIONS = ("where is my order?", "which shoes are waterproof?", "can I return a lamp?", "does the pan need oil?")


def ask_assistant(visit: Visit) -> None:
    (model,) = visit.chance.choices(CHATS, [6, 3, 2])
    thinking = visit.between(700, 5_000)
    twice = visit.chance.random() < 0.3
    lasts = 160 + thinking * (2 if twice else 1)
    root = visit.span("assistant", "answer question", 0, lasts, feature="assistant", plan=visit.user.plan)
    call(visit, Call(EMBEDDING, "embeddings", (visit.chance.randint(8, 60), 0), 5, 60), root)
    visit.span("assistant", "search articles", 70, 40, root, tool={"name": "search", "hits": 5})
    _chat(visit, model, root, 120, thinking)
    if twice:
        visit.span("assistant", "look up order", 125 + thinking, 25, root, tool={"name": "orders.find"})
        _chat(visit, model, root, 155 + thinking, thinking)
    question = visit.chance.choice(_QUESTIONS)
    visit.log("assistant", "info", f"answered “{question}” with {model.name}", lasts, root, model={"name": model.name})
    if visit.chance.random() < 0.08:
        visit.log("assistant", "warn", f"{model.provider} is slow: {thinking} ms to the first token", lasts, root)
    if visit.chance.random() < 0.05:
        fail(visit, TOO_OFTEN, lasts, model={"name": model.name, "provider": model.provider})


def _chat(visit: Visit, model: Model, root: str, at: int, lasts: int) -> None:
    tokens = (visit.chance.randint(600, 6_000), visit.chance.randint(60, 900))
    call(visit, Call(model, "chat", tokens, at, lasts), root)
