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


def parse_key_form(given: Mapping[str, str]) -> KeyForm:
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
    limit = _limit(given.get("limit", "").strip(), problems)
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


def _limit(text: str, problems: dict[str, str]) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or int(text) > _MOST:
        problems["limit"] = "Write a number of requests a minute; 0 for no limit, nothing for the usual one."
        return None
    return int(text)
