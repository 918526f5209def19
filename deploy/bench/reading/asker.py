"""One reader: a kept connection, and one question at a time."""

import http.client
import re
from collections.abc import Mapping
from contextlib import closing
from time import perf_counter
from typing import NamedTuple, Self

from deploy.bench.jobs import JobFailed
from deploy.local.ports import HOST

_TIMEOUT_S = 60.0
_NEXT = re.compile(r'<([^>]*)>; rel="next"')


class Answer(NamedTuple):
    """`ms`: from the request's first byte to the answer's last. The headers' names are in small letters."""

    ms: float
    headers: Mapping[str, str]

    @property
    def next(self) -> str | None:
        """The target of the page after this one."""
        found = _NEXT.search(self.headers.get("link", ""))
        return found[1] if found else None


class Asker:
    """Asks a gateway with a read key, and for pages with the cookie of a session. Use it in a `with`."""

    def __init__(self, port: int, key: str, cookie: str = "") -> None:
        self.url, self.cookie = f"http://{HOST}:{port}", cookie
        self._http = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_S)
        self._headers = {"X-API-Key": key, **({"Cookie": cookie} if cookie else {})}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, target: str) -> Answer:
        """Raises `JobFailed` unless it is answered 200."""
        began = perf_counter()
        try:
            self._http.request("GET", target, headers=self._headers)
            with closing(self._http.getresponse()) as response:
                body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise JobFailed(f"{target} got no answer: {error}") from error
        ms = (perf_counter() - began) * 1000
        if response.status != 200:
            raise JobFailed(f"{target} was answered {response.status}: {body[:500].decode(errors='replace')}")
        return Answer(ms, {name.lower(): value for name, value in response.getheaders()})

    def ask_to_end(self, target: str) -> float:
        """Milliseconds of all pages together. Raises `JobFailed`."""
        ms = 0.0
        following: str | None = target
        while following is not None:
            answer = self.ask(following)
            ms, following = ms + answer.ms, answer.next
        return ms
