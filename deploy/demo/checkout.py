"""The checkout: three carriers are asked for quotes, then the card is charged. The deploy breaks the first half."""

from deploy.demo.cast import CARRIERS, GOODS
from deploy.demo.failures import CARRIER_TIMEOUT, NO_AMOUNT, fail
from deploy.demo.visit import Visit

_PATH = "/api/checkout"
_TROUBLED = "north-post"


def check_out(visit: Visit) -> None:
    breaks = visit.scene.broken and visit.is_production and visit.chance.random() < 0.45
    slow = visit.scene.broken and visit.is_production
    quoting, charging = visit.between(60, 500) + (1_900 if slow else 0), visit.between(180, 900)
    lasts = 40 + quoting + (0 if breaks else charging + 30)
    status = 500 if breaks else 200
    root = visit.span("web", f"POST {_PATH}", 0, lasts, failed=breaks, http=_http(visit, status), user_id=visit.user.id)
    api = visit.span("api", "quote order", 12, quoting + 20, root, http=_http(visit, 200), cart={"items": 3})
    visit.span(
        "api", "SELECT carts", 15, 6, api, db={"system": "postgresql", "statement": "SELECT * FROM carts WHERE id = $1"}
    )
    _ask_carriers(visit, api, quoting, slow)
    visit.log("api", "info", f"quote for {visit.user.id}: {len(CARRIERS)} carriers asked", 20, api, cart=_cart(visit))
    if breaks:
        _break(visit, root, lasts)
    else:
        _charge(visit, root, 40 + quoting, charging)
    visit.served("POST", _PATH, status, 0, lasts)


def _http(visit: Visit, status: int) -> dict[str, object]:
    return {"method": "POST", "route": _PATH, "status_code": status, "region": visit.region}


def _cart(visit: Visit) -> dict[str, object]:
    goods = visit.chance.sample(GOODS, 2)
    return {"lines": [{"name": name, "count": visit.chance.randint(1, 3)} for name in goods], "currency": "EUR"}


def _ask_carriers(visit: Visit, api: str, quoting: int, slow: bool) -> None:
    for carrier in CARRIERS:
        late = slow and carrier == _TROUBLED
        takes = quoting - 10 if late else visit.between(40, max(50, min(quoting - 10, 300)))
        timed_out = carrier == _TROUBLED and visit.chance.random() < (0.25 if late else 0.03)
        visit.span(
            "api", f"GET {carrier}/quotes", 22, takes, api, failed=timed_out, carrier=carrier, attempt=2 if late else 1
        )
        if late:
            text = f"carrier {carrier} answered in {takes} ms, tried twice"
            visit.log("api", "warn", text, 22 + takes, api, carrier=carrier)
        if timed_out:
            text = f"carrier {carrier} timed out after 2000 ms, the order goes on without it"
            visit.log("api", "error", text, 22 + takes, api)
            fail(visit, CARRIER_TIMEOUT, 22 + takes, carrier={"name": carrier, "timeout_ms": 2_000})


def _break(visit: Visit, root: str, lasts: int) -> None:
    visit.log("web", "error", f"quote failed: {NO_AMOUNT.message}", lasts - 5, root, http={"route": _PATH})
    fail(visit, NO_AMOUNT, lasts - 5, quote={"carrier": "north-post", "price": None})


def _charge(visit: Visit, root: str, at: int, lasts: int) -> None:
    declined = visit.chance.random() < 0.06
    paid = visit.span(
        "payments", "charge card", at, lasts, root, failed=declined, card={"brand": "visa", "last4": "4242"}
    )
    visit.span(
        "payments", "INSERT charges", at + 8, 9, paid, db={"system": "postgresql", "statement": "INSERT INTO charges"}
    )
    order = f"ord_{visit.ids.getrandbits(32):08x}"
    if declined:
        visit.log("payments", "warn", f"card declined for {order}", at + lasts, paid, reason="insufficient_funds")
        return
    amount = visit.chance.randint(900, 24_000) / 100
    visit.log("payments", "info", f"charged {amount:.2f} EUR for {order}", at + lasts, paid, amount=amount, order=order)
    job = visit.span("worker", "send receipt", at + lasts + 20, visit.between(80, 400), root, queue="receipts")
    visit.log("worker", "info", f"\x1b[32m✓\x1b[0m receipt of {order} sent", at + lasts + 300, job, order=order)
