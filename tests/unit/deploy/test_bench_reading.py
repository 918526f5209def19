"""The reading part of the bench: what is asked, how figures come about, what is printed."""

import json
import re
from collections.abc import Callable, Mapping
from time import sleep
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.console import Console

from deploy.bench.effort import Effort
from deploy.bench.jobs import JobFailed
from deploy.bench.ratios import Ratio
from deploy.bench.reading.asker import Answer, Asker
from deploy.bench.reading.data.made import Made
from deploy.bench.reading.data.sql import json as json_sql
from deploy.bench.reading.data.sql import quoted
from deploy.bench.reading.data.week import WEEK_US, Week
from deploy.bench.reading.ingest import EVERY_S, Beside
from deploy.bench.reading.questions import DAY, Question, questions
from deploy.bench.reading.readers import Readers
from deploy.bench.reading.report import INGEST_GOAL, Line, Results, as_json, kept, lines, tables
from deploy.bench.reading.waits import Waited

NOON = 1_768_478_400_000_000
"""2026-01-15T12:00:00Z, microseconds."""
THE_WEEK = Week(end=NOON, logs=10_000_000)
_NAMES = ("project", "middle", "trace", "wide_trace", "event", "fingerprint", "log", "as_of")
KNOWN = {name: name for name in _NAMES}


# What is asked.


def test_a_week_holds_what_the_goals_were_set_for() -> None:
    assert (THE_WEEK.spans, THE_WEEK.errors, THE_WEEK.llm_calls) == (3_000_000, 400_000, 600_000)
    assert THE_WEEK.start == NOON - WEEK_US
    assert THE_WEEK.middle % 2 == 0, "it must be the largest project's"


def test_a_question_becomes_a_request_with_its_range_and_what_it_names() -> None:
    asked = Question("n", "/traces/{trace}", DAY, 50, {"q": "a b:{event}"})
    target = urlsplit(asked.target(THE_WEEK, KNOWN | {"trace": "t/1"}))
    assert target.path == "/api/v1/projects/project/traces/t/1"
    assert parse_qs(target.query) == {
        "q": ["a b:event"],
        "start_time": ["2026-01-14T12:00:00.000Z"],
        "end_time": ["2026-01-15T12:00:00.000Z"],
    }


def test_every_question_has_a_name_of_its_own_and_names_only_what_is_known() -> None:
    asked = list(questions())
    assert len({(group, question.name) for group, question in asked}) == len(asked)
    for _, question in asked:
        assert question.target(THE_WEEK, KNOWN).startswith("/p/project/" if question.is_page else "/api/v1/")


def test_rows_are_made_by_one_statement_from_any_number_on() -> None:
    made = Made("t", 10, {"a": "number + n", "b": "'x'"}, {"n": "1"})
    assert made.insert(4, 3) == "INSERT INTO t (`a`, `b`) WITH 1 AS `n` SELECT number + n, 'x' FROM numbers(4, 3)"


def test_texts_in_sql_are_quoted() -> None:
    assert quoted("it's\n\\") == r"'it\'s\n\\'"
    assert json_sql({"a": "1", "b.c": "2"}) == """concat('{', '"a":', 1, ',', '"b.c":', 2, '}')"""


@pytest.mark.parametrize(
    ("link", "next"),
    [('</a?b=1>; rel="prev", </a?c=%3E>; rel="next"', "/a?c=%3E"), ('</a>; rel="prev"', None), ("", None)],
)
def test_an_answer_names_its_next_page(link: str, next: str | None) -> None:
    assert Answer(1.0, {"link": link}).next == next


class FakeAsker(Asker):
    """Answers at once; the target `/bad` not at all."""

    def __init__(self, pages: Mapping[str, str] | None = None) -> None:
        super().__init__(1, "")
        self._pages = pages or {}
        self.asked: list[str] = []

    def ask(self, target: str) -> Answer:
        self.asked.append(target)
        if target == "/bad":
            raise JobFailed("bad")
        following = self._pages.get(target)
        return Answer(2.0, {"link": f'<{following}>; rel="next"'} if following else {})


def wait_until(holds: Callable[[], bool]) -> None:
    while not holds():
        sleep(0.001)


