"""What a browser keeps for us: the session, the theme and the time zone (pages.md, "Sessions")."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.query.pages.zone import Zone, zone_named

MAX_AGE_S = 30 * 86_400

THEMES = ("light", "dark")
_THEME, _ZONE = "sluice_theme", "sluice_zone"
_TASTE_S = 365 * 86_400
"""What a person likes is kept for longer than a session."""

_VISIT_S = 3_600


def is_secure(request: Request) -> bool:
    """Whether the browser came by TLS, to us or to a proxy that we trust."""
    return bool(request.scope["scheme"] == "https")


def session_of(request: Request) -> str:
    """The token in the session's cookie; '' for none."""
    return request.cookies.get(_named(request, "sluice"), "")


def keep_session(response: Response, request: Request, token: str) -> None:
    _keep(response, request, "sluice", token, MAX_AGE_S)


def drop_session(response: Response, request: Request) -> None:
    _keep(response, request, "sluice", "", 0)


def visit_of(request: Request) -> str:
    """The secret of a visit before the log-in; '' for none."""
    return request.cookies.get(_named(request, "sluice_visit"), "")


def keep_visit(response: Response, request: Request, secret: str) -> None:
    _keep(response, request, "sluice_visit", secret, _VISIT_S)


def theme_of(request: Request) -> str:
    """`light`, `dark`, or '' for the system's: what the address says, else what it said the last time."""
    asked = request.query_params.get("theme", request.cookies.get(_THEME, ""))
    return asked if asked in THEMES else ""


def keep_theme(response: Response, request: Request) -> None:
    """Where the address names one."""
    if "theme" in request.query_params:
        _keep_taste(response, _THEME, theme_of(request))


def zone_of(request: Request) -> Zone:
    """What the times of a page are written in: UTC, unless something else was chosen."""
    return zone_named(request.cookies.get(_ZONE, ""))


def keep_zone(response: Response, zone: Zone) -> None:
    _keep_taste(response, _ZONE, zone.name)


def _keep_taste(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=_TASTE_S, path="/", samesite="lax", httponly=True)


def _named(request: Request, name: str) -> str:
    """No page of a neighbouring host, and none without TLS, can set a cookie of this prefix."""
    return f"__Host-{name}" if is_secure(request) else name


def _keep(response: Response, request: Request, name: str, value: str, max_age: int) -> None:
    response.set_cookie(
        _named(request, name),
        value,
        max_age=max_age,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
