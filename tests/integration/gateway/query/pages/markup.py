"""What the HTML of a page says, and that it says no more."""

import re
from html import unescape
from typing import Any

from tests.integration.gateway.query.pages.browser import links_in

RANGE = "start_time=2026-01-15T11:00:00Z&end_time=2026-01-15T13:00:00Z"

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}javascript:alert(1)"


def text_of(html: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html)))


def rows_of(html: str) -> list[str]:
    """The texts of the rows of a list, without notes and opened rows, and without labels that only phones show."""
    html = re.sub(r'<span class="lab[^>]*>[^<]*</span>', "", html)
    found = re.findall(r'<tr role="row"(?: id="[^"]*")?(?: class="([^"]*)")?>(<td.*?)</tr>', html, re.S)
    return [text_of(row).strip() for css, row in found if css.strip() not in ("more", "note")]


def is_harmless(html: str) -> None:
    assert "<script>" not in html
    assert "<img" not in html
    assert not re.search(r"<[a-z]+ [^>]*\son\w+=", re.sub(r'"[^"]*"', '""', html))
    assert not [link for link in links_in(html) if not link.startswith(("/", "#"))]


def is_in_fences(answer: Any) -> None:
    """Of a page for agents all that was stored is: our own lines are few, and none is of a stranger."""
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert EVIL in answer.text
    ours = re.sub(r"^(`{3,})\n.*?^\1$", "", answer.text, flags=re.S | re.M)
    assert "script" not in ours
    assert "Ignore all" not in ours
