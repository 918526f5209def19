"""`sluice demo` against a whole stack (operating.md, "The demo"): every record arrives once, and every page has
something to show."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.demo.cast import BROKEN_RELEASE
from gateway.query.pages.routes import PAGES
from tests.integration.gateway.query.pages.browser import SAME_ORIGIN, token_in
from tests.integration.stack import RunningStack, running_stack, wait_until

TABLES = {"logs": "logs", "errors": "errors", "spans": "spans", "calls to models": "llm_calls"}
SIGNALS = {"logs": "logs", "errors": "errors", "traces": "spans", "llm": "llm_calls"}
WITHIN_S = 120.0

Counts = dict[str, int]


@pytest.fixture(scope="module")
def stack(engines_folder: Path) -> Iterator[RunningStack]:
    with running_stack(engines_folder / "demo", "--demo") as running:
        yield running


@pytest.fixture(scope="module")
def sent(stack: RunningStack) -> Counts:
    """Table -> what `sluice up --demo` says that it has sent; all of it is stored."""
    out = stack.folder.parent / f"{stack.folder.name}.out"
    said = wait_until(lambda: re.search(r"✓ (.*) in [\d,]+ requests", out.read_text()), WITHIN_S, "the demo is sent")
    found = re.findall(r"([\d,]+) (\D+?)(?:, |$)", said[1])
    counts = {TABLES[name]: int(number.replace(",", "")) for number, name in found}
    wait_until(lambda: stored(stack) == counts, WITHIN_S, "every record is stored")
    return counts


def stored(stack: RunningStack) -> Counts:
    return {table: rows(stack, f"SELECT count() AS n FROM {table}")[0]["n"] for table in TABLES.values()}


def rows(stack: RunningStack, sql: str) -> list[dict[str, Any]]:
    return stack.rows(sql)


def asked(stack: RunningStack, question: str) -> Any:
    status, answer = stack.read(f"/api/v1/projects/demo/{question}")
    assert status == 200, answer
    return answer


def test_every_record_arrives_once(stack: RunningStack, sent: Counts) -> None:
    assert min(sent.values()) > 30
    for table in sent:
        (repeats,) = rows(stack, f"SELECT count() - uniqExact(_topic, _partition, _offset, _index) AS n FROM {table}")
        assert repeats["n"] == 0


def test_it_is_not_sent_into_a_project_that_has_records(stack: RunningStack, sent: Counts) -> None:
    said = stack.fails("demo")
    assert f"the project demo has {sum(sent.values()):,} records: --again" in said
    assert stored(stack) == sent


def test_the_deploy_breaks_something(stack: RunningStack, sent: Counts) -> None:
    groups = {group["type"]: group for group in asked(stack, "errors?last=2h&sort=count")["groups"]}
    assert {"TypeError", "CarrierTimeout", "IntegrityError"} <= set(groups)
    deployed = asked(stack, f"logs?search={BROKEN_RELEASE}+begins")["logs"][0]["timestamp"]
    assert groups["TypeError"]["first_seen"] > deployed
    assert groups["TypeError"]["users"] > 5
    span = "FROM spans WHERE operation = 'POST /api/checkout' AND environment = 'production'"
    (slower,) = rows(
        stack,
        f"SELECT quantileIf(0.5)(duration_ms, timestamp > t) / quantileIf(0.5)(duration_ms, timestamp < t) AS times,"
        f" countIf(status = 'error' AND timestamp < t) AS before, countIf(status = 'error' AND timestamp > t) AS after"
        f" FROM (SELECT *, parseDateTime64BestEffort('{deployed}', 6) AS t {span})",
    )
    assert slower["times"] > 1.5
    assert slower["before"] == 0 < slower["after"]


def test_what_happened_in_a_trace_belongs_together(stack: RunningStack, sent: Counts) -> None:
    first = "FROM errors WHERE type = 'TypeError' ORDER BY timestamp LIMIT 1"
    (broken,) = rows(stack, f"SELECT trace_id, toString(timestamp) AS at {first}")
    trace = asked(stack, f"traces/{broken['trace_id']}?at={broken['at'].replace(' ', 'T')}Z")
    assert trace["span_count"] >= 6
    assert {span["depth"] for span in trace["spans"]} == {0, 1, 2}
    assert not [span for span in trace["spans"] if span["orphan"] or span["in_circle"]]
    assert trace["beside"]["logs"]["count"] >= 3
    assert "TypeError" in {error["type"] for error in trace["beside"]["errors"]["first"]}
    lost = "SELECT count() AS n FROM logs WHERE trace_id NOT IN (SELECT trace_id FROM spans)"
    assert rows(stack, lost) == [{"n": 0}]


def test_every_question_finds_something(stack: RunningStack, sent: Counts) -> None:
    facets = asked(stack, "logs/facets?last=2h&fields=service,level,environment,release,user,logger")["fields"]
    assert all(len(field["values"]) > 1 for field in facets), facets
    assert len(asked(stack, "logs/patterns?last=2h")["patterns"]) > 10
    attributes = {field["key"].partition(".")[0] for field in asked(stack, "logs/fields?last=2h")["fields"]}
    assert {"proxy", "cart"} <= attributes
    usage = asked(stack, "llm/usage?last=2h&group_by=model")
    (spread,) = rows(stack, "SELECT uniqExact(toStartOfMinute(timestamp)) AS minutes FROM llm_calls")
    assert spread["minutes"] > 30
    assert usage["total"]["unpriced"] > 0 < usage["total"]["cost_usd"]
    same_spans = "SELECT count() AS n FROM spans WHERE operation = 'SELECT order_items' GROUP BY trace_id"
    (same,) = rows(stack, f"SELECT max(n) AS n FROM ({same_spans})")
    assert same["n"] == 24
    (coloured,) = rows(stack, "SELECT countIf(position(message, char(27)) > 0) AS n FROM logs")
    assert coloured["n"] > 10
    formats = rows(stack, "SELECT DISTINCT format FROM logs UNION DISTINCT SELECT DISTINCT format FROM errors")
    assert len(formats) == 5


def test_every_page_is_alive(stack: RunningStack, sent: Counts) -> None:
    with httpx.Client(base_url=stack.env["SLUICE_URL"], headers=SAME_ORIGIN, follow_redirects=True) as browser:
        form = {"form_token": token_in(browser.get("/login").text), "key": stack.env["SLUICE_READ_KEY"], "next": ""}
        assert browser.post("/login", data=form).status_code == 200
        for page in PAGES:
            if page.title:
                answer = browser.get(f"/p/demo/{page.path}")
                assert (answer.status_code, 'class="empty' in answer.text) == (200, False), page.path


def test_a_signed_drain_is_taken_and_a_badly_signed_one_ends_the_command(stack: RunningStack, sent: Counts) -> None:
    stack.sluice("project", "update", "demo", "--drain-secret", "of the drain")
    more = ("demo", "--again", "--seed", "2", "--minutes", "3")
    told = stack.sluice(*more, SLUICE_DRAIN_SECRET="of the drain")["records"]
    expected = {table: sent[table] + told.get(signal, 0) for signal, table in SIGNALS.items()}
    wait_until(lambda: stored(stack) == expected, WITHIN_S, "every record is stored")
    assert "the drain's secret, is of another project" in stack.fails(*more)
