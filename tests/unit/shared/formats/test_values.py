"""Values of columns: times, counts and long text (contracts.md, "Time", "Numbers and text")."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import VERSION, Stamp
from shared.formats.base import Rows
from shared.formats.values import EARLIEST_US, LATEST_US, LEAD_US, WHOLE_MAX, limit_text, microseconds, times, whole
from shared.signals.base import ID_LIMIT, LOW_LIMIT
from shared.signals.logs import LOGS

RECEIVED = 1_800_000_000_000_000


def rows(n: int) -> Rows:
    made = Rows()
    made.add(Stamp(v=VERSION, format="f", project_id="p", received_at=RECEIVED, retention_days=30, n=n), [None] * n)
    return made


def test_a_missing_time_is_the_time_of_receipt() -> None:
    assert times(rows(1), [None]) == [RECEIVED]


def test_an_old_time_is_kept_to_the_microsecond() -> None:
    assert times(rows(1), [datetime(1999, 1, 2, 3, 4, 5, 678901, UTC)]) == [915246245678901]


def test_seconds_and_milliseconds_are_told_apart_by_size() -> None:
    assert microseconds(1736938200.123) == 1736938200123000
    assert microseconds(1736938200123.0) == 1736938200123000


def test_a_time_just_within_the_lead_is_kept_and_a_later_one_replaced_and_noted() -> None:
    within, beyond = (RECEIVED + LEAD_US) / 1e6, (RECEIVED + LEAD_US) / 1e6 + 1
    made = rows(2)
    assert times(made, [within, beyond]) == [RECEIVED + LEAD_US, RECEIVED]
    assert made.notes == {1: {"timestamp": beyond}}


def test_a_time_that_the_column_cannot_hold_is_replaced_and_noted() -> None:
    made = rows(2)
    assert times(made, [datetime(1, 1, 1, tzinfo=UTC), 1e300]) == [RECEIVED, RECEIVED]
    assert set(made.notes) == {0, 1}


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.datetimes(timezones=st.just(UTC))))
def test_every_time_fits_its_column(moment: float | datetime) -> None:
    [out] = times(rows(1), [moment])
    assert EARLIEST_US <= out <= LATEST_US
    assert out <= RECEIVED + LEAD_US


@pytest.mark.parametrize(
    ("sent", "stored"),
    [(2.5, 3), (2.4999, 2), (0.49999999999999994, 0), (0, 0), (145.0, 145), (4503599627370497.5, 4503599627370498)],
)
def test_counts_round_half_up_as_javascript_does(sent: float, stored: int) -> None:
    assert whole(rows(1), [sent], "n") == [stored]


def test_a_count_over_what_a_double_counts_is_clamped_and_noted() -> None:
    made = rows(1)
    assert whole(made, [1e300], "n") == [WHOLE_MAX]
    assert made.notes == {0: {"n": 1e300}}


def test_long_text_is_cut_in_its_column_and_kept_whole_beside_it() -> None:
    made = rows(2)
    columns = {"service": ["web", "s" * 300], "trace_id": ["t" * 600, ""], "message": ["m" * 9999, ""]}
    limit_text(LOGS, columns, made)
    assert [len(text) for text in columns["service"]] == [3, LOW_LIMIT]
    assert [len(text) for text in columns["trace_id"]] == [ID_LIMIT, 0]
    assert len(columns["message"][0]) == 9999
    assert made.notes == {0: {"trace_id": "t" * 600}, 1: {"service": "s" * 300}}


def test_what_a_request_says_once_is_kept_whole_once() -> None:
    made, service = rows(1000), "\0" * 850_000
    columns = {"service": [service] * 999 + ["\0" * 300]}
    limit_text(LOGS, columns, made)
    assert columns["service"] == ["\ufffd" * LOW_LIMIT] * 1000
    assert made.notes == {0: {"service": "\ufffd" * 850_000}, 999: {"service": "\ufffd" * 300}}


def test_rows_that_share_a_text_share_what_is_left_of_it() -> None:
    columns = {"service": ["s" * 300] * 500 + ["\0" * 200] * 500, "trace_id": ["t" * 600] * 1000}
    limit_text(LOGS, columns, rows(1000))
    assert {name: len(set(map(id, texts))) for name, texts in columns.items()} == {"service": 2, "trace_id": 1}


seconds = st.floats(-3e9, 1.1e11) | st.sampled_from([0.29, 1736938200.123, 1e11, -1e11, 100000000001.0, -0.5])


@given(st.lists(st.none() | seconds, min_size=1, max_size=5) | st.lists(seconds | st.just("2026-01-02T03:04:05.5Z")))
def test_a_column_of_times_is_the_times_one_by_one(sent: list[float | str | None]) -> None:
    made = rows(len(sent))
    expected = [RECEIVED if moment is None else microseconds(moment) for moment in sent]
    lead = [RECEIVED if at > RECEIVED + LEAD_US or at < EARLIEST_US else at for at in expected]
    assert not sent or times(made, sent) == lead
