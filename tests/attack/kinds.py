"""The kinds of attacks: each makes attacks by chance, and knows what a request looks like."""

import gzip
import itertools
import json
import random
import zlib
from collections.abc import Callable, Iterator

from tests.attack.raw import Attack, chunked, head, post

ROUTES = ("/ingest/logs", "/ingest/errors", "/ingest/drain", "/api/v1/logs/batch", "/api/v1/errors", "/ingest/llm")
LOG = b'{"level":"info","message":"attack"}'
BATCH = b'{"logs":[' + LOG + b"]}"

Kind = Callable[[random.Random], Attack]


def endless_trailers(rng: random.Random) -> Attack:
    """Trailer fields, or one trailer value, without an end."""

    def pieces() -> Iterator[bytes]:
        yield head(rng.choice(ROUTES), b"Transfer-Encoding: chunked")
        yield b"%x\r\n%b\r\n0\r\n" % (len(BATCH), BATCH)
        if rng.random() < 0.5:
            yield b"X-Trailer: "
            yield from itertools.repeat(b"v" * 65_536)
        yield from (b"X-%d: %s\r\n" % (n, b"v" * 1_000) for n in itertools.count())

    return Attack("endless trailers", pieces())


def endless_head(rng: random.Random) -> Attack:
    """A request line, a header value, or headers without an end."""

    def pieces() -> Iterator[bytes]:
        match rng.randrange(3):
            case 0:
                yield b"POST /"
                yield from itertools.repeat(b"a" * 65_536)
            case 1:
                yield b"POST /ingest/logs HTTP/1.1\r\nX: "
                yield from itertools.repeat(b"a" * 65_536)
            case _:
                yield b"POST /ingest/logs HTTP/1.1\r\n"
                yield from (b"X-%d: %s\r\n" % (n, b"v" * 100) for n in itertools.count())

    return Attack("endless head", pieces())


def chunk_extensions(rng: random.Random) -> Attack:
    """Chunks of a byte with extensions of kilobytes, or one extension without an end."""

    def pieces() -> Iterator[bytes]:
        yield head(rng.choice(ROUTES), b"Transfer-Encoding: chunked")
        if rng.random() < 0.5:
            yield b"1;"
            yield from itertools.repeat(b"e" * 65_536)
        yield from itertools.repeat(b"1;" + b"e" * 4_000 + b"\r\n[\r\n")

    return Attack("chunk extensions", pieces())


def tiny_chunks(rng: random.Random) -> Attack:
    """A body in chunks of one byte."""
    body = b"[" * rng.randint(1, 300_000)
    return Attack("tiny chunks", [b"".join(chunked(rng.choice(ROUTES), (body[n : n + 1] for n in range(len(body)))))])


def upgrade(rng: random.Random) -> Attack:
    """An upgrade with a body, and behind it what would be a request if the body were thrown away."""
    to = rng.choice([b"h2c", b"websocket", b"TLS/1.0"])
    inner = b"GET /health HTTP/1.1\r\nHost: sluice\r\n\r\n"
    headers = [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + to, b"HTTP2-Settings: AAMAAABk"]
    if rng.random() < 0.5:
        return Attack("upgrade", post("/ingest/logs", inner * rng.randint(1, 50), *headers))
    return Attack("upgrade", chunked("/ingest/logs", [inner] * rng.randint(1, 50), *headers))


