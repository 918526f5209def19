"""Sluice beside the Collector: what both sides get, how the Collector is configured, what is printed."""

import json
import re
import subprocess
import time
from pathlib import Path

import msgspec
import psutil
import pytest
import typer
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from rich.console import Console
from typer.testing import CliRunner

from deploy.bench.effort import Effort
from deploy.bench.engines import Engines, Phase
from deploy.bench.load import Outcome
from deploy.bench.peer import build, collector, otlp, report
from deploy.bench.peer.command import peer
from deploy.bench.peer.entries import DATA, same, varied
from deploy.bench.peer.sluice import HERE, CheckoutGateway, CheckoutWriter, Sluice
from deploy.bench.peer.writers import Written
from deploy.local.child import DidNotStart
from deploy.local.demo import DemoKeys
from deploy.local.engine import Unavailable
from shared.envelope import unseal
from shared.formats import proliferate_logs
from shared.keys import generate
from tests.validating import Door

EFFORT = Effort(5.0, 3, 256)
ADDRESSES = {
    "SLUICE_QUEUE_URL": "kafka://127.0.0.1:9",
    "SLUICE_CLICKHOUSE_URL": "clickhouse://sluice@127.0.0.1:7/sluice_here",
    "SLUICE_POSTGRES_URL": "postgresql://postgres@127.0.0.1:5/sluice",
    "SLUICE_REDIS_URL": "redis://127.0.0.1:3/0",
}


# What is sent.


def test_varied_entries_repeat_people_and_places_but_no_id() -> None:
    entries = [entry for each in varied(100, 20) for entry in each]
    assert len({entry.trace_id for entry in entries}) == len({entry.span_id for entry in entries}) == len(entries)
    assert len({entry.user["id"] for entry in entries}) > 1_000
    assert len({entry.account["id"] for entry in entries}) <= 300
    assert len({entry.template for entry in entries}) == len({entry.function_name for entry in entries}) == 40


def test_same_entries_are_one_list_of_the_example_of_the_api() -> None:
    (entries,) = same(100, 64)
    assert entries == [entries[0]] * 100
    assert msgspec.to_builtins(entries[0]) == proliferate_logs.INTAKE.examples["template"]["logs"][0]


@pytest.mark.parametrize("data", DATA)
def test_an_otlp_body_says_all_that_an_entry_says(data: str) -> None:
    entries = DATA[data](3, 1)[0]
    request = ExportLogsServiceRequest.FromString(otlp.body(entries))
    ((resource, (scope,)),) = ((each.resource, each.scope_logs) for each in request.resource_logs)
    assert values(resource.attributes) == {"deployment.environment.name": "production", "service.version": "v1.2.3"}
    for entry, record in zip(entries, scope.log_records, strict=True):
        assert record.time_unix_nano / 1e9 == pytest.approx(entry.timestamp, abs=1e-6)
        assert record.body.string_value == entry.message
        assert (record.severity_text, record.severity_number) == (entry.level, severity(entry.level))
        assert (len(record.trace_id), len(record.span_id)) == (16, 8)
        assert values(record.attributes) == {
            **entry.attributes,
            "template": entry.template,
            "logger.name": entry.logger_name,
            "code.file.path": entry.file_path,
            "code.line.number": entry.line_number,
            "code.function.name": entry.function_name,
            "user.id": entry.user["id"],
            "user.email": entry.user["email"],
            "account.id": entry.account["id"],
            "account.name": entry.account["name"],
        }


def values(attributes: list[KeyValue]) -> dict[str, str | int]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def severity(level: str) -> int:
    return {"debug": 5, "info": 9, "warn": 13, "error": 17}[level]


def test_an_id_of_hex_digits_is_its_bytes() -> None:
    (entry,) = varied(1, 1)[0]
    request = ExportLogsServiceRequest.FromString(otlp.body([entry]))
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    assert (record.trace_id.hex(), record.span_id.hex()) == (entry.trace_id, entry.span_id)


# Sluice.


@pytest.fixture
def side(tmp_path: Path) -> Sluice:
    phases = {name: Phase(name, tmp_path, ADDRESSES) for name in ("gateway", *DATA)}
    keys = DemoKeys(project_id="demo", ingest_key=generate("dt"), public_key="p", read_key="r")
    return Sluice("Sluice", Path("/elsewhere"), phases, keys)


def test_what_sluice_gets_is_valid_and_carries_the_key_as_its_clients_do(side: Sluice) -> None:
    door = Door(proliferate_logs)
    for data in DATA:
        for entries in DATA[data](100, 2):
            body = side.request(8080, entries).partition(b"\r\n\r\n")[2]
            part = door.validate(body)
            assert (part.n, part.dropped) == (100, [])
            assert door.key_in(body) == side._keys.ingest_key


