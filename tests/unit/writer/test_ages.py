"""How old messages are when their rows are stored (storage.md, "Freshness")."""

from collections import Counter
from random import Random

import pytest

from shared.ages import age_s, bucket_of
from shared.clients.postgres import Postgres
from shared.envelope import VERSION, Stamp
from shared.hourly_counts import HourlyCounts
from shared.queue.base import Message
from writer.ages import MOST_LOOKED_AT, arrivals_of, count_ages
from writer.entry import Entry

NOW = 1_760_000_000_000_000


def entry(offset: int, project_id: str, received_at: int) -> Entry:
    stamp = Stamp(v=VERSION, format="f", project_id=project_id, received_at=received_at, retention_days=30, n=1)
    return Entry(Message(offset, 0, None, b""), stamp)


@pytest.mark.parametrize("age_us", [-5, 0, 1, 1000, 1001, 50_000, 990_000, 3_600_000_000, 10**13, 10**18])
def test_a_bucket_tells_an_age_within_9_percent(age_us: int) -> None:
    told = age_s(int(bucket_of(age_us)))
    if 1000 < age_us < 2**35 * 1000:
        assert told == pytest.approx(age_us / 1e6, rel=0.13), "9 % and two digits"
    else:
        assert told == (age_s(0) if age_us <= 1000 else age_s(140))


def test_older_messages_are_never_in_a_lower_bucket() -> None:
    random = Random(3)
    ages = sorted(int(2 ** random.uniform(0, 50)) for _ in range(2_000))
    buckets = [int(bucket_of(age)) for age in ages]
    assert buckets == sorted(buckets)


@pytest.mark.parametrize("n", [1, 200, MOST_LOOKED_AT, 1_000, 5_003])
def test_some_messages_of_a_large_batch_stand_for_all(n: int) -> None:
    counts = HourlyCounts(Postgres(""))
    arrivals = arrivals_of([entry(7 + k, "pq"[k % 2], NOW - 500_000) for k in range(n)])
    assert len(arrivals.of) <= MOST_LOOKED_AT
    count_ages(counts, "logs", arrivals, NOW)
    found: Counter[str] = Counter()
    for (_, signal, kind, bucket, _), each in counts._counts.items():
        assert (signal, kind, bucket) == ("logs", "age", bucket_of(500_000))
        found[kind] += each
    assert found["age"] == pytest.approx(n, abs=-(-n // MOST_LOOKED_AT))
    if n <= MOST_LOOKED_AT:
        assert found["age"] == n


def test_what_is_no_message_of_a_project_is_not_counted() -> None:
    broken = Entry(Message(0, 0, None, b""), problem="no envelope")
    assert arrivals_of([broken, entry(1, "p", NOW)]).of == [("p", NOW)]
