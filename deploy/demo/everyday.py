"""What happens all day: looking around, signing in, a list of orders with too many queries, a job."""

from deploy.demo.cast import GOODS
from deploy.demo.failures import DUPLICATE, NO_CHUNK, NO_NETWORK, fail
from deploy.demo.visit import Visit

_ORDERS = 24
"""Queries for one list, each the same."""


def browse(visit: Visit) -> None:
    path = f"/products/{visit.chance.choice(GOODS).replace(' ', '-')}"
    lasts = visit.between(25, 220)
    missing = visit.chance.random() < 0.04
    status = 404 if missing else 200
    root = visit.span(
        "web", "GET /products/[slug]", 0, lasts, http={"method": "GET", "route": path, "status_code": status}
    )
    api = visit.span("api", "find product", 5, lasts - 12, root, cache={"hit": visit.chance.random() < 0.7})
    visit.span("api", "GET product:*", 8, 1, api, db={"system": "redis"})
    visit.span("api", "SELECT products", 11, visit.between(2, 9), api, db={"system": "postgresql"})
    visit.log(
        "api",
        "debug",
        f"product {path} from cache",
        9,
        api,
        cache={"ttl_s": 300, "shard": {"id": 3, "host": "cache-3"}},
    )
    visit.served("GET", path, status, 0, lasts)
    if visit.chance.random() < 0.01:
        fail(visit, NO_CHUNK, lasts, browser={"name": "Firefox", "version": 145})


def list_orders(visit: Visit) -> None:
    each = visit.between(3, 8)
    lasts = 30 + _ORDERS * (each + 1)
    root = visit.span(
        "web", "GET /account/orders", 0, lasts, http={"method": "GET", "route": "/account/orders", "status_code": 200}
    )
    api = visit.span("api", "list orders", 6, lasts - 10, root)
    statement = "SELECT * FROM order_items WHERE order_id = $1"
    visit.span("api", "SELECT orders", 8, each, api, db={"system": "postgresql"})
    for n in range(_ORDERS):
        visit.span(
            "api",
            "SELECT order_items",
            14 + n * (each + 1),
            each,
            api,
            db={"system": "postgresql", "statement": statement},
        )
    visit.log("api", "info", f"{_ORDERS} orders listed in {lasts} ms", lasts, api, queries=_ORDERS + 1)
    visit.served("GET", "/account/orders", 200, 0, lasts)


def sign_in(visit: Visit) -> None:
    """In the app, whose SDK sends templates."""
    wrong = visit.chance.random() < 0.12
    lasts = visit.between(90, 400)
    root = visit.span(
        "api", "POST /api/session", 0, lasts, http={"method": "POST", "status_code": 401 if wrong else 200}
    )
    visit.span("api", "SELECT users", 6, 4, root, db={"system": "postgresql"})
    what = "failed to sign in" if wrong else "signed in"
    body = {
        "timestamp": round(visit.seconds(lasts), 3),
        "level": "WARNING" if wrong else "info",
        "message": f"User {visit.user.id} {what} from {visit.region}",
        "template": f"User {{user_id}} {what} from {{region}}",
        "attributes": {"user_id": visit.user.id, "region": visit.region, "device": {"os": "iOS", "version": "19.1"}},
        "trace_id": visit.trace_id,
        "span_id": root,
        "user": {"id": visit.user.id, "email": visit.user.email},
        "account": {"id": visit.user.account, "name": f"Account {visit.user.account[5:]}"},
        "logger_name": "auth.session",
        "file_path": "app/auth/session.py",
        "line_number": 42,
        "function_name": "sign_in",
    }
    visit.add("app logs", "app", body)
    if visit.chance.random() < 0.05:
        fail(visit, NO_NETWORK, lasts, device={"os": "iOS", "version": "19.1"})


def run_job(visit: Visit) -> None:
    """As jobs print: with colours."""
    rows, lasts = visit.chance.randint(200, 9_000), visit.between(900, 6_000)
    root = visit.span("worker", "import stock", 0, lasts, job={"name": "import-stock", "attempt": 1})
    visit.log("worker", "info", f"\x1b[1mimport-stock\x1b[0m \x1b[36mstarted\x1b[0m, {rows} rows", 0, root, rows=rows)
    if visit.chance.random() < 0.2:
        visit.log(
            "worker", "error", "\x1b[1;31mFAILED\x1b[0m receipt written twice, the second is left out", lasts, root
        )
        fail(visit, DUPLICATE, lasts, job={"name": "import-stock", "rows": rows})
    visit.log(
        "worker",
        "info",
        f"\x1b[1mimport-stock\x1b[0m \x1b[32mdone\x1b[0m in {lasts / 1000:.1f} s",
        lasts,
        root,
        rows=rows,
    )
