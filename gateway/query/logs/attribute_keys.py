"""Which attributes the newest logs have (reading.md, "Keys of attributes")."""

import asyncio

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.bounded import MAX_PAGE_BYTES, Bounded
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.key_tally import Key, KeyTally
from gateway.query.logs.newest import NEWEST_FIRST, Looked, sample
from gateway.query.logs.plan import BUDGET, parse_budget
from gateway.query.parameters import Parameters
from gateway.query.question import Question
from gateway.query.reader import Reader, Rows
from gateway.query.shape import Time
from gateway.query.source import Source
from gateway.query.stored import text_of
from gateway.query.times import format_time


class AttributeKeys(msgspec.Struct, frozen=True):
    """The keys that most logs have come first. `sampled`: how many logs were looked at, all that there are from
    `searched_to` on. `left_out`: whether there are more keys."""

    fields: list["AttributeKey"]
    left_out: bool
    sampled: int
    searched_to: Time


class AttributeKey(msgspec.Struct, frozen=True):
    """`key`: as in `attr.<key>`. `share`: of the logs of the sample, those that `attr.<key>:*` finds. `types`: those of
    JSON, the most common first. `distinct`: how many texts, numbers, and booleans; `examples`: some of them."""

    key: str
    share: float
    types: list[str]
    distinct: int
    examples: list[str]


class KeysQuery(msgspec.Struct, frozen=True):
    asked: Asked
    budget: int


def parse_keys(given: Parameters) -> KeysQuery:
    """Raises `BadQuery`."""
    query = KeysQuery(parse_asked(given, LANGUAGE), parse_budget(given))
    given.finish()
    return query


async def find_keys(reader: Reader, project_id: str, query: KeysQuery) -> AttributeKeys:
    """Raises `TooBig`, `Unavailable`."""
    looking = _Looking(reader)
    sampled = await sample(reader, project_id, query.asked, looking.look, query.budget)

    def answer() -> AttributeKeys:
        ranked = sorted(looking.tally.keys.items(), key=lambda pair: (-pair[1].types.total(), pair[0]))
        fields = [_field(name, key, sampled.rows) for name, key in ranked]
        return AttributeKeys(fields, looking.tally.left_out, sampled.rows, format_time(sampled.searched_to))

    return await asyncio.to_thread(answer)


def _field(name: str, key: Key, rows: int) -> AttributeKey:
    types = sorted(key.types, key=lambda kind: (-key.types[kind], kind))
    return AttributeKey(name, key.types.total() / rows, types, key.distinct, key.examples)


class _Looking:
    """Tallies attributes, of all steps as many as fit into a page."""

    def __init__(self, reader: Reader) -> None:
        self.tally = KeyTally()
        self._reader = reader
        self._size = 0

    async def look(self, source: Source, most: int) -> Looked:
        values = ["attributes", "toUnixTimestamp64Micro(timestamp)"]
        newest = Bounded(values, large=[0], source=f"{source.sql} {NEWEST_FIRST}", by=[1], most=MAX_PAGE_BYTES)
        return await newest.read(
            self._reader,
            lambda rows: self._take(rows, most),
            source.values | {"rows": most},
            project_id=source.project_id,
            settings=source.settings,
        )

    def _take(self, rows: Rows, most: int) -> Looked:
        texts = [attributes for attributes, *_ in rows]
        self._size += sum(map(len, texts))
        self.tally.add(text_of(attributes) for attributes in texts if attributes)
        is_full = rows and (rows[0][-1] > len(rows) or len(rows) >= most or self._size >= MAX_PAGE_BYTES)
        return Looked(len(rows), rows[-1][1] if is_full else None)


ATTRIBUTE_KEYS = Question(
    "/logs/fields",
    "Which attributes logs have",
    parse_keys,
    find_keys,
    AttributeKeys,
    {"budget": BUDGET},
)
