"""Errors, in the two formats that there are: the app's SDK says when an error was, the other one reports it at once."""

from typing import Any, NamedTuple
from uuid import UUID

from deploy.demo.visit import Visit


class Failure(NamedTuple):
    """`where`: the service whose error it is."""

    where: str
    type: str
    message: str
    frames: tuple[str, ...]
    severity: str = "high"

    @property
    def stack(self) -> str:
        """As the runtime prints it."""
        if self.frames[0].startswith("File"):
            lines = "\n".join(f"  {frame}" for frame in self.frames)
            return f"Traceback (most recent call last):\n{lines}\n{self.type}: {self.message}"
        return "\n".join([f"{self.type}: {self.message}", *(f"    at {frame}" for frame in self.frames)])


NO_AMOUNT = Failure(
    "web",
    "TypeError",
    "Cannot read properties of undefined (reading 'amount')",
    (
        "priceOf (/app/src/checkout/quote.ts:88:31)",
        "QuoteList (/app/src/checkout/QuoteList.tsx:41:19)",
        "renderWithHooks (/app/node_modules/react-dom/cjs/react-dom.development.js:15486:18)",
    ),
)
"""What the deploy breaks."""

CARRIER_TIMEOUT = Failure(
    "api",
    "CarrierTimeout",
    "north-post did not answer in 2000 ms",
    (
        'File "/srv/api/shop/quotes.py", line 64, in quote\n    answer = carrier.quote(cart, timeout=2.0)',
        'File "/srv/api/shop/carriers/north_post.py", line 31, in quote\n    raise CarrierTimeout(self.name)',
    ),
    "medium",
)
DUPLICATE = Failure(
    "worker",
    "IntegrityError",
    'duplicate key value violates unique constraint "receipts_order_id_key"',
    ('File "/srv/worker/receipts.py", line 112, in store\n    db.execute(INSERT_RECEIPT, order_id)',),
    "medium",
)
NO_CHUNK = Failure(
    "web",
    "ChunkLoadError",
    "Loading chunk 4417 failed",
    ("__webpack_require__.f.j (https://shop.example.com/_next/static/chunks/webpack-5ad1.js:1:2210)",),
    "low",
)
TOO_OFTEN = Failure(
    "assistant",
    "RateLimitError",
    "429: too many tokens a minute for this organization",
    (
        'File "/srv/assistant/answer.py", line 58, in answer\n    reply = client.chat(model, messages)',
        'File "/srv/assistant/models.py", line 23, in chat\n    raise RateLimitError(response)',
    ),
    "medium",
)
NO_NETWORK = Failure(
    "app",
    "NetworkError",
    "Network request failed",
    (
        "fetchSession (app/auth/session.ts:19:11)",
        "SignInScreen.submit (app/screens/SignInScreen.tsx:74:5)",
    ),
    "low",
)


def fail(visit: Visit, failure: Failure, at: float, **more: Any) -> None:
    """Report it. `more`: nested attributes."""
    seen = [
        ("navigation", "/cart", at - 4_000),
        ("click", "button#checkout", at - 900),
        ("http", "POST /api/checkout", at),
    ]
    breadcrumbs = [{"type": kind, "message": text, "timestamp": visit.iso(when)} for kind, text, when in seen]
    if visit.scene.recent:
        visit.add("errors", failure.where, _reported(visit, failure, breadcrumbs, more))
    else:
        visit.add("app errors", failure.where, _told(visit, failure, at, breadcrumbs, more))


def _reported(
    visit: Visit, failure: Failure, breadcrumbs: list[dict[str, str]], more: dict[str, Any]
) -> dict[str, Any]:
    return {
        "error_message": f"{failure.type}: {failure.message}",
        "stack_trace": failure.stack,
        "severity": failure.severity,
        "context": {"request_id": visit.request_id, **more},
        "trace_id": visit.trace_id,
        "user_id": visit.user.id,
        "breadcrumbs": breadcrumbs,
    }


def _told(
    visit: Visit, failure: Failure, at: float, breadcrumbs: list[dict[str, str]], more: dict[str, Any]
) -> dict[str, Any]:
    return {
        "event_id": str(UUID(int=visit.ids.getrandbits(128), version=4)),
        "timestamp": visit.iso(at),
        "platform": "python" if failure.frames[0].startswith("File") else "javascript",
        "type": "exception",
        "level": {"high": "error", "medium": "warning"}.get(failure.severity, "info"),
        "exception": {"type": failure.type, "message": failure.message, "stack": failure.stack},
        "user": {"id": visit.user.id, "email": visit.user.email},
        "account": {"id": visit.user.account, "name": f"Account {visit.user.account[5:]}"},
        "extra": {"tags": {"service": failure.where}, "request_id": visit.request_id, **more},
        "url": "https://shop.example.com/checkout",
        "session_id": f"s_{visit.user.id}",
        "trace_id": visit.trace_id,
        "breadcrumbs": breadcrumbs,
    }
