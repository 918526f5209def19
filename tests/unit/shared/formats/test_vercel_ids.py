"""Vercel's id of a request, wherever it stands (contracts.md, "Ids of Next.js and Vercel")."""

import json
from typing import Any

import pytest

from shared.formats.vercel_ids import vercel_id_in, vercel_ids, without_regions

ID = "abcde-1700000000000-0123456789ab"


def of(message: str, context: dict[str, Any] | None = None) -> str:
    [found] = vercel_ids([message], [b"" if context is None else json.dumps(context).encode()])
    return found


@pytest.mark.parametrize("sent", [ID, f"fra1::{ID}", f"fra1::iad1::{ID}", f" fra1::{ID} "])
def test_the_regions_before_it_don_t_count(sent: str) -> None:
    assert without_regions(sent) == ID
    assert without_regions("req_1") == "req_1"
    assert without_regions("fra1::") == "fra1::"


def test_it_is_told_from_other_ids_by_its_form() -> None:
    assert [vercel_id_in(each) for each in (ID, f"fra1::{ID}", f"fra1::iad1::{ID}")] == [ID] * 3
    assert vercel_id_in("abc1-1706327928072-6ecc9b4dfbf3") == "abc1-1706327928072-6ecc9b4dfbf3"
    assert not any(map(vercel_id_in, ("643af4e3-975a-4cc7-9e7a-1eda11539d90", "", "req_1", f"{ID}0", f"::{ID}")))


@pytest.mark.parametrize(
    "context",
    [
        {"vercel_id": f"fra1::{ID}"},
        {"vercelId": f"fra1::{ID}"},
        {"x-vercel-id": f"fra1::{ID}"},
        {"headers": {"host": "h", "x-vercel-id": f"fra1::{ID}"}},
        {"vercel_id": None, "vercelId": 7, "headers": {"x-vercel-id": ID}},
    ],
)
def test_a_context_names_it(context: dict[str, Any]) -> None:
    assert of("m", context) == ID


def test_what_names_none_has_none() -> None:
    assert of("m") == ""
    assert of("m", {"vercel": True, "headers": ["x-vercel-id"]}) == ""
    assert of("no such method: std::vec-1700000000000-0") == ""


def test_an_error_page_of_vercel_shows_it() -> None:
    page = f"500: INTERNAL_SERVER_ERROR Code: FUNCTION_INVOCATION_FAILED ID: fra1::{ID}"
    assert of(page) == ID
    assert of("x" * 1024 + page) == ""
