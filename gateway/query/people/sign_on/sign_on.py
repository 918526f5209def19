"""Whom a provider of OpenID Connect lets in (operating.md, "Single sign-on")."""

from collections.abc import Mapping
from importlib.util import find_spec
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import structlog

from gateway.query.people.sign_on.trip import Trip, WrongState, begin, resume
from gateway.rejections import Unavailable
from shared.oidc import BadRoles, Oidc, RoleRule, parse_roles, roles_of
from shared.settings import BadSetting
from shared.users import Role

if TYPE_CHECKING:
    from gateway.query.people.sign_on.provider import Provider

MAX_CODE = 2_048
LOCAL = ("127.0.0.1", "::1", "localhost")

_log = structlog.get_logger(__name__)


class Refused(Exception):
    """Nobody is let in. The text is for the person; the log says more."""


class Vouched(NamedTuple):
    """Whom the provider vouches for. `roles`: by project, None for none, of those that claims decide about."""

    email: str
    roles: Mapping[str, Role | None]
    next: str


class SignOn:
    def __init__(self, config: Oidc, provider: "Provider", rules: tuple[RoleRule, ...]) -> None:
        self._provider = provider
        self._rules = rules
        self._domains = {domain.strip().lower() for domain in config.domains.split(",")} - {""}
        self.button = config.button
        self.may_create = config.create_users

    async def leave(self, secret: str, next: str) -> str:
        """The provider's address for a browser. `secret`: of its visit. Raises `Unavailable`."""
        from gateway.query.people.sign_on.provider import ProviderAway

        try:
            return await self._provider.address(begin(secret, next, time()))
        except ProviderAway as error:
            _log.warning("the provider of single sign-on can't be asked", error=str(error))
            raise Unavailable("the provider of single sign-on can't be asked") from error

    async def come_back(self, secret: str, given: Mapping[str, str]) -> Vouched:
        """`given`: the parameters that the browser brought. Raises `Refused`, `Unavailable`."""
        try:
            trip = resume(secret, given.get("state", ""), time())
        except WrongState as error:
            raise Refused("This log-in was begun in another browser, or too long ago. Try again.") from error
        code = given.get("code", "")
        if not code or len(code) > MAX_CODE:
            _log.info("single sign-on refused", error=given.get("error", "no code")[:200])
            raise Refused("The provider did not let you in.")
        claims = await self._claims(code, trip)
        return Vouched(self._email(claims), roles_of(self._rules, claims), trip.next)

    async def close(self) -> None:
        await self._provider.close()

    async def _claims(self, code: str, trip: Trip) -> Mapping[str, Any]:
        from gateway.query.people.sign_on.provider import BadToken, ProviderAway

        try:
            return await self._provider.claims(code, trip)
        except ProviderAway as error:
            _log.warning("the provider of single sign-on can't be asked", error=str(error))
            raise Unavailable("the provider of single sign-on can't be asked") from error
        except BadToken as error:
            _log.warning("single sign-on refused", error=str(error))
            raise Refused("What the provider said of you can't be believed. Tell who runs this Sluice.") from error

    def _email(self, claims: Mapping[str, Any]) -> str:
        email = claims.get("email")
        if not isinstance(email, str) or "@" not in email or not email.isprintable() or email != email.strip():
            raise Refused("The provider does not say your e-mail address.")
        if claims.get("email_verified") is not True:
            raise Refused("The provider has not verified your e-mail address.")
        if self._domains and email.rpartition("@")[2].lower() not in self._domains:
            raise Refused("Addresses of your domain are not let in.")
        return email


def sign_on_of(config: Oidc) -> SignOn | None:
    """None where no issuer is set. Raises `BadSetting`."""
    if not config.issuer:
        return None
    for name in ("client_id", "redirect_url"):
        if not getattr(config, name):
            raise BadSetting(f"SLUICE_OIDC_ISSUER is set, so SLUICE_OIDC_{name.upper()} must be, too")
    for name in ("issuer", "redirect_url"):
        address = urlsplit(getattr(config, name))
        if address.scheme != "https" and not (address.scheme == "http" and address.hostname in LOCAL):
            raise BadSetting(f"SLUICE_OIDC_{name.upper()} must begin with https://")
    if find_spec("authlib") is None or find_spec("httpx2") is None:
        raise BadSetting("SLUICE_OIDC_ISSUER is set, and the extra is not installed: pip install 'sluice[oidc]'")
    try:
        rules = parse_roles(config.roles)
    except BadRoles as error:
        raise BadSetting(f"SLUICE_OIDC_ROLES: {error}") from error
    from gateway.query.people.sign_on.provider import Provider

    return SignOn(config, Provider(config, config.client_secret.reveal()), rules)
