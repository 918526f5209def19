"""What is asked of the provider: its addresses and keys, and the claims behind a code."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

import httpx2
import msgspec
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from gateway.query.people.sign_on.bounded import BoundedTransport
from gateway.query.people.sign_on.trip import Trip
from shared.oidc import Oidc

WITHIN_S = 5.0
LEEWAY_S = 60
FRESH_S = 3600.0
"""How long the provider's addresses and keys are used without asking again."""

AWAY_S = 5.0
"""How long the provider is not asked again after it did not answer: any stranger may begin a log-in."""

KEYS_AGAIN_S = 60.0
"""A key that is not known has the keys asked for again, at most so often."""

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Only those whose keys the provider alone can sign with."""


class ProviderAway(Exception):
    """The provider did not answer, or not as one does."""


class BadToken(Exception):
    """The provider vouches for nobody by this code."""


class _Found(msgspec.Struct, frozen=True):
    """What a provider says of itself, as far as it is needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Provider:
    """Asks only the addresses of the issuer that is set, follows no redirects, and takes no large answers."""

    def __init__(self, config: Oidc, secret: str) -> None:
        self._config = config
        self._secret = secret
        self._tls = httpx2.create_ssl_context()  # once: it takes as long as many requests
        self._http = httpx2.AsyncClient(
            timeout=WITHIN_S, transport=BoundedTransport(self._tls), headers={"Accept-Encoding": "identity"}
        )
        self._known: tuple[_Found, KeySet, float] | None = None
        self._asking = asyncio.Lock()
        self._problem, self._away_until = "", 0.0

    async def address(self, trip: Trip) -> str:
        """Where the browser goes. Raises `ProviderAway`."""
        found, _ = await self._provider(FRESH_S)
        async with self._client(found) as client:
            url, _ = client.create_authorization_url(
                found.authorization_endpoint, state=trip.state, nonce=trip.nonce, code_verifier=trip.verifier
            )
        return str(url)

    async def claims(self, code: str, trip: Trip) -> Mapping[str, Any]:
        """What the provider says of whoever came back with this code. Raises `ProviderAway`, `BadToken`."""
        found, _ = await self._provider(FRESH_S)
        try:
            async with self._client(found) as client:
                token = await client.fetch_token(found.token_endpoint, code=code, code_verifier=trip.verifier)
        except AuthlibBaseError as error:
            raise BadToken(f"the provider refused the code: {error}") from error
        except (httpx2.HTTPError, ValueError) as error:
            raise ProviderAway(f"{type(error).__name__}: {error}") from error
        try:
            return await self._verified(token, trip)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise BadToken(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        await self._http.aclose()

    async def _verified(self, token: Mapping[str, Any], trip: Trip) -> Mapping[str, Any]:
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        found, keys = await self._provider(FRESH_S)
        try:
            decoded = jwt.decode(token["id_token"], keys, registry=registry)
        except InvalidKeyIdError:
            found, keys = await self._provider(KEYS_AGAIN_S)
            decoded = jwt.decode(token["id_token"], keys, registry=registry)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": found.issuer},
                "aud": {"essential": True, "value": self._config.client_id},
            },
            {"nonce": trip.nonce, "client_id": self._config.client_id, "access_token": token.get("access_token")},
        )
        claims.validate(leeway=LEEWAY_S)
        return dict(claims)

    async def _provider(self, fresh_s: float) -> tuple[_Found, KeySet]:
        """One asks, for all who want to know. Raises `ProviderAway`."""
        async with self._asking:
            if self._known is None or monotonic() - self._known[2] > fresh_s:
                self._known = *await self._asked(), monotonic()
            return self._known[:2]

    async def _asked(self) -> tuple[_Found, KeySet]:
        if monotonic() < self._away_until:
            raise ProviderAway(self._problem)
        issuer = self._config.issuer.rstrip("/")
        try:
            said = await self._get(f"{issuer}/.well-known/openid-configuration")
            found = msgspec.json.decode(said, type=_Found)
            if found.issuer.rstrip("/") != issuer:
                raise ValueError(f"it calls itself {found.issuer}")
            return found, KeySet.import_key_set(msgspec.json.decode(await self._get(found.jwks_uri)))
        except (httpx2.HTTPError, JoseError, ValueError, TypeError, KeyError) as error:
            self._problem, self._away_until = f"{type(error).__name__}: {error}", monotonic() + AWAY_S
            raise ProviderAway(self._problem) from error

    async def _get(self, url: str) -> bytes:
        return (await self._http.get(url)).raise_for_status().content

    def _client(self, found: _Found) -> AsyncOAuth2Client:
        methods = found.token_endpoint_auth_methods_supported
        usual = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        return AsyncOAuth2Client(
            self._config.client_id,
            self._secret or None,
            token_endpoint_auth_method=usual if self._secret else "none",
            scope=self._config.scopes,
            redirect_uri=self._config.redirect_url,
            code_challenge_method="S256",
            timeout=WITHIN_S,
            transport=BoundedTransport(self._tls),
            headers={"Accept-Encoding": "identity"},
        )