def test_a_question_to_the_end_takes_as_long_as_all_its_pages() -> None:
    asker = FakeAsker({"/1": "/2", "/2": "/3"})
    assert asker.ask_to_end("/1") == 6.0
    assert asker.asked == ["/1", "/2", "/3"]


def test_readers_ask_everything_in_turn_each_from_another_place_on() -> None:
    askers = [FakeAsker(), FakeAsker()]
    with Readers(askers, ["/a", "/b"], every_s=0.001) as readers:
        wait_until(lambda: min(len(asker.asked) for asker in askers) >= 3)
    assert askers[0].asked[:3] == ["/a", "/b", "/a"]
    assert askers[1].asked[:3] == ["/b", "/a", "/b"]
    assert len(readers.ms) == sum(len(asker.asked) for asker in askers)


def test_an_answer_that_is_missing_makes_the_readers_void() -> None:
    asker = FakeAsker()
    readers = Readers([asker], ["/bad"], every_s=0.0)
    readers.__enter__()
    wait_until(lambda: bool(asker.asked))
    with pytest.raises(JobFailed, match="bad"):
        readers.__exit__(None)


# Figures.


def waited(ms: list[float], goal_ms: float | None) -> Waited:
    return Waited("logs", "24 h", goal_ms, ms, cpu_s=0.5)


def test_a_line_shows_median_p95_and_the_cost_of_one_answer() -> None:
    (line,) = lines([waited([float(n) for n in range(1, 101)], 95.0)])
    assert (line.median_ms, line.p95_ms, line.cpu_ms) == (50.5, 95.0, 5.0)


@pytest.mark.parametrize(("goal_ms", "met"), [(95.0, True), (94.9, False), (None, None)])
def test_p95_is_judged_and_a_goal_is_met_at_its_bound(goal_ms: float | None, met: bool | None) -> None:
    (line,) = lines([waited([float(n) for n in range(1, 101)], goal_ms)])
    assert line.met is met


def test_what_ingest_keeps_is_judged_beside_readers_with_a_pause() -> None:
    rounds = [Beside(100.0, 95.0, [1.0]), Beside(200.0, 180.0, [3.0]), Beside(100.0, 80.0, [2.0])]
    paced, unpaced = kept(dict.fromkeys(EVERY_S, rounds))
    assert paced.ratio == Ratio(0.8, 0.9, 0.95)
    assert (paced.goal, paced.met, paced.median_ms, paced.p95_ms) == (INGEST_GOAL, True, 2.0, 3.0)
    assert (unpaced.goal, unpaced.met) == (None, None)


# What is printed.


RESULTS = Results(
    THE_WEEK,
    [Waited(group, question.name, question.goal_ms, [1234.0, 56.7], 2.4) for group, question in questions()],
    {how: [Beside(123_000.0, 98_400.0, [12.3, 1_234.0])] for how in EVERY_S},
)


def test_the_tables_fit_a_terminal() -> None:
    with (console := Console(width=80)).capture() as shown:
        for table in tables(RESULTS):
            console.print(table)
    assert "…" not in shown.get()
    for _, question in questions():
        assert f"  {question.name}  " in shown.get()
    assert re.search(r"7 d, rare word, to the end +645 +1,230 +≤ 1,200 +no +1,200", shown.get())
    assert re.search(r"one a second each +0\.80 +0\.80 +0\.80 +≥ 0\.9 +no +123,000 +98,400 +623 +1,230", shown.get())


def test_json_holds_the_figures_and_all_they_were_made_of() -> None:
    report = json.loads(as_json(RESULTS, Effort(10.0, 3, 64)))
    assert set(report) == {"machine", "effort", "figures", "measured"}
    first = report["figures"]["waits"][0]
    assert set(first) == {*Line.__struct_fields__, "met"}
    assert first["median_ms"] == pytest.approx(645.35)
    assert report["measured"]["waits"][0]["ms"] == [1234.0, 56.7]
    assert report["figures"]["ingest"][0]["ratio"]["median"] == pytest.approx(0.8)


def test_without_ingest_there_is_one_table() -> None:
    assert len(list(tables(Results(THE_WEEK, RESULTS.waits, {})))) == 1
