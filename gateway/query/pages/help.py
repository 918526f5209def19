"""The page behind `?`: keys, and how a query is written (pages.md, "Keyboard")."""

from collections.abc import Mapping
from typing import Any

from gateway.query.pages.page import Page
from gateway.query.pages.view import View

KEYS = (
    ("/", "search"),
    ("j k", "next row, row before"),
    ("Enter", "open the row"),
    ("Esc", "close it; leave a field"),
    ("[ ]", "range back and on"),
    ("← →", "in a histogram, the bar beside; Enter shows its time alone"),
    ("t", "follow the logs, or stop it"),
    ("r p", "rows, patterns"),
    ("c", "the logs around the open one"),
    ("x", "exclude the value or pattern that has the focus"),
    ("?", "this help"),
)


async def _find(view: View) -> Mapping[str, Any]:
    view.finish()
    return {"keys": KEYS}


HELP = Page("help", "help.html", _find)
