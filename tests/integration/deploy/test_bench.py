"""`sluice bench` as people run it, only very short, and the rules of its parts."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from deploy.bench import errors, fingerprint_bench, insert_limit
from deploy.bench.bare import BareServer
from deploy.bench.effort import Effort
from deploy.bench.engines import missing
from deploy.bench.figures import GOALS, Figure, Results
from deploy.bench.fingerprint_bench import FingerprintRound, run
from deploy.bench.freshness import Freshness, percentile
from deploy.bench.gateway_bench import CASES, GatewayRound, GatewayRun
from deploy.bench.hostile import PIECES
from deploy.bench.insert_limit import block
from deploy.bench.jobs import JobFailed
from deploy.bench.load import Job, Outcome, complete, drive, request
from deploy.bench.logs import bodies
from deploy.bench.ratios import Ratio, ratio
from deploy.bench.report import number, table
from deploy.bench.stacks import LINES, PRINTERS, StackMaker
from deploy.bench.writer_bench import Progress, WriterRound, Written
from shared.fingerprint import v2
from shared.formats import deeptracer_errors, deeptracer_logs
from tests.blocks import values_of
from tests.services import required
from tests.validating import Door

SHORT = ["--queue", "sqlite", "--seconds", "0.3", "--rounds", "1", "--connections", "16"]


@pytest.mark.timeout(300)
def test_bench_prints_one_table_writes_json_and_leaves_nothing_behind(tmp_path: Path) -> None:
    if why := missing("sqlite"):
        (pytest.fail if required() else pytest.skip)(why)
    disk = tmp_path / "disk"
    disk.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "shared.cli", "bench", *SHORT, "--json", str(tmp_path / "figures.json")],
        env={**os.environ, "TMPDIR": str(disk), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ran.returncode == 0, ran.stderr
    assert "gateway, 100 logs, varied" in ran.stdout
    assert "sqlite: gateway, 1 log, same, round 1" in ran.stderr, "a step is a line where there is no terminal"
    assert "…" not in ran.stdout, "something is cut off"
    measured = json.loads((tmp_path / "figures.json").read_text())["queues"]["sqlite"]
    figures = {(figure["group"], figure["name"]): figure for figure in measured["figures"]}
    assert set(GOALS) <= set(figures)
    assert all(figure["value"] is None or figure["value"] > 0 for figure in figures.values())
    assert all(figures[name]["goal"] == goal and figures[name]["ratio"]["least"] > 0 for name, goal in GOALS.items())
    for pair in (pair for rounds in measured["rounds"]["gateway"]["rounds"].values() for pair in rounds):
        assert set(pair["gateway"]["statuses"]) == {"200"}
    assert list(disk.iterdir()) == []
    assert _processes_of(disk) == []


def _processes_of(folder: Path) -> list[str]:
    """Command lines that name the folder, of processes that are still there."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended just now
            continue
        if str(folder) in command:
            found.append(command)
    return found


def test_every_body_is_one_that_the_gateway_takes_and_none_is_like_another() -> None:
    door = Door(deeptracer_logs)
    made = bodies(100, 8, time.time())
    assert len(set(made)) == 8
    assert all(door.validate(body).n == 100 for body in made)
    assert 45_000 < len(made[0]) < 65_000
    assert 500 < len(bodies(1, 1, time.time())[0]) < 750


def test_every_error_is_one_that_the_gateway_takes_and_none_is_like_another() -> None:
    door = Door(deeptracer_errors)
    made = errors.bodies(1, 64, time.time())
    assert len(set(made)) == 64
    prints = [door.validate(body).prints_of[0] for body in made]
    assert {printed[1].count("\n") for printed in prints} == {LINES}
    assert 1_500 < sum(map(len, made)) / 64 < 4_000


@pytest.mark.parametrize("language", PRINTERS)
def test_a_stack_has_20_lines_and_is_read_in_its_language(language: str) -> None:
    read_as = {"node": "javascript", "firefox": "javascript", "java": "jvm"}
    maker = StackMaker(1)
    stacks = [maker.stack(language) for _ in range(20)]
    assert len(set(stacks)) == 20
    for message, stack in stacks:
        assert LINES - 1 <= stack.count("\n") <= LINES
        assert v2.read(message, stack).language.name == read_as.get(language, language)


def test_a_fingerprint_is_measured_beside_a_plain_pass() -> None:
    [first] = run(fingerprint_bench.Job(1))
    assert set(first.stacks) == set(first.plain) == set(PRINTERS)
    assert set(first.hostile) == set(PIECES)
    assert all(us > 0 for us in (*first.stacks.values(), *first.plain.values(), *first.hostile.values()))
    assert first.worst[1] == max(first.hostile.values())
    assert msgspec.json.decode(msgspec.json.encode(first), type=FingerprintRound) == first


def test_prebuilt_columns_hold_every_log_of_their_messages() -> None:
    made = values_of(block(batch=3, messages=2, logs=5))
    assert {len(values) for values in made.values()} == {10}
    assert {"message", "attributes", "trace_id", "_offset", "received_at"} <= set(made)