def broken_framing(rng: random.Random) -> Attack:
    """Lengths that lie, transfer codings that aren't, chunk sizes that are none."""
    bad = rng.choice(
        [
            head("/ingest/logs", b"Content-Length: 5", b"Content-Length: 6") + b"12345",
            head("/ingest/logs", b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n12345",
            head("/ingest/logs", b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
            head("/ingest/logs", b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
            head("/ingest/logs", b"Transfer-Encoding: identity") + b"12345",
            head("/ingest/logs", b"Content-Length: -1") + b"12345",
            head("/ingest/logs", b"Content-Length: 99999999999999999999") + b"12345",
            head("/ingest/logs", b"Transfer-Encoding: chunked") + b"zz\r\n12345",
            head("/ingest/logs", b"Transfer-Encoding: chunked") + b"5\r\n1234567890\r\n",
            head("/ingest/logs", b"Transfer-Encoding: chunked") + b"FFFFFFFFFFFFFFFFF\r\n",
            b"POST  /ingest/logs HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ]
    )
    return Attack("broken framing", [bad, rng.randbytes(rng.randint(0, 2_000))])


def repeated_headers(rng: random.Random) -> Attack:
    """Two keys, two origins: whoever stands in between may have looked at the other one."""
    name = rng.choice([b"Authorization", b"Origin"])
    return Attack("repeated headers", post("/ingest/logs", BATCH, name + b": Bearer a", name + b": Bearer b"))


def escapes(rng: random.Random) -> Attack:
    """Millions of escapes and a broken end, or lone surrogates, packed or not."""
    escape = rng.choice([b"\\n", b"\\u0041", b"\\ud800", b"\\\\", b"\\ud83d\\ude00"])
    body = b'{"logs":[{"level":"info","message":"' + _repeated(rng, escape, rng.randint(100_000, 19_000_000))
    body += rng.choice([b'"}]}', b'"}', b""])
    return _packed("escapes", rng, rng.choice(ROUTES), body)


def many_lines(rng: random.Random) -> Attack:
    """Lines that are no JSON, or the smallest JSON, to a drain."""
    line = rng.choice([b"x\n", b"{}\n", b"1\n", b'{"a":1}\n', b"{\n"])
    return _packed("many lines", rng, "/ingest/drain", _repeated(rng, line, rng.randint(10_000, 6_000_000)))


def many_values(rng: random.Random) -> Attack:
    """Arrays and objects of millions of the smallest values."""
    value = rng.choice([b"1", b"{}", b"[]", b"1.5", b"null", b'""', b'{"a":1}'])
    array = b"[" + _repeated(rng, value + b",", rng.randint(10_000, 19_000_000)) + b"0]"
    match rng.randrange(3):
        case 0:
            body = array
        case 1:
            body = b'{"logs":' + array + b"}"
        case _:
            body = b'{"unknown":' + array + b',"logs":[{"level":"loud","message":5}]}'
    return _packed("many values", rng, rng.choice(ROUTES), body[:20_000_000])


def many_keys(rng: random.Random) -> Attack:
    """An object of a million keys, in an unknown field or in the frame."""
    members = b",".join(b'"%d":0' % n for n in range(rng.randint(10_000, 1_500_000)))
    body = rng.choice([b'{"unknown":{%b},"logs":[{"level":5}]}', b'{%b,"logs":[{"level":"loud"}]}']) % members
    return _packed("many keys", rng, rng.choice(ROUTES), body)


def deep(rng: random.Random) -> Attack:
    """Brackets without an end, closed or not, in texts or not."""
    opened = rng.choice([b"[", b'{"a":', b'{"a":[', b'"[', b"[]", b'["]",'])
    body = opened * (rng.randint(1_000, 10_000_000) // len(opened))
    if rng.random() < 0.3:
        body += b"1" + b"]" * 1_000
    return _packed("deep", rng, rng.choice(ROUTES), body)


def numbers(rng: random.Random) -> Attack:
    """Numbers of a million digits, and those that no double holds."""
    number = rng.choice([b"1" * rng.randint(1, 4_000_000), b"1e" + b"9" * 1_000, b"-0.0" + b"1" * 100_000, b"1E400"])
    body = b'{"logs":[{"level":"info","message":"m","timestamp":%b,"metadata":{"n":%b}}]}' % (number, number)
    return _packed("numbers", rng, rng.choice(ROUTES), body)


def wrong_records(rng: random.Random) -> Attack:
    """Valid batches in which every record is wrong in every field."""
    record = {"level": "\ud800" if rng.random() < 0.5 else 5, "message": 5, "timestamp": "soon", "metadata": []}
    records = [record | {"trace_id": "t" * rng.randint(0, 3_000)}] * rng.randint(1, 1_000)
    return _packed("wrong records", rng, rng.choice(ROUTES), json.dumps({"logs": records}).encode())


def bombs(rng: random.Random) -> Attack:
    """Bodies that unpack to gigabytes, or are packed twice, or not as they say."""
    plain = b" " * 100_000_000
    match rng.randrange(4):
        case 0:
            body, coding = _bomb(gzip.compress(plain, 1)), b"gzip"
        case 1:
            body, coding = _bomb(zlib.compress(plain, 1)), b"deflate"
        case 2:
            body, coding = gzip.compress(gzip.compress(plain, 1), 1), b"gzip"
        case _:
            body, coding = rng.randbytes(100_000), rng.choice([b"gzip", b"br", b"zstd", b"deflate", b"lzma"])
    return Attack("bombs", post(rng.choice(ROUTES), body, b"Content-Encoding: " + coding))


def half_a_request(rng: random.Random) -> Attack:
    """A request that stops somewhere, with the connection held open for a while."""
    whole = b"".join(post("/ingest/logs", BATCH, b"Authorization: Bearer nobody"))
    return Attack("half a request", [whole[: rng.randrange(1, len(whole))]], slow_s=rng.random())


def long_paths(rng: random.Random) -> Attack:
    """Projects of 60 kB in a path, without a key."""
    name = bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=1_000)) * rng.randint(1, 60)
    return Attack("long paths", [head(f"/ingest/drain/{name.decode()}", method="GET")], may_succeed=True)


def pipelined(rng: random.Random) -> Attack:
    """Hundreds of requests on one connection, or thousands of the shortest, none of them waited for."""
    one = b"".join(post("/ingest/logs", BATCH)) + head("/health", method="GET")
    shortest = b"GET / HTTP/1.1\r\n\r\n"
    return Attack(
        "pipelined", [rng.choice([one * rng.randint(1, 300), shortest * rng.randint(1, 40_000)])], may_succeed=True
    )


def short_headers(rng: random.Random) -> Attack:
    """Thousands of the shortest headers: little on the wire, much in memory."""
    few = head(rng.choice(ROUTES), b"Content-Length: 3")[:-2]
    return Attack("short headers", [few + b"a:\r\n" * rng.randint(1_000, 16_000) + rng.choice([b"", b"\r\n"])])


def half_a_large_body(rng: random.Random) -> Attack:
    """Megabytes of a body whose end never comes."""
    size = rng.randint(100_000, 4_900_000)
    return Attack("half a large body", [head(rng.choice(ROUTES), b"Content-Length: 5000000"), b"[" * size])


KINDS: tuple[Kind, ...] = (
    endless_trailers,
    endless_head,
    chunk_extensions,
    tiny_chunks,
    upgrade,
    broken_framing,
    repeated_headers,
    escapes,
    many_lines,
    many_values,
    many_keys,
    deep,
    numbers,
    wrong_records,
    bombs,
    half_a_request,
    half_a_large_body,
    long_paths,
    pipelined,
    short_headers,
)


def attacks(rng: random.Random, each: int = 4) -> list[Attack]:
    """Some attacks of each kind."""
    return [kind(rng) for _ in range(each) for kind in KINDS]


def _bomb(packed: bytes) -> bytes:
    return packed[:4_500_000]


def _repeated(rng: random.Random, unit: bytes, size: int) -> bytes:
    """A unit over and over, about `size` bytes, with white space by chance between: bodies that repeat exactly unpack
    to more than a gateway allows for their size."""
    run = unit * (600 // len(unit))
    white = (
        [b" " * k + run for k in range(1, 9)]
        if unit[:1] not in (b"\\",)
        else [run[: k * len(unit)] for k in range(5, 90)]
    )
    some = b"".join(rng.choices(white, k=500))
    return some * (size // len(some)) + some[: size % len(some) // len(run) * len(run)]


def _packed(kind: str, rng: random.Random, path: str, body: bytes) -> Attack:
    """The body as it is, or packed: then a small request does it."""
    if rng.random() < 0.6 or len(body) > 5_000_000:
        return Attack(kind, post(path, gzip.compress(body, 1), b"Content-Encoding: gzip"))
    return Attack(kind, post(path, body))
