"""An error has one fingerprint, whoever sends it: as the runtime's own text, in Proliferate's shape, as Sentry's frames
(sentry-rows.md, "Stack text")."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.fingerprint import fingerprint
from shared.fingerprint.v2 import languages
from tests.unit.shared.formats.sentry.envelopes import FILES
from tests.unit.shared.formats.sentry.frames import event_of
from tests.unit.shared.formats.sentry.table import error_of, rows_of

CORPUS = Path(__file__).parents[4] / "fixtures" / "errors"

CODED = {"node.module", "node.invalid-arg-path", "node.invalid-arg", "ledger.emit-code", "express.header"}
"""Node prints a code behind the type, which Sentry's SDK doesn't send."""


def prints_of(language: str) -> list[tuple[dict[str, Any], bool]]:
    """Each error of the corpus whose stack can be read, and whether both texts have one fingerprint."""
    found = []
    for line in (CORPUS / f"{language}.jsonl").read_text().splitlines():
        error = json.loads(line)
        is_group = "+---------------- " in error["stack"]  # `thrown` doesn't tell which is in which
        if not is_group and languages.read(error["stack"])[1]:
            row = error_of(event_of(error["type"], error["message"], error["stack"]))
            made = fingerprint(2, error["message"], error["stack"])
            found.append((error, made.hash == row["fingerprint"]))
    return found


@pytest.mark.parametrize(
    ("language", "least"),
    [
        *(("bundles-vite", 377), ("bundles-webpack", 383), ("bundles-next", 402)),
        *(("python", 13), ("java", 114), ("kotlin", 38), ("scala", 36), ("php", 162), ("go", 44), ("ruby", 384)),
    ],
)
def test_the_corpus_has_one_fingerprint_as_text_and_as_frames(language: str, least: int) -> None:
    prints = prints_of(language)
    assert len(prints) >= least
    assert [(error["cause"], error["printer"]) for error, is_one in prints if not is_one] == []


def test_so_has_node_but_for_its_codes_and_one_printer_of_groups() -> None:
    apart = [(error["cause"], error["printer"]) for error, is_one in prints_of("javascript") if not is_one]
    assert {cause for cause, _ in apart} - CODED == {"node.aggregate"}
    assert ("node.aggregate", "node") not in apart


def test_so_has_next_in_development_but_in_safari_which_prints_no_file() -> None:
    apart = [error["printer"] for error, is_one in prints_of("bundles-next-webpack") if not is_one]
    assert set(apart) == {"safari-next-webpack-dev"}


def test_so_has_dotnet_but_for_a_type_printed_with_a_number_and_calls_of_generics_on_top() -> None:
    prints = prints_of("dotnet")
    apart = {error["cause"] for error, is_one in prints if not is_one}
    assert (len(prints), apart) == (165, {"farm.connect", "cs.changed"})


CLIENTS = [json.loads(line) for line in (FILES / "clients.jsonl").read_text().splitlines()]
"""What sentry-sdk 2.75 and @sentry/node 11.12 and 9.47 sent of errors that were printed, too, and @sentry/browser 11.12
in Chromium; and what that makes of the stacks that Chrome, Firefox and Safari printed."""

APART = {
    "node-9": {"any": "no frames of its own", "enoent": "the SDK leaves out the path"},
    "chromium": {
        "any": "no frames of its own",
        "empty": "the SDK writes `No error message`",
        "url": "Chromium's message says more than the header of its stack",
    },
}
"""Client -> errors of which its SDK sends something else than was printed, and what."""


def prints_by_client(error: dict[str, Any]) -> tuple[str, str, str]:
    """The fingerprints of an error as text, in Proliferate's shape, as Sentry's frames."""
    main = error["event"]["exception"]["values"][-1]
    kind, message = main["type"], error["message"]
    (by_text,) = rows_of("deeptracer.errors", [{"error_message": message, "stack_trace": error["stack"]}])
    exception = {"type": kind, "value": message, "stack": error["stack"]}
    (by_shape,) = rows_of("proliferate.errors", [{"exception": exception}])
    return by_text["fingerprint"], by_shape["fingerprint"], error_of(error["event"])["fingerprint"]


@pytest.mark.parametrize(
    ("client", "groups"),
    [("python", 13), ("node", 14), ("node-9", 11), ("chromium", 12), ("chrome", 12), ("firefox", 16), ("safari", 16)],
)
def test_three_clients_of_one_program_make_one_group_of_each_error(client: str, groups: int) -> None:
    prints = [(error, prints_by_client(error)) for error in CLIENTS if error["client"] == client]
    apart = {error.get("name", error["message"]) for error, made in prints if len(set(made)) > 1}
    assert apart == APART.get(client, {}).keys()
    assert len({frames for _, (_, _, frames) in prints}) == groups


CHROME = """TypeError: Cannot read properties of null (reading 'id')
    at formatUser (https://shop.example/assets/users.js:120:15)
    at onClick (https://shop.example/assets/users.js:201:3)"""
FIREFOX = """formatUser@https://shop.example/assets/users.js:120:15
onClick@https://shop.example/assets/users.js:201:3"""


def test_browsers_share_a_group_in_sentrys_shape_too() -> None:
    chrome = error_of(event_of("TypeError", "Cannot read properties of null (reading 'id')", CHROME))
    firefox = error_of(event_of("TypeError", 'can\'t access property "id", user is null', FIREFOX))
    assert chrome["fingerprint"] == firefox["fingerprint"]
