"""Several writers share lanes: rebalances under full batches, subsets of signals, `--processes`."""

import asyncio
import os
import re
import signal
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from shared.queue.base import Lane
from tests.integration.writer.stage import Process, Running, Stage, http_get, logs, until

WITHIN_S = 40.0
"""What a rebalance may take. Quiet, it takes 0.3 s on SQLite and 2 s on Kafka."""


async def fill(stage: Stage, messages: int, records: int) -> None:
    texts = ["x" * 200] * records
    for _ in range(0, messages, 100):
        await stage.publish(*[logs(*texts)] * 100)


async def until_all_committed(stage: Stage, within_s: float = 60.0) -> None:
    ends = await stage.queue.end_offsets(await stage.queue.lanes([stage.lane().topic]))

    async def done() -> bool:
        found = await stage.queue.committed(stage.group, ends)
        return all(end == 0 or found[lane] == (end, "") for lane, end in ends.items())

    await until(done, within_s=within_s)


async def seconds_until(lanes: dict[Running, int]) -> float:
    """Until each of these writers works on so many lanes, and no lane is left over."""
    began = time.monotonic()
    await until(
        lambda: all(len(writer.lanes) == count for writer, count in lanes.items()),
        within_s=WITHIN_S,
        what=f"no rebalance within {WITHIN_S} s",
    )
    return time.monotonic() - began


