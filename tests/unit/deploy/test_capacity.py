"""The capacity model: its table stands in the page as it comes out, and its figures are those that were measured
(capacity.md, "Figures", "Sizes"; performance.md, "What was measured"; storage.md, "What they cost")."""

from itertools import islice
from pathlib import Path

import pytest

from deploy.bench.capacity import LOADS, Choices, Figures, plan, table
from deploy.bench.logs import arrays
from deploy.bench.messages import envelope
from shared.queue.kafka.compression import zstd_encode
from shared.settings import Writer

DOCS = Path(__file__).parents[3] / "deploy" / "docs"
FIGURES = Figures()


def text_of(page: str) -> str:
    return (DOCS / page).with_suffix(".md").read_text()


def test_the_pages_table_is_what_the_model_says() -> None:
    assert table() in text_of("capacity")


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("performance", f"-4,300; {FIGURES.gateway_logs // 100:,}-"),
        ("performance", f"; {FIGURES.writer_rows:,}-198,000 rows per CPU-second"),
        ("storage", f"and {FIGURES.server_us} now"),
        ("performance", "A question costs 97 ms of CPU"),
        ("capacity", f"| {FIGURES.gateway_logs:,} |"),
        ("capacity", f"| {FIGURES.writer_rows:,} |"),
        ("capacity", f"| {FIGURES.server_us} us |"),
        ("capacity", f"| {FIGURES.message_bytes} bytes; {FIGURES.packed_bytes} bytes |"),
        ("capacity", f"| {FIGURES.disk_bytes} bytes |"),
    ],
)
def test_a_figure_is_the_one_that_the_pages_tell(page: str, says: str) -> None:
    assert says in text_of(page)


def test_bytes_of_a_log_are_those_of_the_benchs_logs_packed_as_for_kafka() -> None:
    messages = [envelope("demo", array, 100) for array in islice(arrays(100, 64, 1_768_478_400.0), 64)]
    logs = 100 * len(messages)
    assert sum(map(len, messages)) / logs == pytest.approx(FIGURES.message_bytes, rel=0.02)
    batches = [b"".join(messages[n : n + 16]) for n in range(0, len(messages), 16)]
    assert sum(len(zstd_encode(each)) for each in batches) / logs == pytest.approx(FIGURES.packed_bytes, rel=0.05)
    assert FIGURES.message_bytes / 10 == pytest.approx(FIGURES.disk_bytes, abs=1)


@pytest.mark.parametrize("logs", LOADS)
def test_a_plan_has_spare_cores_even_lanes_and_whole_batches(logs: int) -> None:
    made = plan(logs)
    assert made.gateways >= 2 * made.gateway_cores
    assert made.writers >= 2 * made.writer_cores
    assert made.partitions >= 4 * made.writers
    assert made.partitions % made.shards == 0
    assert made.inserts / made.shards <= 16
    assert made.blocks * made.batch_age_s >= 370 * made.partitions / made.shards
    assert made.held_bytes >= Writer().held_bytes
    lane_bytes = FIGURES.message_bytes * logs / made.partitions
    assert lane_bytes * made.batch_age_s <= made.held_bytes / (made.partitions / made.writers) / 2 + 1


def test_what_is_decided_otherwise_changes_the_plan() -> None:
    made = plan(1_000_000, choices=Choices(spare=3, server_cores=8, days=7))
    usual = plan(1_000_000)
    assert made.writers > usual.writers
    assert made.shards > usual.shards
    assert made.disk_bytes * 30 == usual.disk_bytes * 7
