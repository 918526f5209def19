"""`sluice fingerprint`: what it says of one error, and of two."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared.commands.fingerprint import fingerprint
from shared.fingerprint import v2

STACK = """TypeError: Cannot read properties of undefined (reading 'id')
    at getUser (/app/src/users.ts:42:15)
    at Layer.handle (/app/node_modules/express/lib/layer.js:95:5)
    at wrapped (/app/node_modules/@sentry/node/index.js:1:2)
"""
MOVED = STACK.replace("/app/src/users.ts:42:15", "/srv/r17/src/users.ts:77:3")
SAID = "Cannot read properties of undefined (reading 'id')"

runner = CliRunner(env={"COLUMNS": "200"})


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    """The same error twice, the second one as JSON, and another error."""
    texts = (STACK, json.dumps({"error_message": SAID, "stack_trace": MOVED}), STACK.replace("getUser", "getOrder"))
    for n, text in enumerate(texts):
        (tmp_path / str(n)).write_text(text)
    return str(tmp_path / "0"), str(tmp_path / "1"), str(tmp_path / "2")


def test_explain_shows_what_decided() -> None:
    shown = runner.invoke(fingerprint, ["explain"], input=STACK)
    assert shown.exit_code == 0, shown.output
    digest = v2.fingerprint(SAID, STACK)[0]
    for text in (digest, "javascript", "TypeError", "null id", "getUser@users", "dependency", "passed over"):
        assert text in shown.output
    assert "the own frames, the class of the message" in shown.output


def test_explain_as_json_marks_each_frame() -> None:
    shown = runner.invoke(fingerprint, ["explain", "--json", "--message", SAID], input=STACK)
    found = json.loads(shown.output)
    rule = "the own frames, the class of the message"
    assert json.loads(found["parts"]) == ["v2", ["TypeError"], ["getUser@users"], "null id", rule]
    assert [(frame["read"], frame["own"], frame["why"], frame["counts"]) for frame in found["frames"]] == [
        ("getUser@users", True, "own file", True),
        ("handle@layer", False, "dependency", False),
        ("", False, "passed over", False),
    ]


def test_compare_says_that_two_are_one(files: tuple[str, str, str]) -> None:
    shown = runner.invoke(fingerprint, ["compare", files[0], files[1]])
    assert shown.exit_code == 0
    assert shown.output.startswith("one group: types, frames and message are equal")


def test_compare_says_in_what_two_differ(files: tuple[str, str, str]) -> None:
    shown = runner.invoke(fingerprint, ["compare", files[0], files[2]])
    assert shown.exit_code == 1
    assert shown.output.startswith("two groups: they differ in frames")
    assert "getUser@users" in shown.output
    assert "getOrder@users" in shown.output


def test_json_without_a_stack_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"message": "x"}')
    shown = runner.invoke(fingerprint, ["explain", str(tmp_path / "a")])
    assert shown.exit_code == 1
    assert "is no error as JSON with error_message and stack_trace" in shown.output


def test_explain_says_which_rule_decides_and_why_the_others_do_not(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rules]]\nname = "keys"\ntype = "KeyError"\ngroup = "keys"\n'
        '[[rules]]\nname = "beta"\nrelease = "*-beta"\nfile = "*/src/users*"\ngroup = "beta"\n'
    )
    asked = ["explain", "--rules", str(rules), "--release", "v2-beta"]
    shown = runner.invoke(fingerprint, asked, input=STACK)
    assert "type is not KeyError: TypeError" in shown.output
    assert "the project's rule 'beta'" in shown.output
    found = json.loads(runner.invoke(fingerprint, [*asked, "--json"], input=STACK).output)
    assert json.loads(found["parts"]) == ["group", "beta", "rule 'beta'"]
    assert [(each["name"], each["decides"]) for each in found["rules"]] == [("keys", False), ("beta", True)]
    plain = json.loads(runner.invoke(fingerprint, [*asked[:3], "--json"], input=STACK).output)
    assert plain["hash"] == v2.fingerprint("", STACK)[0]
    assert plain["rules"][1]["why"] == "release is not *-beta: there is none"


def test_explain_refuses_rules_that_could_not_work(tmp_path: Path) -> None:
    (tmp_path / "r").write_text('[[rules]]\nname = "a"\ntype = "x"\n')
    shown = runner.invoke(fingerprint, ["explain", "--rules", str(tmp_path / "r")], input=STACK)
    assert shown.exit_code == 1
    assert "rule 'a' needs one outcome" in shown.output
