"""One revision of a project's rules, ready to decide."""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from shared.fingerprint.rules.facts import Facts, Texts
from shared.fingerprint.rules.glob import Glob
from shared.fingerprint.rules.rule import MATCHERS, Rule

_encode = msgspec.json.Encoder().encode


class _Condition(NamedTuple):
    """One matcher of a rule. `looks_at`: the attribute of `Facts` that it is compared with."""

    matcher: str
    looks_at: str
    glob: Glob

    def holds(self, facts: Facts) -> bool:
        texts: Texts = getattr(facts, self.looks_at)
        return self.glob.needle in texts.joined and any(map(self.glob.matches, texts.each))


class Verdict(NamedTuple):
    """What a rule says of an error, for people."""

    rule: Rule
    decides: bool
    why: str
    """Why it doesn't decide."""


class Rules:
    """The rules of one revision. They never change: another revision is another object."""

    __slots__ = ("__weakref__", "_compiled", "revision", "rules")

    def __init__(self, revision: int, rules: Sequence[Rule]) -> None:
        """`revision` 0: of no project, or not kept yet."""
        self.revision = revision
        self.rules = tuple(rules)
        self._compiled = [(rule, _conditions(rule)) for rule in self.rules]

    def overrule(self, message: str, stack: str, release: str) -> tuple[str, str, str] | None:
        """(hash, parts, type) of an error that a rule decides; None where none does."""
        facts = Facts(message, stack, release)
        rule = self.first(facts)
        return None if rule is None else self.outcome(rule, facts)

    def outcome(self, rule: Rule, facts: Facts) -> tuple[str, str, str]:
        """(hash, parts, type) of an error that this rule decides. Neither its name nor the revision is hashed."""
        hashed = ("message", facts.normalised) if rule.group is None else ("group", rule.group)
        by = f"rule {rule.name!r} of revision {self.revision}" if self.revision else f"rule {rule.name!r}"
        return hashlib.sha256(_encode(hashed)).hexdigest(), _encode((*hashed, by)).decode(), facts.reading.type

    def first(self, facts: Facts) -> Rule | None:
        """The rule that decides."""
        for rule, conditions in self._compiled:
            if all(condition.holds(facts) for condition in conditions):
                return rule
        return None

    def verdicts(self, facts: Facts) -> list[Verdict]:
        """What each rule says, in order."""
        found: list[Verdict] = []
        decided = ""
        for rule, conditions in self._compiled:
            failed = next((each for each in conditions if not each.holds(facts)), None)
            if decided:
                found.append(Verdict(rule, False, f"not asked: {decided!r} has decided"))
            elif failed is None:
                decided = rule.name
                found.append(Verdict(rule, True, ""))
            else:
                found.append(Verdict(rule, False, _why(rule, failed, facts)))
        return found


NO_RULES: Final = Rules(0, ())


def _conditions(rule: Rule) -> list[_Condition]:
    return [
        _Condition(name, _looks_at(name, pattern), Glob(pattern))
        for name in MATCHERS
        if (pattern := getattr(rule, name)) is not None
    ]


def _looks_at(matcher: str, pattern: str) -> str:
    """A file is compared by its name; with a folder in the pattern, the frame as it was printed is."""
    return "place" if matcher == "file" and "/" in pattern else matcher


def _why(rule: Rule, failed: _Condition, facts: Facts) -> str:
    there = [text.partition("\n")[0][:60] for text in getattr(facts, failed.looks_at).each]
    shown = ", ".join(there[:3]) + (f" and {len(there) - 3} more" if len(there) > 3 else "")
    return f"{failed.matcher} is not {getattr(rule, failed.matcher)}: {shown or 'there is none'}"
