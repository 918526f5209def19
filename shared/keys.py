"""API keys, kept in Postgres with the projects that they belong to.

Only a key's SHA-256 is stored: what stands in the database can't be used to send. Keys are looked up, never recognised
by their form.
"""

import hashlib
import secrets
import string
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, LiteralString

import msgspec

from shared.audit import Action, Deed, audit
from shared.clients.postgres import Connection, Postgres
from shared.fingerprint.rules import NO_RULES, BadRules, Rules
from shared.grouping_rules import compiled
from shared.projects import get_project

Scope = Literal["ingest", "read", "triage", "operate"]
"""Send records; read them; decide about what was read (views, the status of errors); redrive and replay."""

NOT_PUBLIC: frozenset[Scope] = frozenset(("triage", "operate"))
"""No `pk_` key has these: anybody may have it."""

Kind = Literal["dt", "pk"]
"""`dt_` keys are for servers, `pk_` keys may stand in a browser's code."""

REVOCATIONS = "sluice:keys:revoked"
"""Redis channel that tells every gateway the hash of a revoked or changed key; an empty text means all keys."""

INSERT: LiteralString = (
    "INSERT INTO keys (id, project_id, hash, prefix, name, scopes, origins, ingest_limit, read_limit, expires_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (hash) DO NOTHING"
)
LIST: LiteralString = (
    "SELECT id, project_id, prefix, name, scopes, origins, ingest_limit, read_limit, created_at, expires_at,"
    " revoked_at FROM keys WHERE %(of)s::text IS NULL OR project_id = %(of)s ORDER BY created_at, id"
)
END: LiteralString = (
    "UPDATE keys SET expires_at = least(expires_at, now() + %(grace)s) WHERE id = %(id)s AND revoked_at IS NULL"
    " AND (%(of)s::text IS NULL OR project_id = %(of)s) AND (expires_at IS NULL OR expires_at > now())"
    " RETURNING project_id, hash, expires_at, prefix, name, scopes, origins, ingest_limit, read_limit"
)
REVOKE: LiteralString = (
    "UPDATE keys SET revoked_at = coalesce(keys.revoked_at, now()) FROM keys AS old"
    " WHERE keys.id = %(id)s AND old.id = keys.id AND (%(of)s::text IS NULL OR keys.project_id = %(of)s)"
    " RETURNING keys.hash, keys.project_id, keys.name, old.revoked_at IS NOT NULL"
)

_LETTERS = string.ascii_letters + string.digits

SHOWN = 8
"""Characters of a key kept for people to tell keys apart: the prefix and five of its own."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as people see it: all but the key itself. Limits are requests a minute: None the default, 0 none;
    `read_limit` counts all that is no ingest."""

    id: str
    project_id: str
    prefix: str
    name: str
    scopes: tuple[str, ...]
    origins: tuple[str, ...] = ()
    ingest_limit: int | None = None
    read_limit: int | None = None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class UnreadableKey(msgspec.Struct, frozen=True, kw_only=True):
    """A row that makes no key, as only a hand in the database writes it. Gateways take it for none."""

    id: str
    project_id: str
    prefix: str
    problem: str


class ResolvedKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway must know to serve a request with a key: the key's and its project's rules.

    Limits are requests a minute: None the default, 0 none. `origins` empty: every origin. `expires_at`: Unix seconds.
    """

    key_id: str
    project_id: str
    scopes: frozenset[str]
    origins: tuple[str, ...] = ()
    ingest_limit: int | None = None
    read_limit: int | None = None
    drain_limit: int | None = None
    retention_days: int = 30
    drain_secret: str | None = None
    drain_verify: str | None = None
    expires_at: float | None = None
    is_public: bool = False
    """It may stand in a page's code, so anybody may have it."""
    lane_records_s: int | None = None
    """Of its project: records a second above which it takes the overflow topics; None the default, 0 never."""
    rules: Rules = NO_RULES
    """How the project's people group its errors; every key of the project has the same object."""


