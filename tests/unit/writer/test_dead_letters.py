"""When letters are too many, and what a letter keeps."""

from shared.letters import raw_bytes
from shared.queue.base import Lane, Message
from writer.dead_letters import PLAIN_LIMIT, LetterLimit, Tally, letter

LIMIT = LetterLimit(share=0.2, share_from=100, run=50)


def test_a_small_share_of_letters_passes() -> None:
    assert Tally(LIMIT).exceeded(letters=20, good=80) == ""


def test_a_large_share_of_a_large_batch_is_too_much() -> None:
    assert "21 of 100" in Tally(LIMIT).exceeded(letters=21, good=79)


def test_a_large_share_of_a_small_batch_passes_but_not_of_many_small_batches() -> None:
    tally = Tally(LIMIT)
    told = [tally.exceeded(letters=5, good=4) for _ in range(30)]
    assert told[:10] == [""] * 10
    assert any(told)


def test_good_rows_of_long_ago_do_not_excuse_a_bad_stretch() -> None:
    tally = Tally(LIMIT)
    for _ in range(1_000):
        assert not tally.exceeded(letters=0, good=1_000)
    assert any(tally.exceeded(letters=40, good=40) for _ in range(20))


def test_a_run_of_letters_is_too_much_however_small_the_batches() -> None:
    tally = Tally(LIMIT)
    assert [bool(tally.exceeded(letters=1, good=0)) for _ in range(52)] == [False] * 50 + [True, True]


def test_a_good_row_ends_a_run() -> None:
    tally = Tally(LIMIT)
    for _ in range(49):
        assert not tally.exceeded(letters=1, good=0)
    assert not tally.exceeded(letters=0, good=500)
    assert not tally.exceeded(letters=30, good=0)


def test_a_large_message_is_kept_packed_and_comes_back_whole() -> None:
    value = b"x" * (PLAIN_LIMIT + 1)
    kept = letter(Lane("logs", 0), Message(1, 2, None, value), None, "undecodable", "why")
    assert len(kept.raw) < 10_000
    assert raw_bytes(kept) == value


def test_a_letter_is_keyed_by_where_it_came_from() -> None:
    message = Message(7, 1234, None, b"x")
    assert letter(Lane("logs", 2), message, None, "undecodable", "").key == b"logs:2:7::1234"
    assert letter(Lane("logs", 2), message, 0, "refused", "").key == b"logs:2:7:0:1234"
