"""What the gateway must know about a wire contract beyond its formats: the routes, the shape of the body, the answer.

An intake is declared in the same file as its format. The writer never looks at it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from shared.formats.codec import Payload
from shared.formats.structs import retyped
from shared.metrics import DropReason

MANY_LINES = 1_000
"""Lines that are still looked at one by one on the event loop."""


class Malformed(Exception):
    """A body that its intake can't read, or that is not JSON at all. The text says why, in a few words."""


class TooMany(Malformed):
    """A body of more records than its intake takes."""


class BadRecord(Exception):
    """The one record of a request breaks its contract. The text is the sentence that says so, and quotes nothing."""


class Remarks(NamedTuple):
    """What the gateway must know about a valid record."""

    event_id: str = ""
    """The client's own id for it; '' for none."""
    lacks: str = ""
    """The field that this record needs although its struct makes it optional; '' for none."""
    is_ping: bool = False
    """It is accepted and counted, but not stored."""


class Printed(NamedTuple):
    """What decides the group of an error."""

    message: str
    stack: str
    release: str


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """The outcome of a request's records: `reply` makes the success body from it."""

    accepted: int
    dropped: int = 0
    fingerprints: Sequence[str] = ()
    event_ids: Sequence[str] = ()
    format: str = ""
    """The format of the body, of several that of the first; it may decide how the answer is encoded."""
    reasons: Mapping[str, int] = {}
    """Of an `Encoded` body: why records were dropped, and how many for each reason."""
    named: str = ""
    """The client's own id of the whole request."""


@dataclass(frozen=True)
class One:
    """The body is a single record.

    `fingerprinted`: of a record whose fingerprint and event id the answer carries.
    """

    fingerprinted: Callable[[Any], Printed] | None = None

    @property
    def partial(self) -> bool:
        return False

    @property
    def names_events(self) -> bool:
        """Whether the answer carries ids of events."""
        return self.fingerprinted is not None


@dataclass(frozen=True)
class Batch:
    """The body is a frame, an object with an array of records in its field `records`.

    A frame has `service`, `environment` and `release`, which go into the stamp (class variables where the request has
    no such field). The order of its fields is the order in which the faults of a body are listed. `partial`: a bad
    record is dropped and counted; otherwise the whole request is refused.
    """

    frame: type[msgspec.Struct]
    records: str
    most: int
    least: int = 1
    partial: bool = False
    names_events = False

    def whole(self, record: Any, note: str | None = None) -> type[msgspec.Struct]:
        """The type of the frame with its records in it, each of them a `record`. `note` describes the array."""
        limits = msgspec.Meta(min_length=self.least or None, max_length=self.most, description=note)
        return retyped(self.frame, {self.records: Annotated[_list_of(record), limits]})


@dataclass(frozen=True)
class Array:
    """The body is an array of records; bad ones are dropped and counted."""

    most: int
    least: int = 0
    partial = True
    names_events = False


@dataclass(frozen=True)
class OneOrMany:
    """The body is one record, refused when it is bad, or an array of up to `most`, of which bad ones are dropped.

    `look` inspects the JSON of a valid record.
    """

    most: int
    look: Callable[[bytes], Remarks]
    partial = True
    names_events = True

    @property
    def many(self) -> Any:
        """The type of an array of records, each of which is judged by itself."""
        return Annotated[list[Any], msgspec.Meta(max_length=self.most)]


Judge = Callable[[Any], str]
"""Why a readable record can't be accepted, in one word such as `missing_name`; '' for a good one."""


class Derived(NamedTuple):
    """Records that follow from those of a payload."""

    payload: bytes
    n: int
    duplicates: int = 0
    """Records that would say the same as one of these."""
    left_out: int = 0
    """Records beyond what may follow from one payload."""


class Laborious(Exception):
    """What follows from a payload takes more than a few milliseconds to find."""


class Derivation(NamedTuple):
    """Records of another format that follow from good ones, e.g. the errors in spans: they are published too, and are
    no part of the answer."""

    format: str
    marks: tuple[bytes, ...]
    """Nothing follows from a payload without any of these bytes."""
    derive: Callable[[Payload, float], Derived]
    """(payload, the most pieces that its marked records may have). Raises `Laborious` at more."""


