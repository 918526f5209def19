"""How far a search says that it has come."""

import pytest

from gateway.query.logs.plan import Searched
from gateway.query.logs.stepwise import place_before
from gateway.query.pages.logs.progress import progress_of
from gateway.query.place import Place

TO = 1_000_000


def test_pages_of_one_search_add_up() -> None:
    first = progress_of(Searched(TO, 300, 1_000), place_before(TO), None)
    second = progress_of(Searched(TO, 250, 700), place_before(TO), first.of)
    last = progress_of(Searched(TO, 450, 450), None, second.of)
    assert [each.text for each in (first, second, last)] == [
        "300 of 1,000 rows",
        "550 of 1,000 rows",
        "1,000 of 1,000 rows",
    ]
    assert [each.whole for each in (first, second, last)] == [False, False, True]


def test_a_page_that_ends_within_a_step_names_no_rows() -> None:
    row = Place(TO, TO, 0, 0, 0, "logs")
    assert progress_of(Searched(TO, 300, 1_000), row, None).text == ""


@pytest.mark.parametrize(("of", "text"), [(5_200_000, "1.2 of 5.2 M rows"), (0, "")])
def test_millions_are_rounded(of: int, text: str) -> None:
    assert progress_of(Searched(TO, 1_230_000 if of else 0, of), place_before(TO), None).text == text


def test_a_wrong_total_in_the_address_never_shows_more_than_there_is() -> None:
    progress = progress_of(Searched(TO, 900, 800), place_before(TO), 5)
    assert progress.text == "800 of 800 rows"
