"""Text that would run as script if a page took it for markup, in every field of every signal that takes text."""

import copy
import time
from collections.abc import Iterator
from typing import Any

from shared.registry import load
from tests.browser.site import Site, ago

MARKUP = "\"'`><script>alert(1)</script><img src=x onerror=alert(1)><svg/onload=alert(1)>{{7*7}}</style></textarea>"
LINK = "javascript:alert(1)//"
TIMES = ("timestamp", "start_time")

Path = tuple[str | int, ...]


def send_all(site: Site) -> int:
    """Send every example of every intake with these texts in each field that takes them; how many fields took one."""
    n = 0
    for intake in load().intakes:
        for example in intake.examples.values():
            if isinstance(example, bytes):
                continue  # an envelope: its event comes by another route too
            body = _of_now(copy.deepcopy(example))
            for path in list(_texts(body)):
                n += _put(site, intake.route, body, path)
            assert site.post(intake.route, body) in (200, 202)
    return n


def _put(site: Site, route: str, body: Any, path: Path) -> bool:
    """Whether the field takes the text; else it keeps its own."""
    *way, last = path
    holder = body
    for name in way:
        holder = holder[name]
    own = holder[last]
    for text in (MARKUP, MARKUP[:60], LINK):
        holder[last] = text
        if site.post(route, body) in (200, 202):
            return True
    holder[last] = own
    return False


def _texts(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, str):
        if path[-1] not in TIMES:
            yield path
    elif isinstance(value, (dict, list)):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(each, (*path, name))


def _of_now(value: Any) -> Any:
    if isinstance(value, list):
        return [_of_now(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: _moment(each) if name in TIMES else _of_now(each) for name, each in value.items()}


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        return ago(10)
    now = time.time() - 10
    return int(now * 1000) if isinstance(value, int) else now
