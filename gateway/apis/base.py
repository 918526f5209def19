"""What an API is: the words, shapes and statuses in which it refuses. One file an API."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from gateway.http.answer import Answer
from gateway.rejections import Rejection, Worded
from gateway.validation.faults import Fault

_encode = msgspec.json.Encoder().encode


class Api(ABC):
    """How one API answers. A file of `gateway/apis` (or of an extension's `apis`) defines an instance of it."""

    name: ClassVar[str]
    """What intakes call it."""
    prefix: ClassVar[str] = ""
    """Begins the paths that it answers for where there is no route; the API with the longest one does."""
    media_type: ClassVar[str] = "application/json"
    statuses: ClassVar[Mapping[type[Rejection], int]] = {}
    """Where its status is another one than the rejection's own."""
    sentences: ClassVar[Mapping[type[Rejection], str]] = {}
    """Where it says something else than the rejection's own sentence."""
    utf16_lengths: ClassVar[bool] = False
    """Whether its limits of text count UTF-16 units, as JavaScript does, and not code points."""
    shapes: ClassVar[tuple[type[msgspec.Struct], ...]] = ()
    """Every refusal is exactly one of these; for the API's description."""

    def length(self, text: str) -> int:
        """The length of a text, in the unit of the API's limits."""
        if not self.utf16_lengths or text.isascii():
            return len(text)
        return len(text.encode("utf-16-le")) // 2

    @abstractmethod
    def refusal(self, rejection: Rejection, sentence: str) -> Any:
        """The JSON value of a refusal. `sentence` says why, in this API's words."""

    @abstractmethod
    def invalid(self, faults: Iterable[Fault]) -> Any:
        """The JSON value that refuses a body with these faults."""

    @abstractmethod
    def malformed(self, body: bytes) -> Any:
        """The JSON value that refuses a body which is no JSON."""

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
        headers = [(name.lower().encode(), value.encode()) for name, value in rejection.headers().items()]
        return Answer(self.status(rejection), self.encode(self.value(rejection)), headers)
