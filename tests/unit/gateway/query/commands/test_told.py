"""What a command says beside an answer."""

from gateway.query.commands.group_rows import bars, title
from gateway.query.commands.options import range_of, sentence_of
from gateway.query.commands.told import incomplete, of_rows, shown_from, span, until
from gateway.query.complete import Complete
from gateway.query.range import Range
from gateway.query.refusals import BadQuery
from gateway.query.times import parse_time


def between(start: str, end: str) -> Range:
    return Range(parse_time(start), parse_time(end))


DAY = between("2026-01-15T10:00:00Z", "2026-01-15T11:00:00Z")
YEAR = between("2026-01-15T10:00:00Z", "2026-02-15T10:00:00Z")
YEARS = between("2025-01-15T10:00:00Z", "2026-02-15T10:00:00Z")


def test_times_leave_out_what_all_of_them_have() -> None:
    assert [shown_from(range) for range in (DAY, YEAR, YEARS)] == [11, 5, 0]
    assert until(DAY.end, DAY) == "11:00:00"
    assert span(YEAR) == "from 01-15 10:00:00 to 02-15 10:00:00 UTC"
    assert until(YEARS.start, YEARS) == "2025-01-15 10:00:00"


def test_rows_are_told_in_millions_where_they_are_many() -> None:
    assert of_rows(1_234_567, 5_180_000) == "1.2 of 5.2 M rows"
    assert of_rows(1_200, 90_000) == "1,200 of 90,000 rows"


def test_it_is_said_that_rows_are_still_arriving() -> None:
    assert incomplete(Complete(DAY.end), DAY) is None
    assert incomplete(Complete(DAY.end - 1_000_000), DAY) == (
        "still arriving: all that was sent before 10:59:59 UTC is here"
    )
    assert incomplete(Complete(reason="the queue is away"), DAY) == (
        "how far this is complete is unknown: the queue is away"
    )


def test_a_range_is_what_the_options_say_or_what_is_usual() -> None:
    now = DAY.end
    assert range_of(None, None, None, "1h", now) == DAY
    assert range_of(None, "2026-01-15T10:30:00Z", "30m", "1h", now) == between("2026-01-15T10:00Z", "2026-01-15T10:30Z")
    assert range_of("2026-01-15T10:00:00Z", None, None, "24h", now) == DAY


def test_a_bad_option_is_called_as_it_is_written() -> None:
    try:
        range_of("yesterday", None, "1h", "1h", DAY.end)
    except BadQuery as refusal:
        said = sentence_of(refusal)
    assert said.startswith("--start: Input should be a valid datetime or date")
    try:
        range_of("2026-01-15", None, "1h", "1h", DAY.end)
    except BadQuery as refusal:
        said = sentence_of(refusal)
    assert said == "--last: give --start or --last, not both"


def test_bars_are_as_high_as_the_counts() -> None:
    assert bars([0, 1, 4, 8]) == "·▁▄█"
    assert bars([0, 0]) == "··"
    assert bars([1, 1_000_000]) == "▁█"


def test_an_error_is_called_by_type_and_message() -> None:
    assert title("TypeError", "x is not a function") == "TypeError: x is not a function"
    assert (title("TypeError", ""), title("", "boom")) == ("TypeError", "boom")
