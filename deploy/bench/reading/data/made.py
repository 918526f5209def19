"""A table's rows as an INSERT ... SELECT."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.bench.reading.data.sql import below, often, one_of
from deploy.bench.reading.data.week import LARGEST, PROJECTS, TRACE_ID, WEEK_US, Week

SERVICES = (
    "api",
    "checkout",
    "auth",
    "billing",
    "search",
    "mailer",
    "worker",
    "stock",
    "reports",
    "admin",
    "web",
    "edge",
)
RETENTION_DAYS = 30


@dataclass(frozen=True)
class Made:
    """`rows` rows of a table. `columns`: name -> expression of the row's `number`; the others have their defaults.
    `named`: what the expressions refer to, and each to those before it."""

    table: str
    rows: int
    columns: Mapping[str, str]
    named: Mapping[str, str] = field(default_factory=dict)

    def insert(self, first: int, rows: int) -> str:
        """The statement that adds so many rows from this number on."""
        names = ", ".join(f"{expression} AS `{name}`" for name, expression in self.named.items())
        return (
            f"INSERT INTO {self.table} ({', '.join(f'`{name}`' for name in self.columns)})"  # noqa: S608 - ours
            f" WITH {names} SELECT {', '.join(self.columns.values())} FROM numbers({first}, {rows})"
        )


def request_of(week: Week, rows: int) -> str:
    """The request that a row belongs to."""
    return f"intDiv(number * {week.requests}, {rows})"


def moment_of(week: Week, rows: int) -> str:
    """Microseconds: rows are evenly in time."""
    return f"toInt64({week.start} + number * {WEEK_US / rows!r})"


def common(topic: str) -> dict[str, str]:
    """The columns that all tables have. They refer to `request` and `moment`."""
    others = f"concat('tenant-', toString(2 + intDiv(request, 2) % {PROJECTS - 1}))"
    release = f"concat('2026.', toString(intDiv(moment, {WEEK_US // 7}) % 52), '.', toString({below(3, 'release')}))"
    return {
        "project_id": f"if(request % 2 = 0, '{LARGEST}', {others})",
        "timestamp": "fromUnixTimestamp64Micro(moment)",
        "received_at": f"fromUnixTimestamp64Micro(moment + 50000 + toInt64({below(1_000_000, 'delay')}))",
        "service": one_of(SERVICES, "service"),
        "environment": often(85, "environment", "'production'", "'staging'"),
        "release": release,
        "trace_id": TRACE_ID,
        "retention_days": str(RETENTION_DAYS),
        "_topic": f"'{topic}'",
        "_partition": "number % 4",
        "_offset": "intDiv(number, 400)",
        "_index": "intDiv(number, 4) % 100",
    }


def user(percent: int) -> dict[str, str]:
    """The columns of users and accounts, in so many of 100 rows: a request is one user's, a user one account's."""
    number = f"toString({below(5000, 'user', 'request')})"
    account = f"toString({below(5000, 'user', 'request')} % 300)"
    return {
        "user_id": often(percent, "known", f"concat('u_', {number})"),
        "user_email": often(percent, "known", f"concat('u_', {number}, '@example.com')"),
        "account_id": often(percent, "known", f"concat('acc_', {account})"),
        "account_name": often(percent, "known", f"concat('Customer ', {account})"),
    }
