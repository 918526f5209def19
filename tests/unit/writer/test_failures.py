"""Which errors are retried, and how long the pauses are."""

import pytest

from shared.clients.clickhouse import ServerError, Unreachable
from writer.failures import Backoff, is_poison


@pytest.mark.parametrize("code", [53, 117, 469, 349])
def test_a_data_error_is_poison(code: int) -> None:
    assert is_poison(ServerError(code, "refused"))


@pytest.mark.parametrize("code", [3, 49, 60, 81, 159, 164, 202, 209, 210, 241, 242, 319, 395, 999, 12345])
def test_any_other_error_is_tried_again(code: int) -> None:
    assert not is_poison(ServerError(code, "later"))


def test_a_broken_connection_is_never_poison() -> None:
    assert not is_poison(Unreachable("gone"))


def test_the_two_errors_numbered_252_are_told_apart() -> None:
    assert is_poison(ServerError(252, "Too many partitions for a single INSERT block (more than 100)"))
    assert is_poison(ServerError(252, "Too many partitions for single INSERT block (more than 100)"))
    assert not is_poison(ServerError(252, "Too many parts (3000) in table. Merges are processing slower than inserts"))


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(max_s=2.0)
    pauses = [backoff.next_s() for _ in range(10)]
    for pause, longest in zip(pauses, [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 2, 2, 2], strict=True):
        assert longest / 2 <= pause <= longest
    assert backoff.tries == 10
