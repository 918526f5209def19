"""The rules of a project: people overrule how its errors are grouped (grouping.md, "Overruled by people")."""

from shared.fingerprint.rules.facts import Facts
from shared.fingerprint.rules.rule import MATCHERS, MOST_RULES, BadRules, Rule, read_rules
from shared.fingerprint.rules.ruleset import NO_RULES, Rules, Verdict

__all__ = ["MATCHERS", "MOST_RULES", "NO_RULES", "BadRules", "Facts", "Rule", "Rules", "Verdict", "read_rules"]
