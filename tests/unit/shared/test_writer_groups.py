"""Which group writes a topic, and which one wrote it before."""

import pytest

from shared import settings
from shared.queue.writer_groups import WriterGroups
from shared.registry import load

TOPICS = {"a.logs": "logs", "a.errors": "errors"}


def test_a_group_a_signal_and_one_for_all() -> None:
    each, one = WriterGroups("x.{signal}", TOPICS), WriterGroups("x", TOPICS)
    assert each.topics(TOPICS) == {"x.logs": ["a.logs"], "x.errors": ["a.errors"]}
    assert one.topics(TOPICS) == {"x": ["a.logs", "a.errors"]}
    assert (each.all, one.all) == ({"x.logs", "x.errors"}, {"x"})


@pytest.mark.parametrize(
    ("name", "former"), [("x.{signal}", "x"), ("x", ""), ("{signal}-x", ""), ("{signal}.{signal}", "")]
)
def test_the_group_of_before_is_told_by_the_name(name: str, former: str) -> None:
    groups = WriterGroups(name, TOPICS)
    assert groups.former == former
    assert groups.others == (frozenset({former} - {""}) if "{" in name else {"x.logs", "x.errors"})


def test_overflow_topics_have_groups_of_their_own() -> None:
    each, one = load(None, "mine.").groups("x.{signal}"), load(None, "mine.").groups("x")
    assert (each.of("mine.logs.overflow"), one.of("mine.logs.overflow")) == ("x.logs.overflow", "x.overflow")
    assert (each.other("mine.logs.overflow"), one.other("mine.logs.overflow")) == ("x.overflow", "x.logs.overflow")
    assert one.all == each.others == {"x", "x.overflow"}
    assert one.others == each.all


def test_topics_have_their_prefix_and_groups_only_the_signal() -> None:
    assert load(None, "mine.").groups("w.{signal}").of("mine.logs") == "w.logs"


@pytest.mark.parametrize("name", ["x.{signals}", "x.{", "{}"])
def test_other_braces_are_refused_by_name(name: str) -> None:
    with pytest.raises(settings.BadSetting, match="SLUICE_WRITER_GROUP"):
        settings.load({"SLUICE_WRITER_GROUP": name})
