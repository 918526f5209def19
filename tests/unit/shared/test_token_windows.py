"""How many blocks tables must remember."""

from shared.partitions import Partitions
from shared.registry import load
from shared.settings import Writer
from shared.signals.logs import LOGS
from shared.token_windows import TokenWindows


def windows(partitions: dict[str, int], writer: Writer | None = None) -> TokenWindows:
    return TokenWindows(load(), writer or Writer(), Partitions("logs:64,4"), partitions)


def test_the_lanes_of_all_topics_of_a_table_count_those_of_a_topic_to_be_made_too() -> None:
    assert windows({"logs": 16}).lanes("logs") == 16 + 16 + 4 + 4  # those of overflow and drain
    assert windows({"logs": 16, "logs.overflow": 2}).lanes("logs") == 16 + 2 + 4 + 4
    assert windows({}).lanes("logs") == 64 + 16 + 4 + 4
    assert windows({}).lanes("errors") == 4 + 4


def test_as_many_blocks_as_come_while_a_batch_may_be_sent_again() -> None:
    assert windows({"logs": 16}).needed("logs") == 40 * 2 * 370
    assert windows({"logs": 16}).needed("logs", shards=3) == 14 * 2 * 370
    slower = Writer(batch_age_s=2.0, insert_timeout_s=30.0, backoff_max_s=5.0)
    assert windows({"logs": 16}, slower).needed("logs") == 20 * 335


def test_a_migration_leaves_room_and_never_shrinks_a_window() -> None:
    assert windows({"logs": 4, "logs.overflow": 4}).wanted("logs") == 50_000  # 4 x 11,840, rounded up
    assert windows({"errors": 1, "errors.overflow": 1}).wanted("errors") == 10_000
    assert LOGS.remembering(30_000).window == 30_000
    assert LOGS.remembering(30_000).remembering(20_000).window == 30_000
