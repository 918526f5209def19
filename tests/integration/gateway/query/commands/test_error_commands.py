"""`sluice errors` and `sluice error` as people and programs call them (reading.md, "In a terminal")."""

import json

import pytest

from gateway.query.commands import session
from gateway.query.groups import Groups
from tests.integration.gateway.query.commands.sluice import Sluice
from tests.integration.gateway.query.read_api import NOON, Asker, Merged, Store

ERRORS = "/api/v1/projects/p/errors"
DAY = ("--start", "2026-01-15T00:00:00Z", "--end", "2026-01-15T23:59:59Z")
ASKED = {"start_time": DAY[1], "end_time": DAY[3]}
A, B, C = "aaaa1111".ljust(64, "0"), "bbbb1111".ljust(64, "0"), "bbbb2222".ljust(64, "0")
EVIL = "\x1b]0;owned\x07\u202e\n\tsecond"


@pytest.fixture(autouse=True)
def some_errors(store: Store) -> None:
    common = {"timestamp": NOON, "type": "TypeError", "error_message": "x is undefined", "service": "api"}
    stack = "TypeError: x is undefined\n\tat f (a.js:1:2)\x1b[2J"
    store.add_errors(
        *(common | {"fingerprint": A, "event_id": f"a{n}", "user_id": f"u{n}", "stack_trace": stack} for n in range(3)),
        common | {"fingerprint": B, "event_id": "b", "timestamp": NOON + 1_000_000, "error_message": EVIL},
        common | {"fingerprint": A, "event_id": "other", "project_id": "q"},
    )


def test_groups_are_listed(sluice: Sluice) -> None:
    done = sluice.shown("errors", *DAY, NO_COLOR="1")
    assert done.lines == [
        "last seen (UTC)  errors  users  group     error",
        "12:00:01              1      0  bbbb1111  TypeError: \\x1b]0;owned\\x07\\u202e\\n\\t…",
        "12:00:00              3      3  aaaa1111  TypeError: x is undefined",
    ]
    assert (done.code, done.err) == (0, "")
    [_, first, _] = sluice.shown("errors", *DAY, "--sort", "count", NO_COLOR="1").lines
    assert "aaaa1111" in first


def test_json_is_what_the_route_answers(sluice: Sluice, routes: Asker) -> None:
    for asked in ({"sort": "count"}, {"sort": "first", "q": "undefined"}):
        options = ["--sort", asked["sort"], *([asked["q"]] if "q" in asked else [])]
        answer = routes.found(ERRORS, **ASKED, **asked)
        assert sluice.run("errors", "--json", *DAY, *options).objects == answer["groups"]


def test_nothing_found_is_1(sluice: Sluice) -> None:
    done = sluice.run("errors", "absent", *DAY)
    assert (done.code, done.out, done.err) == (1, "", "no errors from 00:00:00 to 23:59:59 UTC\n")
    assert sluice.run("errors", "--sort", "colour").code == 2


def test_more_groups_than_the_limit_are_told(sluice: Sluice) -> None:
    done = sluice.run("errors", *DAY, "--limit", "1")
    assert len(done.lines) == 1
    assert "there are more" in done.err


def test_a_group_is_shown_with_its_newest_stack(sluice: Sluice) -> None:
    done = sluice.shown("error", "aaaa", *DAY, NO_COLOR="1")
    assert done.code == 0
    assert done.lines[0] == "TypeError: x is undefined"
    assert f"group         {A}" in done.lines
    assert "found         3 errors of 3 users from 00:00:00 to 23:59:59 UTC" in done.lines
    assert "services      api (3)" in done.lines
    assert done.lines[-2:] == ["TypeError: x is undefined", "    at f (a.js:1:2)\\x1b[2J"]
    assert all(line.isprintable() for line in done.lines)


def test_the_json_of_a_group_is_what_the_route_answers(sluice: Sluice, routes: Asker) -> None:
    answer = routes.found(f"{ERRORS}/{A}", **ASKED)
    [group] = sluice.run("error", A, "--json", *DAY).objects
    assert group == {name: value for name, value in answer.items() if name in group}
    assert set(answer) - set(group) == {"range", "complete_up_to", "complete_reason", "as_of"}
    assert json.dumps(group)


def test_a_group_that_is_not_there_is_1(sluice: Sluice) -> None:
    for text in ("cccc", "f" * 64, "\x1b[2J"):
        done = sluice.run("error", text, *DAY)
        assert (done.code, done.out) == (1, "")
        assert done.err.strip().isprintable()


def test_the_beginning_of_several_groups_is_2(sluice: Sluice, store: Store) -> None:
    store.add_errors({"fingerprint": C, "event_id": "c", "timestamp": NOON})
    done = sluice.run("error", "bbbb", *DAY)
    assert done.code == 2
    assert B in done.err
    assert C in done.err


def test_a_merged_group_is_found_by_the_one_that_it_goes_by(sluice: Sluice, monkeypatch: pytest.MonkeyPatch) -> None:
    def merged(_: object) -> Groups:
        return Merged({A: C})

    monkeypatch.setattr(session, "Groups", merged)
    assert "bbbb2222" in sluice.shown("errors", *DAY, NO_COLOR="1").out
    for text in ("bbbb2222", "aaaa1111"):
        done = sluice.run("error", text, *DAY)
        assert done.code == 0
        assert f"group         {C}" in done.lines
