"""A project's rules go before its fingerprints (grouping.md, "Overruled by people")."""

import hashlib
from typing import Any

import msgspec
import pytest

from shared.fingerprint import CURRENT, NO_RULES, fingerprint
from shared.fingerprint.rules import MATCHERS, MOST_RULES, BadRules, Facts, Rule, Rules, read_rules

SAID = "upstream timed out after 31 s"
STACK = f"""Error: {SAID}
    at charge (C:\\build\\src\\payments\\stripe.ts:42:15)
    at Layer.handle (/app/node_modules/express/lib/layer.js:95:5)
  [cause]: TimeoutError: socket hang up
      at Socket.onTimeout (/app/src/net/pool.ts:7:1)
"""


def rules(*made: dict[str, Any], revision: int = 7) -> Rules:
    return Rules(revision, [Rule(**{"name": f"r{n}", **fields}) for n, fields in enumerate(made)])


def grouped(ruled: Rules, message: str = SAID, stack: str = STACK, release: str = "v1.2.3") -> list[Any]:
    """The parts of an error."""
    parts: list[Any] = msgspec.json.decode(fingerprint(CURRENT, message, stack, ruled, release).parts)
    return parts


@pytest.mark.parametrize(
    "matcher",
    [
        {"type": "Error"},
        {"type": "Timeout*"},  # of the cause
        {"message": "upstream timed out *"},
        {"message": "socket hang up"},
        {"function": "charge"},
        {"function": "*imeout"},  # of any frame, also a dependency's
        {"file": "stripe"},
        {"file": "*/src/payments/*"},
        {"file": "*/node_modules/express/*"},
        {"release": "v1.*"},
        {"type": "*Error", "message": "*timed out*", "function": "charge", "file": "pool", "release": "*"},
    ],
)
def test_an_error_that_all_matchers_match_is_of_the_rules_group(matcher: dict[str, str]) -> None:
    assert grouped(rules({**matcher, "group": "gateway"})) == ["group", "gateway", "rule 'r0' of revision 7"]


@pytest.mark.parametrize(
    "matcher",
    [
        {"type": "error"},
        {"message": "timed out"},
        {"function": "char"},
        {"file": "*/payments"},
        {"release": "v2*"},
        {"type": "Error", "release": "v2*"},
    ],
)
def test_one_that_a_matcher_does_not_match_is_grouped_as_ever(matcher: dict[str, str]) -> None:
    assert grouped(rules({**matcher, "group": "gateway"})) == grouped(NO_RULES)


def test_the_first_rule_that_matches_decides() -> None:
    made = rules(
        {"type": "KeyError", "group": "a"}, {"file": "stripe", "group": "b"}, {"message": "*", "by": "message"}
    )
    assert grouped(made)[:2] == ["group", "b"]
    assert grouped(made, "sold out 12", "")[:2] == ["message", "sold out <n>"]


def test_rules_with_one_key_are_one_group_whatever_their_names_revisions_and_the_version() -> None:
    one, other = rules({"type": "*", "group": "g"}), rules({"message": "*", "group": "g", "name": "x"}, revision=8)
    hashes = {
        fingerprint(version, message, stack, ruled).hash
        for version in (1, CURRENT)
        for message, stack in ((SAID, STACK), ("else", ""))
        for ruled in (one, other)
    }
    assert hashes == {hashlib.sha256(b'["group","g"]').hexdigest()}
    assert fingerprint(CURRENT, SAID, STACK, rules({"type": "*", "group": "h"})).hash not in hashes


def test_by_message_the_stack_does_not_count_and_neither_do_values() -> None:
    ruled = rules({"message": "*timed out*", "by": "message"})
    said = [SAID.replace("31", str(n)) for n in (1, 2)]
    made = {fingerprint(CURRENT, one, stack.replace(SAID, one), ruled).hash for one in said for stack in ("", STACK)}
    assert made == {fingerprint(CURRENT, SAID, "", ruled).hash}
    assert fingerprint(CURRENT, "timed out at login", "", ruled).hash not in made


def test_a_proliferate_message_is_matched_without_the_word_before_it_and_stays_apart() -> None:
    named = rules({"type": "message", "message": "sold out", "by": "message"})
    assert grouped(named, "message: sold out", "")[:2] == ["message", "message: sold out"]
    assert grouped(rules({"message": "sold out", "by": "message"}), "sold out", "")[:2] == ["message", "sold out"]


def test_only_the_first_frames_are_looked_at() -> None:
    stack = "Error: x\n" + "".join(f"    at f{n} (/a/b{n}.js:1:2)\n" for n in range(500))
    assert len(Facts("x", stack, "").function.each) == 100
    assert grouped(rules({"function": "f99", "group": "g"}), "x", stack)[0] == "group"
    assert grouped(rules({"function": "f100", "group": "g"}), "x", stack)[0] == "v2"


def test_people_are_told_why_a_rule_does_not_decide() -> None:
    made = rules({"type": "KeyError", "group": "a"}, {"type": "*", "group": "b"}, {"type": "*", "group": "c"})
    verdicts = made.verdicts(Facts(SAID, STACK, ""))
    assert [each.decides for each in verdicts] == [False, True, False]
    assert verdicts[0].why == "type is not KeyError: Error, TimeoutError"
    assert verdicts[2].why == "not asked: 'r1' has decided"


def test_a_file_is_toml_or_json() -> None:
    toml = '[[rules]]\nname = "a"\ntype = "KeyError"\ngroup = "keys"\n'
    assert read_rules(toml) == (Rule(name="a", type="KeyError", group="keys"),)
    assert read_rules('{"revision": 3, "rules": [{"name": "a", "type": "KeyError", "group": "keys"}]}') == read_rules(
        toml
    )
    assert read_rules("rules = []") == ()


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({}, "missing required field `name`"),
        ({"name": "a", "type": "x"}, "needs one outcome"),
        ({"name": "a", "type": "x", "group": "g", "by": "message"}, "needs one outcome"),
        ({"name": "a", "group": "g"}, "needs a matcher"),
        ({"name": "a", "typ": "x", "group": "g"}, "unknown field `typ`"),
        ({"name": "a", "type": "x", "by": "stack"}, "Invalid enum value 'stack'"),
        ({"name": "a", "type": "x" * 257, "group": "g"}, "length <= 256"),
        ({"name": "a\n", "type": "x", "group": "g"}, "regex"),
    ],
)
def test_a_file_that_could_not_work_is_refused_with_the_reason(rule: dict[str, str], says: str) -> None:
    with pytest.raises(BadRules, match=says):
        read_rules(msgspec.json.encode({"rules": [rule]}).decode())


def test_there_are_limits_on_rules_and_their_bytes() -> None:
    def text(n: int, size: int) -> str:
        made = [{"name": f"r{i}", "type": "x" * size, "group": "g"} for i in range(n)]
        return msgspec.json.encode({"rules": made}).decode()

    assert len(read_rules(text(MOST_RULES, 1))) == MOST_RULES
    with pytest.raises(BadRules, match="length <= 100"):
        read_rules(text(MOST_RULES + 1, 1))
    wide = dict.fromkeys(MATCHERS, "é" * 256)
    made = [{"name": f"r{i}", **wide, "group": "g"} for i in range(MOST_RULES)]
    with pytest.raises(BadRules, match="65,536 are allowed"):
        read_rules(msgspec.json.encode({"rules": made}).decode())
    with pytest.raises(BadRules, match="two rules have the name 'r0'"):
        read_rules(text(1, 1).replace("[", "[" + text(1, 1)[10:-2] + ","))
