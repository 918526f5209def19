"""Log-in by OpenID Connect: authorization code, PKCE, state and nonce (pages.md, "Single sign-on")."""

from gateway.query.people.sign_on.sign_on import Refused, SignOn

__all__ = ["Refused", "SignOn"]
