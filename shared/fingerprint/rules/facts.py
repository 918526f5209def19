"""What the rules of a project look at in one error."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple

from shared.fingerprint import v2
from shared.fingerprint.v2.bounds import bounded_message
from shared.fingerprint.v2.messages import normalised
from shared.fingerprint.v2.model import Frame

CALLS: Final = 100
"""Calls of the stack that are looked at, the cause's innermost first: a gateway must answer soon."""
RELEASE: Final = 256
"""Characters of a release."""


class Texts(NamedTuple):
    """The texts of which a matcher needs one, and all of them as one: most patterns aren't in that at all."""

    each: Sequence[str]
    joined: str


class Facts:
    """One error as version 2 reads it, whatever version groups it. Frames are read when a rule asks for them."""

    def __init__(self, message: str, stack: str, release: str) -> None:
        self.reading = v2.read(message, stack)
        self.release = _texts([release[:RELEASE]])
        self._sent = bounded_message(message)

    @cached_property
    def type(self) -> Texts:
        """The class name of each error of the chain, and the word that a message begins with: `message: sold out`."""
        kinds = (self.reading.type, *(each.type for each in self.reading.thrown), self._prefixed[0])
        return _texts(filter(None, kinds))

    @cached_property
    def message(self) -> Texts:
        """The message that counts, the one that was sent, with and without its first word, those of the chain."""
        said = (self.reading.message, self._sent, self._prefixed[1], *(each.message for each in self.reading.thrown))
        return _texts(said)

    @cached_property
    def function(self) -> Texts:
        return _texts(frame.function for _, frame in self._frames if frame.function)

    @cached_property
    def file(self) -> Texts:
        """Without folders, as files are compared."""
        return _texts(frame.file for _, frame in self._frames if frame.file)

    @cached_property
    def place(self) -> Texts:
        """Each frame as it was printed, for patterns with a folder."""
        return _texts(call.replace("\\", "/") for call, _ in self._frames)

    @property
    def normalised(self) -> str:
        """The whole message without its values."""
        return normalised(self.reading.message)

    @cached_property
    def _prefixed(self) -> tuple[str, str]:
        """(word, rest) of a message that was sent as `word: rest`, as Proliferate's are grouped."""
        word, colon, rest = self._sent.partition(": ")
        return (word, rest) if colon and word.isidentifier() else ("", self._sent)

    @cached_property
    def _frames(self) -> list[tuple[str, Frame]]:
        language = self.reading.language
        return [(call, frame) for call in islice(self._calls(), CALLS) if (frame := language.frame(call))]

    def _calls(self) -> Iterator[str]:
        for each in reversed(self.reading.thrown):
            yield from each.calls


def _texts(found: Iterable[str]) -> Texts:
    each = tuple(dict.fromkeys(found))
    return Texts(each, "\n".join(each))