def generate(kind: Kind) -> str:
    """A new key of at least 96 random bits: `dt_` + 24 hex digits, or `pk_` + 32 letters and digits.

    No other characters: Sentry's JavaScript SDK takes the word characters of a DSN, and sends nothing for other keys.
    """
    return f"dt_{secrets.token_hex(12)}" if kind == "dt" else f"pk_{''.join(map(secrets.choice, [_LETTERS] * 32))}"


def hash_key(key: str) -> str:
    """SHA-256 of a key, hex: it is stored and looked up under this. Takes any text, lone surrogates too."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def create_key(
    db: Connection,
    project_id: str,
    key: str,
    *,
    scopes: Sequence[Scope],
    name: str = "",
    origins: Sequence[str] = (),
    ingest_limit: int | None = None,
    read_limit: int | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Store a key that `generate` made and return its id; a key stored before keeps its rules.

    Raises `UnknownProject`, and ValueError for scopes that it can't have.
    """
    check_scopes(key, scopes)
    get_project(db, project_id)
    digest, key_id = hash_key(key), new_key_id()
    done = db.execute(
        INSERT,
        [
            key_id,
            project_id,
            digest,
            key[:SHOWN],
            name,
            list(scopes),
            list(origins),
            ingest_limit,
            read_limit,
            expires_at,
        ],
    )
    if done.rowcount == 1:
        rules = {"name": name, "prefix": key[:SHOWN], "scopes": scopes, "origins": origins}
        limits = {"ingest_limit": ingest_limit, "read_limit": read_limit, "expires_at": expires_at}
        audit(db, deed_about_key("key.made", project_id, key_id, **rules, **limits))
        return key_id
    row = db.execute("SELECT id FROM keys WHERE hash = %s", [digest]).fetchone()
    assert row is not None
    return str(row[0])


def deed_about_key(action: Action, project_id: str, key_id: str, **detail: Any) -> Deed:
    return Deed(action=action, subject=key_id, project_id=project_id, detail=detail)


def check_scopes(key: str, scopes: Sequence[Scope]) -> None:
    """Raises ValueError for scopes that a key can't have. `key`: it, or how it begins."""
    if not scopes:
        raise ValueError("a key needs a scope: ingest, read, triage or operate")
    if key.startswith("pk_") and (private := sorted(NOT_PUBLIC.intersection(scopes))):
        raise ValueError(f"a pk_ key stands in a page's code, and may not {private[0]}: make a dt_ key")


def new_key_id() -> str:
    return f"key_{secrets.token_hex(8)}"


def revoke_key(db: Connection, key_id: str) -> str | None:
    """Revoke a key and return its hash, to be published on `REVOCATIONS`; None where no key has this id."""
    row = db.execute(REVOKE, {"id": key_id, "of": None}).fetchone()
    if row is None:
        return None
    digest, project_id, name, was_revoked = row
    if not was_revoked:
        audit(db, deed_about_key("key.revoked", project_id, key_id, name=name))
    return str(digest)


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """A key that replaces another. `old_hash` is to be published on `REVOCATIONS`: that key expires now."""

    id: str
    key: str
    project_id: str
    old_hash: str
    old_expires_at: datetime


def rotate_key(db: Connection, key_id: str, *, grace: timedelta) -> Rotated | None:
    """Make a key with the same rules; the old one is good for `grace` more (less, if it ends before that).

    None where no key that is still good has this id. Raises ValueError for a row that makes no key.
    """
    row = db.execute(END, {"grace": grace, "id": key_id, "of": None}).fetchone()
    if row is None:
        return None
    project_id, old_hash, ends, prefix, name, scopes, origins, ingest_limit, read_limit = row
    check_rules(key_id, scopes, origins)
    key = generate("pk" if prefix.startswith("pk_") else "dt")
    new_id = create_key(
        db, project_id, key, scopes=scopes, name=name, origins=origins, ingest_limit=ingest_limit, read_limit=read_limit
    )
    audit(db, deed_about_key("key.rotated", project_id, key_id, name=name, replaced_by=new_id, ends=ends))
    return Rotated(id=new_id, key=key, project_id=project_id, old_hash=old_hash, old_expires_at=ends)


