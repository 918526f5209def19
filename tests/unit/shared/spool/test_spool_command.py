"""`sluice spool` on the files of a folder; draining into Kafka is shown by the contract's tests."""

from pathlib import Path

from shared.queue.spool.aside import NAME
from shared.queue.spool.file import Spool
from tests.contract.engines import sqlite_limits
from tests.sluice import Ended, called
from tests.topics import topic_spec


async def made(folder: Path, *, aside: bool = False) -> None:
    spool = Spool(folder / NAME, sqlite_limits())
    await spool.open([topic_spec("logs", 1)])
    await spool.publish("logs", b"one")
    if aside:
        await spool.put_aside("a test")
    await spool.close()


def spoil(file: Path) -> None:
    file.write_bytes(b"no spool" * 1000)


def run(*arguments: str) -> Ended:
    return called(["spool", *arguments], {"SLUICE_QUEUE_URL": "sqlite:///queue.db"})


async def test_the_spools_of_a_folder_are_listed_with_those_put_aside(tmp_path: Path) -> None:
    await made(tmp_path, aside=True)
    mine, aside = run("list", str(tmp_path), "--json").json["spools"]
    assert mine["file"] == str(tmp_path / NAME)
    assert (mine["messages"], mine["oldest_ms"]) == (0, None)
    assert aside["messages"] == 1
    assert aside["id"] != mine["id"]
    spoil(Path(aside["file"]))
    shown = run("list", str(tmp_path))
    assert shown.code == 0
    assert "not a database" in shown.out


async def test_what_is_no_spool_and_a_queue_that_is_not_kafka_are_refused_with_a_sentence(tmp_path: Path) -> None:
    for wrong in (("drain", str(tmp_path)), ("list", str(tmp_path / "other"))):
        ended = run(*wrong)
        assert ended.code == 1
        assert "there is no spool" in ended.err
    assert not (tmp_path / NAME).exists()
    await made(tmp_path)
    ended = run("drain", str(tmp_path))
    assert ended.code == 1
    assert "into Kafka" in ended.err
