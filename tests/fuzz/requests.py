"""Whole HTTP requests to every route of the gateway, with every mistake that a client could make."""

import gzip
import hashlib
import hmac
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import cramjam
from hypothesis import strategies as st

from gateway.query.logs.columns import INCLUDABLE
from gateway.query.logs.filters import EQUAL, LEVELS
from tests.fuzz.texts import MOMENTS, plain_values, rarely, texts
from tests.validating import Door

Headers = Sequence[tuple[bytes, bytes]]


class Known(NamedTuple):
    """An existing project and its keys."""

    project: str
    ingest: str
    read: str
    browser: str
    """Only for pages of https://app.example.com."""
    secret: str = ""
    """The secret of the project's drains."""


class Request(NamedTuple):
    """One request. `route` is the path of the gateway's route that it is for ('' for none)."""

    route: str
    method: str
    target: bytes
    headers: Headers = ()
    body: bytes = b""

    @property
    def has_name(self) -> bool:
        """Whether a repeat may be answered without being stored: the request, or a record in its body, has a name."""
        named = any(name.lower() == b"idempotency-key" and value.strip() for name, value in self.headers)
        return named or self.route.startswith(("/ingest/drain", "/api/v1/errors"))

    def __str__(self) -> str:
        """As one line that can be pasted into a test."""
        body = self.body if len(self.body) < 4_000 else self.body[:2_000] + b"..." + self.body[-500:]
        return f"Request({self.route!r}, {self.method!r}, {self.target!r}, {list(self.headers)!r}, {body!r})"


class Answer(NamedTuple):
    status: int
    headers: Sequence[tuple[str, str]]
    """Names in lower case."""
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for each, value in self.headers if each == name), None)


CODINGS = {
    b"gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"br": lambda body: bytes(cramjam.brotli.compress(body, level=2)),
    b"zstd": lambda body: bytes(cramjam.zstd.compress(body)),
}

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
_ORIGINS = [b"https://app.example.com", b"null", b"", b"https://evil.example", b"\xff\xfe", b"https://" + b"a" * 600]
_TYPES = [
    b"application/json",
    b"text/plain;charset=UTF-8",
    b"application/x-ndjson",
    b"",
    b"multipart/form-data",
    b"\xff",
]
_STRANGE_PATHS = [
    *(b"/", b"//", b"/ingest", b"/ingest/", b"/ingest/logs/extra", b"/ingest//logs", b"/INGEST/LOGS", b"/api/v1/"),
    *(b"/api/v1/projects//logs", b"/api/v1/projects/%00/logs", b"/api/v1/projects/%ff%fe/logs", b"/%2e%2e/etc/passwd"),
    *(b"/ingest/logs?x=%00", b"/ingest/logs;a=b", b"/ingest/drain/%00", b"/ingest/drain/a%2Fb", b"/ingest/drain/%ff"),
    *(
        b"/ingest/drain/" + b"p" * 3_000,
        b"/api/v1/events//logs",
        b"/api/v1/events/%00/logs",
        b"/api/v1/events/%00",
        b"/health/%00",
        b"/metrics?%",
    ),
    *(b"/api/v1/events/" + b"%F0%9F%98%80" * 100 + b"/logs", b"/" + b"a" * 20_000, b"/x?" + b"a" * 20_000),
]


@st.composite
def _key(draw: st.DrawFn, known: Known, good: str) -> list[tuple[bytes, bytes]]:
    if not rarely(draw, 10):
        key = good.encode()
    else:
        key = draw(st.sampled_from([known.ingest, known.read, known.browser, "dt_unknown", "", "\x80\xff"])).encode(
            "latin-1"
        )
    match draw(st.integers(-10, 20)):
        case 0:
            return []
        case 1:
            return [(b"X-API-Key", key)]
        case 2:
            return [(b"authorization", b"bEARER   " + key), (b"x-api-key", b"other")]
        case 3:
            return [(b"Authorization", draw(st.sampled_from([b"Basic x", b"Bearer", b"", key])))]
        case _:
            return [(b"Authorization", b"Bearer " + key)]


@st.composite
def _extras(draw: st.DrawFn) -> list[tuple[bytes, bytes]]:
    """Headers that a client may add, right or wrong."""
    made: list[tuple[bytes, bytes]] = []
    if rarely(draw, 6):
        made.append((b"Origin", draw(st.sampled_from(_ORIGINS))))
    if rarely(draw, 6):
        made.append((b"Content-Type", draw(st.sampled_from(_TYPES))))
    if rarely(draw, 10):
        name = draw(
            st.sampled_from([b"a", b"b", b" ", b"\xff", b"x" * 255, b"x" * 256, b"%d" % draw(st.integers(0, 10**9))])
        )
        made.append((b"Idempotency-Key", name))
    if rarely(draw, 20):
        made.append(
            (b"X-" + b"a" * draw(st.sampled_from([1, 100, 5_000])), b"b" * draw(st.sampled_from([0, 1, 9_000])))
        )
    return made