def check_rules(key_id: str, scopes: object, origins: object) -> None:
    """Raises ValueError for a row that makes no key."""
    try:
        msgspec.convert((scopes, origins), tuple[list[Scope], list[str]])
    except msgspec.ValidationError as error:
        raise ValueError(f"the row of {key_id} can't be read ({error}): revoke it, and create another key") from None


def list_keys(db: Connection, project_id: str | None = None) -> list[Key | UnreadableKey]:
    """The keys of a project, or of all, the oldest first, revoked ones too."""
    return [listed(row) for row in db.execute(LIST, {"of": project_id}).fetchall()]


def listed(row: Sequence[Any]) -> Key | UnreadableKey:
    """A key of a row of `LIST`."""
    try:
        key: Key = _struct(Key, row)
    except msgspec.ValidationError as error:
        return UnreadableKey(id=row[0], project_id=row[1], prefix=row[2], problem=str(error))
    return key


Unreadable = Callable[[Literal["key", "rules"], str, Exception], None]
"""Told of a row that can't be read: of what, the key's hash or the project's id, and why."""


async def find_keys(db: Postgres, digests: Sequence[str], unreadable: Unreadable) -> dict[str, ResolvedKey]:
    """`hash_key` -> key, of those that there are, and that are neither revoked nor expired. A key whose row can't be
    read is not among them; a project whose rules can't be read has none.

    Raises `PostgresUnavailable`.
    """
    # The rules come once for each project, however many of its keys are asked for.
    rows = await db.query(
        "SELECT k.hash, k.id, k.project_id, k.scopes, k.origins, coalesce(k.ingest_limit, p.rate_limit), k.read_limit,"
        " coalesce(p.drain_limit, p.rate_limit), p.retention_days, p.drain_secret, p.drain_verify,"
        " extract(epoch FROM k.expires_at)::float8, left(k.prefix, 3) = 'pk_', p.lane_records_s,"
        " p.rules_revision, CASE WHEN p.rules_revision > 0 AND row_number() OVER (PARTITION BY p.id) = 1"
        " THEN coalesce(r.rules::text, '') END"
        " FROM keys k JOIN projects p ON p.id = k.project_id"
        " LEFT JOIN grouping_rules r ON r.project_id = p.id AND r.revision = p.rules_revision"
        " WHERE k.hash = ANY(%s) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())",
        [list(digests)],
    )
    rules = _rules_of(((row[2], *row[-2:]) for row in rows if row[-1] is not None), unreadable)
    found: dict[str, ResolvedKey] = {}
    for digest, *row, _, _ in rows:
        try:
            found[digest] = _struct(ResolvedKey, [*row, rules.get(row[1], NO_RULES)])
        except msgspec.ValidationError as error:
            unreadable("key", digest, error)
    return found


def _rules_of(rows: Iterable[tuple[str, int, str]], unreadable: Unreadable) -> dict[str, Rules]:
    """Project -> rules, of (project, revision, stored text)."""
    found: dict[str, Rules] = {}
    for project_id, revision, text in rows:
        try:
            found[project_id] = compiled(revision, text)
        except BadRules as error:
            unreadable("rules", project_id, error)
    return found


async def find_key(db: Postgres, digest: str) -> ResolvedKey | None:
    """The key whose `hash_key` this is, as `find_keys` finds it. Raises `PostgresUnavailable`."""
    return (await find_keys(db, [digest], lambda *_: None)).get(digest)


async def check_keys(db: Postgres) -> None:
    """Raise `PostgresUnavailable` unless keys can be looked up now: the database may be there without its tables."""
    await find_key(db, "")


def _struct(kind: type[Any], row: Sequence[Any]) -> Any:
    """A struct of a row whose columns stand in the order of its fields."""
    return msgspec.convert(dict(zip(kind.__struct_fields__, row, strict=True)), kind)