def test_a_message_is_an_envelope_with_the_entries(side: Sluice) -> None:
    entries = varied(3, 1)[0]
    stamp, payload = unseal(side.message(entries))
    assert (stamp.n, stamp.format, stamp.project_id) == (3, "proliferate.logs", "demo")
    assert json.loads(bytes(payload)) == msgspec.to_builtins(entries)


def test_the_processes_of_a_checkout_start_in_its_folder_and_each_round_reads_from_the_beginning(side: Sluice) -> None:
    gateway, writers = side.gateway(), [side.writer("same", number) for number in (0, 1)]
    assert isinstance(gateway, CheckoutGateway)
    assert all(isinstance(writer, CheckoutWriter) for writer in writers)
    commands = [each.command() for each in (gateway, *writers)]
    assert {command.cwd for command in commands} == {Path("/elsewhere")}
    assert [command.env.get("SLUICE_WRITER_GROUP") for command in commands] == [None, "Sluice-same-0", "Sluice-same-1"]
    assert side.clear == "TRUNCATE TABLE `sluice_here`.`logs` SYNC"


def test_this_checkout_is_the_one_that_holds_the_bench() -> None:
    assert (HERE / "deploy/bench/peer/sluice.py").samefile(Path(__file__).parents[3] / "deploy/bench/peer/sluice.py")


# The Collector.


def test_each_configuration_names_only_variables_that_its_process_gets(tmp_path: Path) -> None:
    side = collector.Collector(Engines(tmp_path, ADDRESSES))
    for process, config in ((side.gateway(), "gateway.yaml"), (side.writer("same", 0), "writer.yaml")):
        process.before_try()
        command = process.command()
        (option,) = command.argv[1:]
        assert str(option).endswith(f"/{config}")
        text = Path(str(option).partition("=")[2]).read_text()
        assert set(re.findall(r"\$\{env:(\w+)\}", text)) == set(command.env) - {"GOMAXPROCS"}
        assert command.env["GOMAXPROCS"] == "1"
        assert command.env["PEER_BROKER"] == "127.0.0.1:9"
    assert command.env["PEER_CLICKHOUSE"] == "tcp://127.0.0.1:7"
    assert command.env["PEER_USER"] == "sluice"


def test_the_configurations_measure_like_with_like() -> None:
    gateway, writer = collector._GATEWAY.read_text(), collector._WRITER.read_text()
    assert re.search(r"sending_queue:\n +enabled: false", gateway)
    assert "required_acks: all" in gateway
    assert "compression: zstd" in gateway
    assert "async_insert: false" in writer


def test_without_go_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(Unavailable, match="install Go"):
        build.version()


def test_a_binary_that_is_there_needs_no_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    build.binary().parent.mkdir()
    build.binary().touch()
    assert build.version() == "0.155.0"
    assert build.binary().parent == tmp_path / "sluice"


def test_another_list_of_components_is_another_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build.binary()
    other = tmp_path / "builder.yaml"
    other.write_text(build.BUILDER.read_text() + "# more\n")
    monkeypatch.setattr(build, "BUILDER", other)
    assert build.binary() != before


def test_the_build_runs_the_builder_of_the_version_in_a_folder_of_its_own(tmp_path: Path) -> None:
    command = build.command(tmp_path)
    assert command.argv[1:3] == ["run", "go.opentelemetry.io/collector/cmd/builder@v0.155.0"]
    assert command.cwd == tmp_path


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `go` that comes first in the path; write what it does."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.touch(0o755)
    monkeypatch.setenv("PATH", str(go.parent), prepend=":")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return go


def test_what_was_built_is_kept(fake_go: Path, tmp_path: Path) -> None:
    fake_go.write_text("#!/bin/sh\necho the Collector > otelcol\n")
    build.build(tmp_path / "build.log")
    assert build.binary().read_text() == "the Collector\n"
    assert list(build.binary().parent.iterdir()) == [build.binary()]


def test_a_build_that_fails_says_why_and_leaves_nothing(fake_go: Path, tmp_path: Path) -> None:
    fake_go.write_text("#!/bin/sh\necho no such module\nexit 3\n")
    with pytest.raises(DidNotStart, match=r"exit code 3(.|\n)*no such module"):
        build.build(tmp_path / "build.log")
    assert list(build.binary().parent.iterdir()) == []


