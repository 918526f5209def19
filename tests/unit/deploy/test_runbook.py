"""Each alert leads to its section of the runbook, and a section is a page to act by (runbook.md, "First look")."""

import re
from pathlib import Path

import pytest

from tests.test_references import anchor, headings_of

DEPLOY = Path(__file__).parents[3] / "deploy"
RULES = (DEPLOY / "prometheus" / "rules.yml").read_text()
_FILE = (DEPLOY / "docs" / "runbook").with_suffix(".md")
PAGE = _FILE.read_text()

ALERTS = {rule.split("\n", 1)[0].strip(): rule for rule in RULES.split("- alert:")[1:]}
SECTIONS = {section.split("\n", 1)[0]: section for section in PAGE.split("\n## ")[1:]}
MOST_LINES = 25


def test_there_are_alerts_and_sections() -> None:
    assert len(ALERTS) >= 13
    assert list(SECTIONS) == headings_of(PAGE)[1:]


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_has_a_section_and_leads_to_it(name: str) -> None:
    assert name in SECTIONS
    assert re.findall(r"^ +runbook: (\S+)$", ALERTS[name], re.MULTILINE) == [f"{_FILE.name}#{anchor(name)}"]


def test_no_section_is_of_an_alert_that_is_gone() -> None:
    assert {name for name in SECTIONS if re.fullmatch(r"Sluice[A-Z]\w+", name)} == set(ALERTS)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_short(section: str) -> None:
    assert len(SECTIONS[section].rstrip().split("\n")) <= MOST_LINES


@pytest.mark.parametrize("section", [name for name, text in SECTIONS.items() if "**You see**" in text])
def test_a_fault_says_what_to_do_and_when_it_is_over(section: str) -> None:
    for said in ("**Do**", "**It is over"):
        assert said in SECTIONS[section]