def test_a_rate_is_kept_and_its_cpu_time_counted(tmp_path: Path) -> None:
    with BareServer(tmp_path / "bare.log") as server:
        assert server.port is not None
        assert server.pid is not None
        requests = [request("/ingest/logs", server.port, {"X": str(n)}, b"{}") for n in range(3)]
        job = Job(
            port=server.port, pid=server.pid, requests=requests, connections=4, warm_up_s=0.2, seconds=0.5, rate=100.0
        )
        outcome = drive(job)
    assert 0 < outcome.rate <= 140  # a busy machine may keep less
    assert 0 < outcome.sent <= 110
    assert outcome.statuses == {"200": outcome.sent}


def test_an_answer_counts_when_all_of_it_has_come() -> None:
    answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nretry-after: 1\r\n\r\nbusy"
    assert complete(answer) == "503"
    assert [complete(answer[:end]) for end in range(len(answer))] == [None] * len(answer)


@pytest.mark.parametrize("statuses", [{"200": 9, "503": 1}, {"200": 9}, {}])
def test_an_answer_that_is_not_2xx_or_is_missing_makes_the_figures_void(statuses: dict[str, int]) -> None:
    outcome = Outcome(seconds=1.0, requests=9, cpu_s=0.1, sent=10, statuses=statuses)
    with pytest.raises(JobFailed, match="10 requests were sent"):
        outcome.checked()


def test_outcomes_survive_their_way_between_processes() -> None:
    outcome = Outcome(seconds=1.0, requests=9, cpu_s=0.1, sent=9, statuses={"200": 9})
    assert msgspec.json.decode(msgspec.json.encode(outcome), type=Outcome) == outcome.checked()


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50.0, 99.0, 100.0)
    assert percentile([7.0], 0.99) == 7.0


def test_the_writers_clock_starts_at_its_first_commit() -> None:
    progress = Progress(1000)
    for at_s, committed in ((0.1, 0), (0.9, 0), (1.0, 100), (1.5, 600), (2.0, 1000)):
        progress.saw(at_s, committed)
    assert progress.complete
    assert progress.timed == (1.0, 900)
    assert progress.whole_s == 2.0


def test_a_run_that_is_over_at_the_first_look_is_timed_whole() -> None:
    progress = Progress(1000)
    for at_s, committed in ((0.1, 0), (0.9, 1000)):
        progress.saw(at_s, committed)
    assert progress.timed == (0.9, 1000)


def test_a_goal_is_met_at_its_bound() -> None:
    figure = Figure(group="g", name="n", value=3.0, limit=10.0, ratio=Ratio(0.1, 0.3, 0.5))
    assert msgspec.structs.replace(figure, goal=0.3).met is True
    assert msgspec.structs.replace(figure, goal=0.31).met is False
    assert figure.met is None


def test_the_table_fits_a_terminal_and_shows_ratios_first() -> None:
    outcome = Outcome(seconds=1.0, requests=1_234_567, cpu_s=1.0, sent=1, statuses={})
    other = msgspec.structs.replace(outcome, cpu_s=0.25)
    gateway = GatewayRun({str(case): [GatewayRound(outcome, other)] for case in CASES}, 100_000_000)
    written = Written(
        rows=1_234_567,
        timed_rows=1_234_567,
        seconds=1.0,
        whole_seconds=1.0,
        cpu_s=1.0,
        peak_bytes=900_000_000,
        batches=100,
        body_bytes=1_000_000_000,
        disk_bytes=99_000_000,
    )
    limit = insert_limit.Outcome(rows=1_234_567, batches=1, seconds=0.5, cpu_s=0.5)
    fresh = Freshness(p50_s=1.0, p99_s=2.0, markers=1, logs_per_second=1e6, gateway_peak_bytes=1, writer_peak_bytes=1)
    languages = dict.fromkeys(PRINTERS, 123.4)
    prints = FingerprintRound(stacks=languages, plain=languages, hostile={"a": 12_345.0}, hostile_plain=1_234.0)
    results = Results([prints], gateway, [WriterRound(written, limit, limit)], fresh)
    with (console := Console(width=80)).capture() as shown:
        console.print(table({"sqlite": results}, Effort(5.0, 3, 256)))
    assert "…" not in shown.get()
    assert re.search(r"requests / CPU-s +0\.25 +0\.25 +0\.25 +≥ 0\.3 +no +1,230,000 +4,940,000", shown.get())
    assert re.search(r"256 kB, hostile +0\.10 +0\.10 +0\.10 +≥ 1\.9 +no +12,300 +1,230", shown.get())


def test_a_ratio_compares_the_two_of_each_round() -> None:
    assert ratio([(10.0, 20.0), (30.0, 30.0), (9.0, 3.0)]) == Ratio(0.5, 1.0, 3.0)


def test_a_request_is_http_with_its_headers_and_length() -> None:
    head, _, body = request("/p", 80, {"Authorization": "Bearer k"}, b"{}").partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    assert (first, body) == (b"POST /p HTTP/1.1", b"{}")
    assert {b"Authorization: Bearer k", b"Content-Length: 2", b"Host: 127.0.0.1:80"} <= set(headers)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1_234_567, "1,230,000"), (12_345, "12,300"), (1000, "1,000"), (999.6, "1,000"), (123, "123"), (1.234, "1.23")],
)
def test_numbers_show_three_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text
