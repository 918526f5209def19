"""What the HTML of a page says, and that it says no more."""

import re
from html import unescape

from tests.integration.gateway.query.pages.browser import links_in

RANGE = "start_time=2026-01-15T11:00:00Z&end_time=2026-01-15T13:00:00Z"

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}javascript:alert(1)"


def text_of(html: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html)))


def rows_of(html: str) -> list[str]:
    """The texts of the rows of a list, without notes and opened rows."""
    found = re.findall(r'<tr role="row"(?: id="[^"]*")?(?: class="([^"]*)")?>(<td.*?)</tr>', html, re.S)
    return [text_of(row).strip() for css, row in found if css.strip() not in ("more", "note")]


def is_harmless(html: str) -> None:
    assert "<script>" not in html
    assert "<img" not in html
    assert not re.search(r"<[a-z]+ [^>]*\son\w+=", re.sub(r'"[^"]*"', '""', html))
    assert not [link for link in links_in(html) if not link.startswith(("/", "#"))]
