"""The headers of every page, and where a log-in may lead (pages.md, "Security")."""

from collections.abc import Mapping

from starlette.requests import Request

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

MAX_NEXT = 4_000


def next_path(text: str | None) -> str:
    """Where a log-in leads: a path of this host, else `/`. A browser takes `//host` and `/\\host` for other hosts, and
    leaves out control characters before it looks."""
    if not text or len(text) > MAX_NEXT or not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return text if text.isprintable() and "\\" not in text else "/"


def is_own(request: Request) -> bool:
    """Whether a page of ours sent the request. Browsers say so themselves on HTTPS and on this machine; elsewhere they
    name the page's origin. One that says neither is not believed."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and origin == f"{request.scope['scheme']}://{request.headers.get('host', '')}"
