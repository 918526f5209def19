"""The form that makes a key: what it says, and what is wrong with it."""

import re
from collections.abc import Mapping
from typing import NamedTuple, get_args

from shared.keys import Scope, check_scopes
from shared.origins import NoOrigin, normal_origin
from shared.project_keys import NewKey

SCOPES: tuple[Scope, ...] = get_args(Scope)

MAX_NAME = 100
MAX_ORIGINS = 50
_MOST = 2**31 - 1


class KeyForm(NamedTuple):
    """`problems`: field -> a sentence; without any there is `key`."""

    given: Mapping[str, str]
    problems: Mapping[str, str]
    key: NewKey | None = None


EMPTY = KeyForm({"kind": "dt", "scope_ingest": "on"}, {})


def parse_key_form(given: Mapping[str, str], most: Mapping[str, int]) -> KeyForm:
    """`most`: what may be sent and read, requests a minute by kind; 0: any number."""
    problems: dict[str, str] = {}
    kind: str = given.get("kind", "")
    scopes = tuple(scope for scope in SCOPES if given.get(f"scope_{scope}"))
    name = given.get("name", "").strip()
    if len(name) > MAX_NAME or not name.isprintable():
        problems["name"] = f"A name has at most {MAX_NAME} printable characters."
    if kind not in ("dt", "pk"):
        problems["kind"] = "Choose where the key will stand."
    try:
        check_scopes(f"{kind}_", scopes)
    except ValueError as error:
        problems["scopes"] = f"{error}.".capitalize()
    origins = _origins(given.get("origins", ""), problems)
    limits = {most["ingest" if scope == "ingest" else "read"] for scope in scopes} - {0}
    limit = _limit(given.get("limit", "").strip(), min(limits, default=0), problems)
    if problems:
        return KeyForm(given, problems)
    made = NewKey(kind="pk" if kind == "pk" else "dt", name=name, scopes=scopes, origins=origins, limit=limit)
    return KeyForm(given, {}, made)


def _origins(text: str, problems: dict[str, str]) -> tuple[str, ...]:
    """As browsers send them, each once, one a line."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_ORIGINS:
        problems["origins"] = f"A key has at most {MAX_ORIGINS} origins."
        return ()
    try:
        return tuple(dict.fromkeys(map(normal_origin, lines)))
    except NoOrigin as error:
        problems["origins"] = f"{error}."
        return ()


def _limit(text: str, most: int, problems: dict[str, str]) -> int | None:
    """Who runs Sluice says what a project may: from here its keys get less."""
    if not text:
        return None
    limit = int(text) if re.fullmatch(r"\d{1,10}", text, re.ASCII) else 0
    if not 0 < limit <= (most or _MOST):
        up_to = f", at most {most:,}" if most else ""
        problems["limit"] = f"Write a number of requests a minute{up_to}; nothing for the usual limit."
        return None
    return limit
