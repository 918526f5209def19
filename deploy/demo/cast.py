"""Who takes part: the shop's services and their releases, its customers, goods, carriers and models."""

from random import Random
from typing import NamedTuple

RELEASES = {
    "web": "web@9f2c1e7",
    "api": "api@2.14.0",
    "payments": "payments@1.8.3",
    "assistant": "assistant@0.31.0",
    "app": "app@5.2.1",
}
"""Service -> its release. The worker says none, as some do."""

BROKEN_RELEASE = "api@2.15.0"
"""What is deployed in the middle: the carriers' quotes come back in another shape, and late."""

ENVIRONMENTS = ("production", "staging")
_STAGED = 0.08
"""Share of what happens in staging."""

GOODS = ("oak shelf", "wool blanket", "desk lamp", "enamel mug", "rain jacket", "trail shoes", "cast iron pan")
CARRIERS = ("north-post", "blue-van", "parcel-one")
REGIONS = ("fra1", "iad1", "sfo1")


class User(NamedTuple):
    id: str
    email: str
    account: str
    plan: str


_NAMES = (
    *("ada", "ben", "cleo", "dan", "eva", "finn", "gita", "hugo", "iris", "jon", "kaya", "leo", "mira", "nils"),
    *("olga", "paul", "quinn", "rosa", "sam", "tara", "uwe", "vera", "walt", "xenia", "yann", "zoe", "amir", "bea"),
)
USERS = [
    User(f"u_{n + 1001}", f"{name}@customers.example", f"acct_{n % 12 + 1}", ("free", "plus", "business")[n % 3])
    for n, name in enumerate(_NAMES)
]


class Model(NamedTuple):
    """`price`: US dollars a million tokens, in and out; 0 where nobody knows it."""

    name: str
    provider: str
    price: tuple[float, float]


CHATS = (
    Model("gpt-4o", "openai", (2.5, 10.0)),
    Model("claude-sonnet-4", "anthropic", (3.0, 15.0)),
    Model("llama-3.3-70b", "self-hosted", (0.0, 0.0)),
)
EMBEDDING = Model("text-embedding-3-small", "openai", (0.02, 0.0))


def environment(chance: Random) -> str:
    return ENVIRONMENTS[chance.random() < _STAGED]