def test_a_build_that_is_ended_takes_its_compilers_along(
    fake_go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = tmp_path / "pid"
    fake_go.write_text(f"#!/bin/sh\nsleep 1000 &\necho $! > {pid}\nwait\n")

    def interrupted(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        monkeypatch.undo()
        while not (pid.exists() and pid.read_text()):
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build._run(build.command(tmp_path), tmp_path / "build.log")
    while is_alive(int(pid.read_text())):  # the signal is sent, it takes a moment
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# What is printed.


def outcome(per_cpu_second: float) -> Outcome:
    return Outcome(seconds=1.0, requests=int(per_cpu_second), cpu_s=1.0, sent=1, statuses={"200": 1})


def written(rows_per_cpu_second: float, peak_mb: int) -> Written:
    return Written(rows=1000, seconds=1.0, cpu_s=1000 / rows_per_cpu_second, peak_bytes=peak_mb * 1_000_000)


GATEWAYS = {
    "100 logs, same": {
        "Sluice": [outcome(rate) for rate in (3000, 2000, 4000)],
        "Collector": [outcome(rate) for rate in (1000, 2000, 2000)],
    }
}
WRITERS = {
    "same": {
        "Sluice": [written(rate, 200) for rate in (100_000, 200_000, 100_000)],
        "Collector": [written(rate, 800) for rate in (50_000, 50_000, 100_000)],
    }
}


def test_ratios_are_those_of_each_round() -> None:
    ratios = {(line.group, line.name): line.ratio("Sluice", "Collector") for line in report.lines(GATEWAYS, WRITERS)}
    found = {name: (each.least, each.median, each.most) for name, each in ratios.items()}
    assert found["gateway, requests / CPU-second", "100 logs, same"] == (1.0, 2.0, 3.0)
    assert found["writer, rows / CPU-second", "same"] == pytest.approx((1.0, 2.0, 4.0))
    assert found["writer, peak memory in MB", "same"] == (0.25, 0.25, 0.25)
    # Of a million logs, 10,000 requests at 3,000 a CPU-second take 3.33 s and rows at 100,000 take 10; theirs 10 + 20.
    assert found["both, CPU-seconds / million logs", "same"][1] == pytest.approx(13.33 / 30, rel=0.01)


def test_without_the_gateways_what_needs_both_is_left_out() -> None:
    groups = [line.group for line in report.lines({}, WRITERS)]
    assert groups == ["writer, rows / CPU-second", "writer, peak memory in MB"]


def test_the_table_fits_a_terminal_and_shows_ratios_first() -> None:
    (table,) = report.tables(GATEWAYS, WRITERS, "Sluice", EFFORT)
    with (console := Console(width=80)).capture() as shown:
        console.print(table)
    text = shown.get()
    assert "…" not in text
    assert text.startswith("Sluice / Collector")
    assert re.search(r"100 logs, same +1\.00 +2\.00 +3\.00 +3,000 +2,000", text)
    assert re.search(r"peak memory in MB ↓ *\n +same +0\.25 +0\.25 +0\.25 +200 +800", text)


@pytest.mark.parametrize(
    ("case", "other", "rate", "style"),
    [
        ("100 logs, same", "Collector", 1799, "red"),
        ("100 logs, same", "Collector", 1800, "green"),
        ("1 log, same", "Collector", 700, "green"),
        ("1 log, same", "other", 700, "red"),
        ("1 log, same", "other", 1000, "green"),
    ],
)
def test_beside_the_collector_a_goal_counts(case: str, other: str, rate: int, style: str) -> None:
    (table,) = report.tables({case: {"Sluice": [outcome(rate)], other: [outcome(1000)]}}, {}, "Sluice", EFFORT)
    assert table.rows[-1].style == style


def test_each_other_side_has_a_table() -> None:
    three = {case: {**sides, "other": sides["Collector"]} for case, sides in GATEWAYS.items()}
    titles = [table.title for table in report.tables(three, {}, "Sluice", EFFORT)]
    assert titles == ["Sluice / Collector", "Sluice / other"]


def test_the_json_holds_ratios_and_rounds() -> None:
    made = json.loads(report.as_json(GATEWAYS, WRITERS, "Sluice", EFFORT))
    assert made["lines"][0]["ratios"]["Collector"] == {"least": 1.0, "median": 2.0, "most": 3.0}
    assert made["writers"]["same"]["Collector"][0]["peak_bytes"] == 800_000_000
    assert made["effort"] == {"seconds": 5.0, "rounds": 3, "connections": 256}


def test_a_folder_that_is_no_checkout_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.bench.peer.command.missing", lambda kind: "")
    monkeypatch.setattr(build, "version", lambda: "0.155.0")
    app = typer.Typer()
    app.command()(peer)
    ran = CliRunner().invoke(app, ["--against", str(tmp_path)])
    assert ran.exit_code == 1
    assert "is no checkout of Sluice" in ran.output