@dataclass(frozen=True)
class Encoded:
    """The body is a payload of its format's codec, which alone can read it; records with a fault are dropped.

    `judge` judges what the codec's `look` gives; without it every record is good.
    """

    most: int
    least: int = 0
    judge: Judge | None = None
    all_good: Callable[[Iterable[Any]], bool] | None = None
    """Whether `judge` finds no fault in any of these records: quicker than to ask it about each. False may be wrong."""
    dropped_as: DropReason = "invalid"
    """What records with a fault are counted as."""
    derivations: tuple[Derivation, ...] = ()
    partial = True
    names_events = False


@dataclass(frozen=True)
class Picked:
    """The records of the format are picked out of the body by `unwrap`, which gives a `Picking` of them."""

    derivations: tuple[Derivation, ...] = ()
    partial = True
    names_events = True


class Picking(msgspec.Struct, gc=False):
    """The good records of one format, and what there was beside them."""

    payload: bytes
    """A JSON array of records."""
    n: int
    dropped: list[tuple[str, str]] = []
    """(place, fault in one word) of each record that was left out; a word that is a `DropReason` is counted as that."""
    service: str = ""
    environment: str = ""
    release: str = ""
    extra: bytes = b""
    """What the request says beside its records, for the `extra` of each row: a JSON object, b'' for nothing."""
    event_ids: tuple[str, ...] = ()
    """Of errors: the client's own id of each record; '' for none."""
    named: str = ""
    """The client's own id of the whole request: where records are stored under it, a repeat is not stored again."""
    reasons: Mapping[str, int] = {}
    """What else is to be counted."""


Body = One | Batch | Array | OneOrMany | Encoded | Picked
"""The shape of a body of one format."""

Unwrap = Callable[[bytes, str], Sequence[tuple[str, bytes]] | Sequence[tuple[str, Picking]]]
"""(unpacked body, Content-Type) -> (format name, body of that format) for each format whose records it holds.

It runs before anything assumes JSON or UTF-8. Raises `Malformed`, `BadRecord`.
"""


def many_lines(body: bytes) -> bool:
    """Whether a body has so many lines that to unwrap them one by one takes milliseconds."""
    return body.count(b"\n") > MANY_LINES


@dataclass(frozen=True)
class Intake:
    """One wire contract: `POST` on each of its routes. An `api_key` in a body needs no field: the gateway looks for it,
    and never sends it on."""

    routes: tuple[str, ...]
    """The first one names it in metrics and marks. One may hold `{project_id}`: the key must be that project's.
    Sentry's SDKs put digits of their own into a path, which nothing looks at: `{sentry_project:digits}`."""
    api: str
    """The API in `gateway.apis` whose error bodies it answers with."""
    bodies: Mapping[str, Body]
    """Format name -> what a body of it must be."""
    reply: Callable[[Outcome], tuple[int, bytes]]
    """(status, body) of an accepted request."""
    unwrap: Unwrap | None = None
    """None: the whole body is of the one format."""
    is_heavy: Callable[[bytes], bool] = many_lines
    """Whether to unwrap and check a body of more than 16 kB may take more than a few milliseconds, told in some
    microseconds."""
    is_packed: bool = False
    """Bodies may hold far more than their bytes say: `is_heavy` is asked about small ones, too."""
    kind: Literal["ingest", "drain", "sentry"] = "ingest"
    """A drain answers the ownership handshake, may be signed, recognises a repeat by its body, and has a limit only
    if its project sets one. Sentry's SDKs carry their keys in further places, and are asked to send less."""
    publish_within_s: float | None = None
    """For clients that give up soon: seconds after which they are told 503, before they do. The queue's own time-out
    holds as well."""
    media_types: tuple[str, ...] = ()
    """Further media types that `unwrap` accepts, for the API's description. Of picked records: its only ones."""
    operation: str = ""
    """What the API's description calls it, where the name of its first format is another intake's, too."""
    examples: Mapping[str, Any] = field(default_factory=dict)
    """Name -> a whole body, as a JSON value; for people and for the API's description. Each must be accepted."""

    @property
    def route(self) -> str:
        """As it is written in the API's description."""
        return self.routes[0].replace(":digits}", "}")

    @property
    def name(self) -> str:
        """The name of its first format."""
        return next(iter(self.bodies))


class BatchFrame(msgspec.Struct, gc=False, kw_only=True):
    """What a batch request says once for all of its records, as the DeepTracer routes have it."""

    service: str = "unknown"
    environment: str = "production"
    release: Annotated[str, msgspec.Meta(max_length=128)] = ""


def _list_of(kind: Any) -> Any:
    return list[kind]
