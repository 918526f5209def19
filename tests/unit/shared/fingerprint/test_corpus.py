"""The labelled corpus: errors as real runtimes print them, each in several circumstances (grouping.md, "The corpus").

A fifth of the causes is set aside: version 2 was made without looking at them.
"""

import hashlib
from collections import defaultdict
from pathlib import Path

import pytest

from shared.fingerprint import v1, v2
from tests.fixtures.errors.programs.storing import load
from tests.unit.shared.fingerprint.scores import Error, scores

CORPUS = load(Path(__file__).parents[3] / "fixtures" / "errors")
BUNDLES = ("next", "next-webpack", "vite", "webpack")
"""Real bundles for production, each built twice, as three browsers print their errors."""
PRECISION, RECALL = 0.98, 0.90
LOOK_ALIKES = 60 / 62

TWINS = {
    "cart.coupon": "cart.shipment",
    "cart.total": "money.refund",
    "server.greeting": "server.signature",
    "session.expired": "session.switched",
    "widgets.price": "widgets.stock",
}
"""Two bugs of a shop, in two functions, with one message: minified, their prints hold nothing that tells them apart.
The second of each counts only as it is printed in development."""


def is_a_second_twin(error: Error) -> bool:
    project, _, cause = error["cause"].partition(".")
    return project in BUNDLES and cause in TWINS.values()


def part(aside: bool) -> list[Error]:
    return [error for error in CORPUS if error["aside"] is aside and not is_a_second_twin(error)]


def shown(errors: list[Error]) -> str:
    """A row for each language and each bundle, and one for all."""
    languages: dict[str, list[Error]] = defaultdict(list)
    for error in errors:
        languages[error.get("project") or error["language"]].append(error)
    rows = [scores(of, v2.fingerprint).row(name) for name, of in sorted(languages.items())]
    head = f"{'':16} errors precision  recall   look-alikes apart"
    return "\n".join([head, *rows, scores(errors, v2.fingerprint).row("all")])


@pytest.mark.parametrize("aside", [False, True], ids=["worked on", "set aside"])
def test_version_2_groups_the_corpus(aside: bool, capsys: pytest.CaptureFixture[str]) -> None:
    errors = part(aside)
    with capsys.disabled():
        print(f"\n\n{'set aside' if aside else 'worked on'}\n{shown(errors)}")  # noqa: T201 (the table is the result)
    found = scores(errors, v2.fingerprint)
    assert found.precision >= PRECISION
    assert found.recall >= RECALL
    assert found.apart >= LOOK_ALIKES * found.look_alikes


@pytest.mark.parametrize("bundler", BUNDLES)
def test_both_builds_of_a_bundle_and_all_browsers_group_together(bundler: str) -> None:
    errors = [error for error in CORPUS if error.get("project") == bundler and not is_a_second_twin(error)]
    found = scores(errors, v2.fingerprint)
    assert found.precision >= PRECISION
    assert found.recall >= RECALL


@pytest.mark.parametrize("twin", TWINS.items(), ids=TWINS)
def test_what_a_minified_bundle_prints_alike_is_apart_in_development(twin: tuple[str, str]) -> None:
    kept: dict[str, set[str]] = defaultdict(set)
    for error in CORPUS:
        project, _, cause = error["cause"].partition(".")
        if project.endswith("-dev") and cause in twin:
            kept[cause].add(project + v2.fingerprint(error["message"], error["stack"])[0])
    assert len(kept) == 2
    assert not set.intersection(*kept.values())


def test_version_2_is_better_than_version_1() -> None:
    before, after = scores(CORPUS, v1.fingerprint), scores(CORPUS, v2.fingerprint)
    assert after.precision > before.precision
    assert after.recall > before.recall


def test_the_corpus_is_large_and_a_fifth_of_its_causes_is_set_aside() -> None:
    causes = {error["cause"]: error["aside"] for error in CORPUS}
    assert len(CORPUS) >= 600
    assert 0.15 < sum(causes.values()) / len(causes) < 0.25


def test_no_error_tells_where_it_was_made() -> None:
    # Machines' names and folders would be a hint that strangers' errors don't have.
    assert [error["cause"] for error in CORPUS if "/tmp/tmp" in error["stack"] or "/root/" in error["stack"]] == []


def test_scores_count_pairs() -> None:
    errors = [
        {"cause": "a", "alike": "p", "message": "1", "stack": ""},
        {"cause": "a", "alike": "p", "message": "1", "stack": ""},
        {"cause": "a", "alike": "p", "message": "2", "stack": ""},
        {"cause": "b", "alike": "p", "message": "2", "stack": ""},
    ]
    found = scores(errors, lambda message, stack: (message, "", ""))
    assert (found.precision, found.recall) == (1 / 2, 1 / 3)
    assert (found.apart, found.look_alikes, found.merged) == (0, 1, [("a", "b")])


PINNED = "4c3c3a91dcab5c1d12783eb05dc6f0840f8cca7191aa66e7dcd592d5367e200f"


def test_version_2_is_frozen() -> None:
    # Stored rows name their version: whoever changes what it makes must add a version instead.
    made = "".join(v2.fingerprint(error["message"], error["stack"])[0] for error in CORPUS)
    assert hashlib.sha256(made.encode()).hexdigest() == PINNED
