"""What an API is: the wording, shapes and statuses of its refusals. One file per API."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from gateway.carried import key_of, sentry_key_of
from gateway.http.answer import Answer
from gateway.rejections import Answered, Rejection, Worded
from gateway.validation.faults import Fault

_encode = msgspec.json.Encoder().encode


class Api(ABC):
    """How one API answers. A file of `gateway/apis` (or of an extension's `apis`) defines an instance of it."""

    name: ClassVar[str]
    """The name by which intakes refer to it."""
    prefix: ClassVar[str] = ""
    """It answers for paths without a route that begin with this; the longest matching prefix wins."""
    media_type: ClassVar[str] = "application/json"
    also: ClassVar[tuple[str, ...]] = ()
    """Media types of its other dialects, for the API's description."""
    statuses: ClassVar[Mapping[type[Rejection], int]] = {}
    """Statuses that differ from the rejection's own."""
    sentences: ClassVar[Mapping[type[Rejection], str]] = {}
    """Sentences that differ from the rejection's own."""
    utf16_lengths: ClassVar[bool] = False
    """Whether its text limits count UTF-16 units, as JavaScript does, instead of code points."""
    named_numbers: ClassVar[bool] = False
    """Whether its bodies may hold `NaN`, `Infinity` and `-Infinity`, as Python writes them, in values of any kind."""
    sentry_keys: ClassVar[bool] = False
    """Whether keys may also come as Sentry's SDKs carry them."""
    shapes: ClassVar[tuple[type[msgspec.Struct], ...]] = ()
    """Every refusal has exactly one of these shapes; for the API's description."""

    def dialect(self, content_type: bytes, body: bytes) -> "Api":
        """The API as it answers a request: one that answers in the request's encoding has one for each. The body may
        not be there yet."""
        return self

    @cached_property
    def content_type(self) -> tuple[bytes, bytes]:
        """The header of its answers."""
        return b"content-type", self.media_type.encode()

    @property
    def key_of(self) -> Callable[[Mapping[bytes, bytes]], str | None]:
        """Finds the key in a request's headers; None for none."""
        return sentry_key_of if self.sentry_keys else key_of

    def length(self, text: str) -> int:
        """The length of a text, in the unit of the API's limits."""
        if not self.utf16_lengths or text.isascii():
            return len(text)
        return len(text.encode("utf-16-le")) // 2

    @abstractmethod
    def refusal(self, rejection: Rejection, sentence: str) -> Any:
        """The JSON value of a refusal. `sentence` says why, in this API's words."""

    @abstractmethod
    def invalid(self, faults: Iterable[Fault], more: int = 0) -> Any:
        """The JSON value that refuses a body with these faults, and `more` that are not listed."""

    @abstractmethod
    def malformed(self, body: bytes) -> Any:
        """The JSON value that refuses a body that is not JSON."""

    def status(self, rejection: Rejection) -> int:
        return self.statuses.get(type(rejection), rejection.status)

    def value(self, rejection: Rejection) -> Any:
        """The JSON value of the answer."""
        if isinstance(rejection, Worded):
            return rejection.answer
        return self.refusal(rejection, self.sentences.get(type(rejection), rejection.sentence))

    def encode(self, value: Any) -> bytes:
        """A body of the API's media type."""
        return _encode(value)

    def answer(self, rejection: Rejection) -> Answer:
        if isinstance(rejection, Answered):
            answer: Answer = rejection.answer
            return answer
        headers = [(name.lower().encode(), value.encode()) for name, value in rejection.headers().items()]
        return Answer(self.status(rejection), self.encode(self.value(rejection)), headers)
