"""The answer about delivery."""

import msgspec

from gateway.query.shape import Time


class LaneAnswer(msgspec.Struct, frozen=True):
    """A lane, of all projects together. `committed`: where the writers go on; null for nothing yet. `lag_seconds`:
    since the queue took the first message that they have not committed. All that came before `complete_up_to` is
    stored. `lost`: messages that retention took before a writer read them."""

    signal: str
    topic: str
    partition: int
    committed: int | None
    end: int
    lag_messages: int
    lag_seconds: float
    complete_up_to: Time
    lost: int


class TableAnswer(msgspec.Struct, frozen=True):
    """How far the rows of some signals are complete."""

    table: str
    signals: list[str]
    complete_up_to: Time | None
    complete_reason: str | None


class LetterCount(msgspec.Struct, frozen=True):
    """Open letters of this project: records and messages that could not be stored."""

    signal: str
    reason: str
    count: int


class LookedAtAnswer(msgspec.Struct, frozen=True):
    """The offsets of a topic of dead letters that were looked at, from `first` to before `next`, of those that it has,
    from `begin` to before `end`."""

    topic: str
    partition: int
    begin: int
    first: int
    next: int
    end: int


class LettersAnswer(msgspec.Struct, frozen=True):
    """The project's open dead letters. `all`: every letter there is was looked at. Letters that no project can be read
    of are left out: of messages that are no envelope, and closed ones."""

    open: list[LetterCount]
    all: bool
    looked_at: list[LookedAtAnswer]


class DeliveryAnswer(msgspec.Struct, frozen=True):
    """`lanes` and `dead_letters` are null while the queue can't be asked; then `reason` says so. `observed_at`: when
    the lanes were looked at."""

    complete_up_to: Time | None
    complete_reason: str | None
    tables: list[TableAnswer]
    observed_at: Time | None
    lanes: list[LaneAnswer] | None
    dead_letters: LettersAnswer | None
    reason: str | None
