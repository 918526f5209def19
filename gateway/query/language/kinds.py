"""What a field can be asked for: each kind checks a test and writes it as SQL over its columns."""

from typing import Literal, Protocol

from gateway.query.language.binding import Binding
from gateway.query.language.nodes import Test

Name = Literal["text", "id", "level", "number", "duration", "yes/no", "attribute"]


class Unfit(ValueError):
    """A field can't be asked for this; the text says what it can be asked for."""


class Kind(Protocol):
    @property
    def name(self) -> Name: ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at."""

    def check(self, test: Test) -> Test:
        """The test in its usual spelling. Raises `Unfit`."""

    def sql(self, test: Test, bind: Binding) -> str:
        """The condition of a checked test. It can stand in AND, OR and NOT as it is."""
