"""Open dead letters are counted by project, each project's own only, and reading them is bounded."""

from collections import Counter
from random import Random

import msgspec
import pytest

from gateway.query.observing import letters as module
from gateway.query.observing import observation
from gateway.query.observing.letters import Letters, SeenLetters
from gateway.query.observing.open_letters import Gap, length
from shared.letters import Letter
from shared.queue.base import Message
from tests.unit.gateway.query.observing.dead_letter_queue import LANE, SOURCE, DeadLetterQueue, letter_of, message_of
from writer.dead_letters import closed, gap, letter


@pytest.fixture(autouse=True)
def at_every_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation, "EVERY_S", 0.0)


def watching(queue: DeadLetterQueue) -> Letters:
    return Letters(queue, ["logs.dlq"])  # type: ignore[arg-type]


async def look(letters: Letters) -> SeenLetters:
    seen = await letters.now()
    assert seen.found is not None, seen.reason
    return seen.found


def counted(letters: Letters, project_id: str) -> dict[str, int]:
    return dict(letters.of_project(project_id).get(LANE, {}))


async def test_random_letters_are_counted_as_their_newest_states_say() -> None:
    random = Random(3)
    for _ in range(20):
        queue = DeadLetterQueue(chunk=random.randint(1, 5))
        letters, newest = watching(queue), dict[bytes, tuple[str, Letter]]()
        for _ in range(60):
            project = random.choice("pqr")
            one = letter_of(project, random.randint(0, 8), random.choice(["unconvertible", "refused"]))
            one = random.choice([one, one, closed(one, random.choice(["redriven", "purged"]), 1)])
            newest[one.key] = project, one
            queue.publish(one)
            if random.random() < 0.2:
                queue.compact()
            if random.random() < 0.5:
                assert all(each.is_all for each in (await look(letters)).looked_at)
                for asked in "pqr":
                    mine = [each.reason for owner, each in newest.values() if owner == asked and not each.state]
                    assert counted(letters, asked) == Counter(mine)
        await look(letters)
        reads = queue.given
        await look(letters)
        assert queue.given == reads, "a letter is read once"


async def test_letters_that_are_nobodys_are_counted_for_nobody() -> None:
    queue = DeadLetterQueue()
    queue.publish(letter(SOURCE, Message(0, 1, None, b"no envelope"), None, "undecodable", ""))
    queue.publish(letter(SOURCE, Message(1, 1, None, message_of("p").replace(b'"v":1', b'"v":9')), 0, "refused", ""))
    queue.put(b'{"v":9}')
    queue.put(b"\xff no letter")
    queue.put(msgspec.json.encode(msgspec.structs.replace(letter_of("p", 2), raw="%%%")), b"x")
    letters = watching(queue)
    assert (await look(letters)).looked_at[0].is_all
    assert letters.of_project("p") == letters.of_project("") == {}


async def test_gaps_are_of_a_lane() -> None:
    queue = DeadLetterQueue()
    for first, end in ((5, 10), (8, 20), (30, 31)):
        queue.publish(gap(SOURCE, first, end))
    letters = watching(queue)
    gaps = (await look(letters)).gaps
    assert gaps == [Gap(SOURCE, 5, 10), Gap(SOURCE, 8, 20), Gap(SOURCE, 30, 31)]
    assert length(each[1:] for each in gaps) == 16


async def test_the_newest_of_a_topic_are_looked_at_and_the_answer_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEWEST", 10)
    queue = DeadLetterQueue()
    for offset in range(25):
        queue.publish(letter_of("p", offset))
    letters = watching(queue)
    (seen,) = (await look(letters)).looked_at
    assert tuple(seen) == (LANE, 0, 15, 25, 25)
    assert not seen.is_all
    assert counted(letters, "p") == {"unconvertible": 10}
    for offset in range(25, 29):
        queue.publish(letter_of("q", offset))
    (seen,) = (await look(letters)).looked_at
    assert (seen.first, seen.next) == (19, 29)
    assert (counted(letters, "p"), counted(letters, "q")) == ({"unconvertible": 6}, {"unconvertible": 4})


async def test_a_look_reads_a_bounded_number_of_bytes_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_BYTES", 1)
    queue = DeadLetterQueue(chunk=4)
    for offset in range(10):
        queue.publish(letter_of("p", offset))
    letters = watching(queue)
    for read in (4, 8, 10):
        (seen,) = (await look(letters)).looked_at
        assert (seen.next, seen.is_all) == (read, read == 10)
        assert counted(letters, "p") == {"unconvertible": read}


async def test_a_topic_that_was_made_again_is_read_again() -> None:
    queue = DeadLetterQueue()
    for offset in range(5):
        queue.publish(letter_of("p", offset))
    letters = watching(queue)
    await look(letters)
    queue.messages[LANE] = []
    queue.publish(letter_of("q", 0))
    assert (await look(letters)).looked_at[0].is_all
    assert (counted(letters, "p"), counted(letters, "q")) == ({}, {"unconvertible": 1})


async def test_a_queue_that_is_away_is_said_to_be() -> None:
    queue = DeadLetterQueue()
    queue.away = True
    seen = await watching(queue).now()
    assert (seen.found, seen.reason) == (None, "the queue can't be asked for dead letters")


def test_the_length_of_spans_counts_each_offset_once() -> None:
    random = Random(1)
    for _ in range(300):
        spans = [(first, first + random.randint(0, 6)) for first in random.choices(range(20), k=random.randint(0, 5))]
        assert length(spans) == len({offset for first, end in spans for offset in range(first, end)})