@st.composite
def _packed(draw: st.DrawFn, body: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """(Content-Encoding, body): packed as it says, cut short, or not what the header says."""
    if not rarely(draw, 4):
        return [], body
    coding = draw(st.sampled_from(sorted(CODINGS)))
    packed = CODINGS[coding](body)
    match draw(st.integers(-10, 20)):
        case 0:
            packed = packed[: draw(st.integers(0, len(packed)))]
        case 1:
            packed = body
        case 2:
            packed += packed
        case 3:
            coding = draw(
                st.sampled_from([b"identity", b"compress", b"gzip, gzip", b"", b" GZIP ", b"x-gzip", b"\xff"])
            )
    return [(b"Content-Encoding", coding)], packed


@st.composite
def ingests(draw: st.DrawFn, door: Door, known: Known) -> Request:
    """Requests to an intake's route, nearly all with a good key."""
    value, headers = draw(plain_values(door)), draw(_key(known, known.ingest))
    if rarely(draw, 5):
        headers, value = [], _with_key(value, draw(st.sampled_from([known.ingest, known.read, "", 5, None])))
    packing, body = draw(_packed(draw(texts(door, value))))
    route = door.intake.route
    target = route + draw(st.sampled_from(["", "", "", "/", "?a=b"]))
    headers += draw(_extras()) + packing
    if door.intake.kind == "drain":
        if rarely(draw, 6):
            target = f"{route}/{draw(st.sampled_from([known.project, 'other', '%00', '%F0%9F%98%80']))}"
        if known.secret and not rarely(draw, 10):
            headers.append((b"x-vercel-signature", _signature(known.secret, body)))
        if rarely(draw, 10):
            headers.append((b"x-vercel-verify", draw(st.sampled_from([b"code", b"\xff\x80", b"", b"a" * 3_000]))))
    method = draw(st.sampled_from(_METHODS)) if rarely(draw, 30) else "POST"
    return Request(route, method, target.encode(), headers, body)


def _with_key(value: Any, key: Any) -> Any:
    if isinstance(value, list):
        return [_with_key(each, key) for each in value]
    return value | {"api_key": key} if isinstance(value, dict) else value


def _signature(secret: str, body: bytes) -> bytes:
    return hmac.digest(secret.encode(), body, hashlib.sha1).hex().encode()


_numbers = st.integers(-2, 1002).map(str) | st.sampled_from(
    ["1e3", "", "9" * 30, "1.0", "٣", "\0", "100001", "+5", "--1"]
)
_words = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [*LEVELS, "%", "_", "\\", "'", "\0", "{a}", "%(a)s", "a" * 3_000, "😀" * 400, "3", "1e3", "1e999", "null"]
    ),
)
_moments = st.sampled_from([moment.strip('"') for moment in MOMENTS]) | _words
_attributes = st.one_of(
    st.text(max_size=10), st.sampled_from(["http.status_code", "a.b.c", ".", "..", "a." * 200, "\0", "id"])
)
_parameters = st.one_of(
    st.tuples(st.sampled_from(["limit", "offset"]), _numbers),
    st.tuples(st.sampled_from(["start_time", "end_time"]), _moments),
    st.tuples(st.sampled_from(["levels", "search", "cursor", "unknown", *EQUAL]), _words),
    st.tuples(st.just("include"), st.sampled_from([",".join(INCLUDABLE), "extra", "extra,extra", "message", ""])),
    st.tuples(_attributes.map("attr.".__add__), _words),
)
_event_ids = st.one_of(
    st.text(max_size=20), st.sampled_from(["e1", "a/b", "\0", "x" * 128, "x" * 129, "😀" * 128, "%", "?#"])
)


@st.composite
def reads(draw: st.DrawFn, route: str, known: Known) -> Request:
    """Requests to a route of the read API, whose path has one parameter."""
    project = draw(st.sampled_from([known.project] * 6 + ["other", "\0", "", "😀"]))
    name = quote(project if "{project_id}" in route else draw(_event_ids), safe="/")
    target = route.replace("{project_id}", name).replace("{event_id:path}", name)
    given = draw(st.lists(_parameters, max_size=4))
    if given:
        target += "?" + "&".join(f"{quote(name, safe='.')}={quote(value)}" for name, value in given)
    if rarely(draw, 20):
        target += draw(st.sampled_from(["?%", "?&&==", "?a=%ff", "?levels=%ED%A0%80", "?attr.=1", "?=", "#x"]))
    method = draw(st.sampled_from(["GET"] * 8 + ["HEAD", *_METHODS]))
    body = draw(st.sampled_from([b""] * 5 + [b"{}", b"\0" * 70_000]))
    return Request(route, method, target.encode(), draw(_key(known, known.read)) + draw(_extras()), body)


@st.composite
def others(draw: st.DrawFn, routes: Sequence[str], known: Known) -> Request:
    """Any method to any path: the gateway's routes, and paths without a route."""
    route = draw(st.sampled_from(routes))
    path = route.replace("{project_id}", known.project).replace("{event_id:path}", "e1").encode()
    target = draw(st.sampled_from([path, path, path + b"/", *_STRANGE_PATHS]))
    body = draw(st.sampled_from([b"", b"{}", b"[]", b"null", b"\xff"]))
    headers = draw(_key(known, known.ingest)) + draw(_extras())
    return Request("" if target in _STRANGE_PATHS else route, draw(st.sampled_from(_METHODS)), target, headers, body)