async def test_lanes_change_hands_within_seconds_under_full_batches(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs", partitions=4)
    await fill(stage, messages=1_600, records=200)
    limits = {"batch_rows": 10_000, "insert_threads": 2}

    def rows() -> int:
        return sum(int(writer.sample("sluice_rows_total", table="logs")) for writer in writers)

    async with stage.writer(**limits) as first:
        writers = [first]
        await until(lambda: rows() >= 20_000, within_s=60)
        async with stage.writer(**limits) as second:
            writers.append(second)
            joined_s = await seconds_until({first: 2, second: 2})
            assert not set(first.lanes) & set(second.lanes)
            await until(lambda: second.sample("sluice_rows_total", table="logs") > 0, within_s=60)
            assert rows() < 300_000, "the backlog was gone before the rebalance was over: make it larger"
            left_at = time.monotonic()
        left_s = time.monotonic() - left_at + await seconds_until({first: 4})
        assert left_s < WITHIN_S, "the flush of full batches is part of leaving"
        print(f"joined after {joined_s:.1f} s, left after {left_s:.1f} s")  # noqa: T201 - for `pytest -s`
        await until_all_committed(stage)
    ((count, different),) = stage.query("SELECT count(), uniqExact(_partition, _offset, _index) FROM logs")
    assert (count, different) == (320_000, 320_000)


async def test_writers_of_different_signals_in_one_group_get_only_their_own_lanes(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs", "errors", partitions=2)
    both = {Lane(stage.lane(name).topic, partition) for name in ("logs", "errors") for partition in range(2)}
    topics = {name: stage.lane(name).topic for name in ("logs", "errors")}
    async with AsyncExitStack() as others, stage.writer("logs", "errors") as everything:
        await seconds_until({everything: 4})
        only_logs = await others.enter_async_context(stage.writer("logs"))
        only_errors = await others.enter_async_context(stage.writer("errors"))

        def shared_out() -> bool:
            owned = [*everything.lanes, *only_logs.lanes, *only_errors.lanes]
            return len(owned) == 4 and set(owned) == both and bool(only_logs.lanes and only_errors.lanes)

        await until(shared_out, within_s=2 * WITHIN_S)
        assert {lane.topic for lane in only_logs.lanes} == {topics["logs"]}
        assert {lane.topic for lane in only_errors.lanes} == {topics["errors"]}
        await others.aclose()
        await seconds_until({everything: 4})
        await stage.publish(*(logs(f"{n}") for n in range(10)))
        await until_all_committed(stage)
    assert stage.messages() == sorted(f"{n}" for n in range(10))


def alive(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def children(process: Process) -> list[int]:
    """The process ids of the writers that were started, oldest first."""
    return [int(pid) for pid in re.findall(r'"pid": (\d+).*?"event": "writer process started"', process.log)]


def two_free_ports() -> int:
    """The first of two ports that are free, one after the other."""
    while True:
        port = free_port()
        with suppress(OSError):
            if free_port(port + 1) == port + 1:
                return port


async def test_processes_share_lanes_are_restarted_and_stop_together(stage: Stage) -> None:
    await stage.make("logs", partitions=2)
    port = two_free_ports()

    async def partitions_of(number: int) -> set[str]:
        with suppress(OSError):
            _, body = await http_get(port + number - 1, "/health")
            return set(re.findall(r'"partition":(\d+)', body))
        return set()

    async def shared_out() -> bool:
        found = [await partitions_of(number) for number in (1, 2)]
        return sorted(map(len, found)) == [1, 1] and found[0] != found[1]

    with stage.spawn("logs", "--processes", "2", WRITER_METRICS_PORT=port) as parent:
        await until(shared_out, within_s=60, what=parent.log)
        os.kill(children(parent)[1], signal.SIGKILL)
        await until(lambda: len(children(parent)) == 3, within_s=60, what=parent.log)
        await until(shared_out, within_s=60, what=parent.log)
        await stage.publish(*(logs(f"{n}") for n in range(10)))
        await until_all_committed(stage)
        parent.send(signal.SIGTERM)
        assert await parent.ended() == 0, parent.log
        assert not any(alive(pid) for pid in children(parent))
        assert parent.log.count('"event": "writer stopped"') == 2, "both had time to flush"
        assert '"process": "1"' in parent.log
        assert '"process": "2"' in parent.log
    assert stage.messages() == sorted(f"{n}" for n in range(10))


async def test_writers_end_in_order_when_their_parent_is_killed(stage: Stage) -> None:
    await stage.make("logs")
    with stage.spawn("logs", "--processes", "2") as parent:
        await until(lambda: parent.log.count('"event": "writer started"') == 2, within_s=60, what=parent.log)
        parent.send(signal.SIGKILL)
        await until(lambda: not any(alive(pid) for pid in children(parent)), within_s=60, what=parent.log)
        assert parent.log.count('"event": "writer stopped"') == 2, parent.log


async def test_a_writer_that_refuses_its_settings_ends_all(stage: Stage) -> None:
    with stage.spawn("logs", "--processes", "2", QUEUE_URL="nonsense://") as parent:
        assert await parent.ended() == os.EX_CONFIG
        assert "SLUICE_QUEUE_URL" in parent.log


async def test_a_frozen_writer_touches_no_file_and_answers_nobody(stage: Stage) -> None:
    await stage.make("logs")
    file, port = stage.folder / "alive", free_port()
    with stage.spawn("logs", WRITER_LIVENESS_FILE=file, WRITER_METRICS_PORT=port) as process:
        await until(file.exists, within_s=60, what=process.log)

        def age_s() -> float:
            return time.time() - file.stat().st_mtime

        touched = file.stat().st_mtime
        await until(lambda: file.stat().st_mtime > touched + 1, what="it is touched again and again")
        assert (await http_get(port, "/health"))[0] == 200
        process.send(signal.SIGSTOP)
        await process.frozen()
        await until(lambda: age_s() > 3)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)  # the kernel takes it
        writer.write(b"GET /health HTTP/1.1\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 1)
        writer.close()
        process.send(signal.SIGCONT)
        await until(lambda: age_s() < 2)


async def test_a_liveness_file_in_no_folder_is_refused_by_name(stage: Stage) -> None:
    with stage.spawn("logs", WRITER_LIVENESS_FILE="/nowhere/alive") as process:
        assert await process.ended() == os.EX_CONFIG
        assert "SLUICE_WRITER_LIVENESS_FILE=/nowhere/alive: its folder does not exist" in process.log


async def test_a_lane_that_waits_is_a_gauge_and_so_is_what_is_held(stage: Stage) -> None:
    await stage.make("logs", "errors")
    await stage.publish(logs("one"))
    lane = {"topic": stage.lane().topic, "partition": "0", "what": "verify"}
    nowhere = "clickhouse://sluice@127.0.0.1:1/sluice"
    async with stage.writer("logs", "errors", clickhouse_url=nowhere, shutdown_s=0.1) as running:
        await until(lambda: running.sample("sluice_waiting", **lane) > 1)
        (held,) = (state["held_bytes"] for state in running.loop.states() if state["topic"] == lane["topic"])
        assert running.sample("sluice_held_bytes") == held > 0
        others = [
            sample.labels
            for family in running.metrics.registry.collect()
            if family.name == "sluice_waiting"
            for sample in family.samples
        ]
        assert others == [lane], "a lane that does not wait has none"
