"""One connection: what it keeps is bounded, and what never becomes a whole request is refused in the API's own words.

uvicorn bounds neither, and answers broken HTTP in plain text. What it does with a request in order is done here again
with less (performance.md, "Where the gateway's time goes").
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.apis import Apis
from gateway.http.answer_headers import standing_headers
from gateway.http.closing_answer import closing_answer
from gateway.http.cycle import CYCLE, Cycle
from gateway.rejections import BadRequest, Rejection, TooLarge, Unavailable

_FRAMING = (b"content-length", b"transfer-encoding")

MAX_FRAMING_BYTES = 65_536
"""Most bytes of a request that are not its body: request line, headers, trailers, what stands between chunks."""

MAX_HEADERS = 256
"""Most headers of a request, and most trailers: each takes a hundred times its bytes in memory where they are short."""

MAX_PIPELINED = 32
"""Most requests on one connection that wait for earlier answers: one of 20 bytes takes 2 kB of memory meanwhile."""

PIECE_BYTES = 65_536
"""What arrives at once is parsed in pieces of this size, so that a limit is noticed before much of it is kept."""

CHUNK_BYTES = 16
"""What the frame of a chunk may cost: its size in hex and the ends of lines. The rest of it counts."""


@dataclass
class Framing:
    """What all connections of one process keep of requests that are not complete, beside their bodies; in bytes."""

    most: int = 32_000_000
    held: int = 0


class Connection(HttpToolsProtocol):
    """A connection that can refuse what never reaches a route.

    1. A request keeps `MAX_FRAMING_BYTES` at most beside its body, whatever they are, and `MAX_HEADERS` headers. All
       requests that are not complete keep `Framing.most` together; beyond that the newest piece's is refused with 503.
    2. Trailers are read and forgotten: they are never headers.
    3. A request to upgrade is answered like any other, its body read by its own framing.
    4. Behind `MAX_PIPELINED` requests that wait for earlier answers nothing more is read: they are answered, then the
       connection ends.
    5. Framing that breaks in a body is answered 400, unless an earlier request still waits for its answer.
    6. It has no timer of its own for the time between requests: one costs a request more than checking its key.
       `gateway.http.overdue` ends it.
    """

    scope: Any
    """Of the newest request; None before the first one, without a method until its head is complete."""
    cycle: Cycle
    """Of the newest request whose head is complete; None before the first one."""

    def __init__(
        self,
        *arguments: Any,
        request_ids: Iterator[bytes],
        apis: Apis,
        framing: Framing,
        left: "Callable[[Connection], object]",
        **named: Any,
    ) -> None:
        """`left` is called at the end of the connection; all connections have the same `framing`."""
        self._pieces: list[bytes] = []
        # The parser calls it for each chunk, and they may be tiny: no Python then.
        self.on_body = self._pieces.append  # type: ignore[method-assign, assignment]
        super().__init__(*arguments, **named)
        self._request_ids = request_ids
        self._apis = apis
        self._framing = framing
        self._left = left
        self._framing_bytes = 0
        self._body_bytes = 0
        self._is_complete = False
        self.is_between_requests = False
        """Whether the newest request is answered, and nothing has come since."""
        self._is_deaf = False

    @property
    def in_head(self) -> bool:
        """Whether a request has begun, and its headers are not complete."""
        return self.scope is not None and "method" not in self.scope

    @property
    def in_body_for_nothing(self) -> bool:
        """Whether the client goes on sending a body whose request is already answered: it is thrown away."""
        return (
            self.cycle is not None
            and self.cycle.response_complete
            and self.cycle.more_body
            and not self.is_between_requests
        )

    @property
    def waits_for_client(self) -> bool:
        """Whether the client has to send, or to take, more before anything goes on here."""
        if self.transport is None or self.pipeline:  # the loop makes it some moments after the protocol
            return False
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    @property
    def is_idle(self) -> bool:
        """Whether the client has no request here, or not the whole head of one, and has taken all answers."""
        in_request = self.cycle is not None and not self.cycle.response_complete
        return self.waits_for_client and not in_request and not self.transport.get_write_buffer_size()

    def give_way(self) -> None:
        """End a connection that waits for its client. A request that is under way is told 503."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        elif self.in_head or not self.is_idle:
            self.refuse(Unavailable())
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._keep(0)
        self._left(self)

    def data_received(self, data: bytes) -> None:
        self.is_between_requests = False
        if len(data) <= PIECE_BYTES:
            self._parse(data)
            return
        for at in range(0, len(data), PIECE_BYTES):
            if not self.transport.is_closing():
                self._parse(data[at : at + PIECE_BYTES])

    def _parse(self, data: bytes) -> None:
        if self._is_deaf:
            return
        of_body, self._is_complete = self._body_bytes, False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._parse_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._parser_stopped()
            return
        self._body_came()
        if not self._is_complete:
            self._keep(max(0, self._framing_bytes + len(data) - (self._body_bytes - of_body)))
            if self._framing_bytes > MAX_FRAMING_BYTES or self._has_too_many_headers():
                self.refuse(TooLarge())
            elif self._framing.held > self._framing.most:
                self.refuse(Unavailable())
        elif self._framing_bytes:
            self._keep(0)

    def _keep(self, n: int) -> None:
        """Count the bytes that are kept of the newest request."""
        self._framing.held += n - self._framing_bytes
        self._framing_bytes = n

    def _parser_stopped(self) -> None:
        """By what it read, or by us."""
        if self._has_too_many_headers():
            self.refuse(TooLarge())
        elif len(self.pipeline) >= MAX_PIPELINED:
            self._is_deaf = True
            self.cycle.keep_alive = False
        else:
            self.refuse(BadRequest())

    def _has_too_many_headers(self) -> bool:
        """Whether the head, or the trailers, that came last are too many."""
        return self.headers is not None and len(self.headers) > MAX_HEADERS

    def on_headers_complete(self) -> None:
        if len(self.headers) > MAX_HEADERS or len(self.pipeline) >= MAX_PIPELINED:
            raise TooLarge  # stops the parser
        version = self.parser.get_http_version()
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before, self.cycle = self.cycle, self._cycle(version)
        scope[CYCLE] = self.cycle
        self.headers = []  # from here on: trailers
        if before is None or before.response_complete:
            self._start(self.cycle)
        else:  # pipelined: it waits for its turn
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _cycle(self, version: str) -> Cycle:
        return Cycle(
            tasks=self.tasks,
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def _start(self, cycle: Cycle) -> None:
        cycle.task = self.loop.create_task(cycle.run_asgi(self.app))
        self.tasks.add(cycle.task)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start(cast(Cycle, self.pipeline.pop()[0]))
        else:
            self.is_between_requests = True

    def _body_came(self) -> None:
        """Hand on what the parser found of a body since the last time."""
        if pieces := self._pieces:
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._body_bytes += len(body) + CHUNK_BYTES * len(pieces)
            pieces.clear()
            cycle = self.cycle
            if not cycle.response_complete:
                cycle.arrived(body)
                if cycle.waiting_bytes > HIGH_WATER_LIMIT:
                    self.flow.pause_reading()

    def on_message_complete(self) -> None:
        self._body_came()
        if not self.parser.should_upgrade():  # else its body is still to come
            self._is_complete = True
            if not self.cycle.response_complete:
                self.cycle.more_body = False
                self.cycle.message_event.set()

    def _parse_without_upgrade(self, rest: bytes) -> None:
        """Go on with a request that asked for an upgrade: the parser takes what follows its head for another protocol,
        so another parser reads it, behind a head that says nothing but how long the body is."""
        framing = [header for header in self.scope["headers"] if header[0] in _FRAMING]
        self.parser = httptools.HttpRequestParser(_AfterHead(self))
        self._parse(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(b"%b: %b\r\n" % header for header in framing))
        if rest and not self.transport.is_closing():
            self._parse(rest)

    def refuse(self, rejection: Rejection) -> None:
        """Answer and close, unless an answer to an earlier request is still under way: then only close."""
        if self.transport.is_closing():
            return
        cycle = self.cycle
        in_its_body = cycle is not None and cycle.more_body and not cycle.response_started and not self.pipeline
        if cycle is None or cycle.response_complete or (in_its_body and "method" in self.scope):
            self.transport.write(self._answer(rejection))
        if cycle is not None:
            cycle.disconnected = True  # whatever its route says now, nobody reads it
            cycle.message_event.set()
        if self.headers:
            self.headers.clear()  # up to 40 times their bytes, else kept until the loop has ended the connection
        self.transport.close()

    def _answer(self, rejection: Rejection) -> bytes:
        standing = (*self.server_state.default_headers, *standing_headers(self._request_ids, self._origin()))
        return closing_answer(self._apis, getattr(self, "url", b""), rejection, standing)

    def _origin(self) -> bytes | None:
        return dict(self.scope["headers"]).get(b"origin") if self.scope else None


class _AfterHead:
    """Passes a parser's calls on, but for those of its first head."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_first = True
        self.on_body = connection.on_body

    def on_message_begin(self) -> None:
        if not self._is_first:
            self._connection.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_first:
            self._connection.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_first:
            self._connection.on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._is_first:
            self._connection.on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_first = False
        self._connection.on_message_complete()
