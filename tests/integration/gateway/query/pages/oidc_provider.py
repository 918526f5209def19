"""A provider of OpenID Connect on 127.0.0.1, with real signed tokens.

It stands in for those that people have: none runs without an account or a Java server. It keeps to the protocol, holds
us to it (redirect address, client's secret, PKCE), and can be told to lie, which a real one can't.
"""

import hashlib
import secrets
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.integration.stack import wait_until

CLIENT, SECRET = "sluice", "a client's secret: not for logs"
BACK = "https://sluice.test/login/oidc/callback"
WHO = "ann@example.com"

Forge = Callable[["Provider", dict[str, Any]], str]


class Provider:
    """`log_in` is what somebody does at the provider; it returns the address that the browser is sent back to. A real
    browser finds a page there that leads back, as `WHO`. `back`: the redirect address that is registered; `host`: the
    provider's name."""

    def __init__(self, back: str = BACK, host: str = "127.0.0.1") -> None:
        self.back = back
        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.says: dict[str, Any] = {}
        """Of itself, instead of what is so."""
        self.is_away = False
        self._granted: dict[str, tuple[dict[str, str], dict[str, Any], Forge]] = {}
        paths = {
            "/.well-known/openid-configuration": self._about,
            "/jwks": self._keys,
            "/authorize": self._authorize,
        }
        routes = [Route(path, answer) for path, answer in paths.items()]
        app = Starlette(routes=[*routes, Route("/token", self._token, methods=["POST"])])
        # Its own logging would stay in this process, for the tests after this one.
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        wait_until(lambda: self._server.started, 30, "a provider of OpenID Connect")
        self.url = f"http://{host}:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def log_in(self, address: str, forge: Forge | None = None, **claims: Any) -> str:
        """`address`: where Sluice has sent the browser. `forge`: makes the token."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert address.startswith(f"{self.url}/authorize?")
        assert (asked["client_id"], asked["response_type"], asked["redirect_uri"]) == (CLIENT, "code", self.back)
        assert (asked["code_challenge_method"], "openid" in asked["scope"].split()) == ("S256", True)
        code = secrets.token_hex(8)
        self._granted[code] = asked, claims, forge or Provider.signed
        return f"{urlsplit(self.back).path}?code={code}&state={asked['state']}"

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)

    def by_another_key(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, RSAKey.generate_key(2048, {"kid": "1"}))

    def unsigned(self, claims: dict[str, Any]) -> str:
        parts = ({"alg": "none", "typ": "JWT"}, claims)
        header, body = (urlsafe_b64encode(JSONResponse(part).body).decode().rstrip("=") for part in parts)
        return f"{header}.{body}."

    def by_the_clients_secret(self, claims: dict[str, Any]) -> str:
        key = OctKey.import_key(SECRET.encode() * 2)
        return jwt.encode({"alg": "HS256"}, claims, key, registry=JWSRegistry(algorithms=["HS256"]))

    def by_its_public_key(self, claims: dict[str, Any]) -> str:
        """As whoever has read `/jwks` can."""
        key = OctKey.import_key(str(self.key.as_dict(private=False)["n"]).encode())
        return jwt.encode({"alg": "HS256", "kid": "1"}, claims, key, registry=JWSRegistry(algorithms=["HS256"]))

    async def _about(self, request: Request) -> Response:
        if self.is_away:
            return Response(status_code=500)
        paths = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        about = {name: f"{self.url}/{path}" for name, path in paths.items()}
        return JSONResponse({"issuer": self.url, **about, **self.says})

    async def _keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [{**self.key.as_dict(private=False), "use": "sig", "alg": "RS256"}]})

    async def _authorize(self, request: Request) -> Response:
        back = self.log_in(f"{self.url}/authorize?{request.url.query}", email=WHO, email_verified=True)
        href = escape(urljoin(self.back, back))
        no_icon = '<link rel="icon" href="data:,">'
        return HTMLResponse(f'<!doctype html><title>A provider</title>{no_icon}<a href="{href}">Go on as {WHO}</a>')

    async def _token(self, request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode()))
        asked, claims, forge = self._granted.pop(given["code"], ({}, {}, Provider.signed))
        challenge = urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest()).decode().rstrip("=")
        basic = f"Basic {b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"
        if challenge != asked.get("code_challenge") or given["redirect_uri"] != self.back:
            return JSONResponse({"error": "invalid_grant"}, 400)
        if request.headers["authorization"] != basic:
            return JSONResponse({"error": "invalid_client"}, 401)
        now = int(time.time())
        usual = {"iss": self.url, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": forge(self, said)})
