"""The rules of a project: people overrule how its errors are grouped (grouping.md, "Overruled by people").

What a matcher means is frozen as versions are: a row is derived again by the revision that its stamp names.
"""

from shared.fingerprint.rules.facts import Facts
from shared.fingerprint.rules.rule import MATCHERS, MOST_RULES, BadRules, Rule, read_rules
from shared.fingerprint.rules.ruleset import NO_RULES, Rules, Verdict

__all__ = ["MATCHERS", "MOST_RULES", "NO_RULES", "BadRules", "Facts", "Rule", "Rules", "Verdict", "read_rules"]
