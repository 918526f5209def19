"""What a table is like, what it should be like, and the ALTERs that lead from one to the other. No I/O."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_SETTING = re.compile(r"(\w+) = ('(?:[^'\\]|\\.)*'|[^,]+)")
_TTL = re.compile(r" TTL (.*?)(?: SETTINGS |$)", re.DOTALL)

WINDOWS = ("non_replicated_deduplication_window", "replicated_deduplication_window")
"""Settings of which an operator may want more than we ask for."""

OFF_BY_DEFAULT = ("fsync_after_insert", "fsync_part_directory")
"""Settings whose absence means 0."""


_ELSEWHERE = " under another SLUICE_CLICKHOUSE_PATH, as .../{table}_2 (a renamed table keeps its place in Keeper)"


class ColumnShape(NamedTuple):
    type: str
    codec: str
    default: str = ""
    """`ALIAS expression` of a column that no row holds."""

    @property
    def ddl(self) -> str:
        return " ".join(filter(None, self))


@dataclass(frozen=True)
class Shape:
    """A table as ClickHouse's system tables describe it, so that two of them can be compared as text.

    `indexes` and `projections`: name -> definition, as after ADD INDEX and ADD PROJECTION.
    """

    engine: str
    partition_key: str
    primary_key: str
    sorting_key: str
    ttl: str
    columns: Mapping[str, ColumnShape]
    indexes: Mapping[str, str] = field(default_factory=dict)
    projections: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


class Step(NamedTuple):
    """One ALTER. `says`: what it does, for people. `destructive`: it removes something that exists. `after`: the
    projection that every part must have first. `background`: the server rewrites parts for it and isn't waited for."""

    alter: str
    says: str
    destructive: bool = False
    of_columns: bool = False
    after: str = ""
    background: bool = False


@dataclass(frozen=True)
class Derived:
    """What former versions or other settings of ours have derived from the rows: dropping it takes nothing away.

    `retired`: projection -> the one that has taken its place; `optional`: indexes that a setting chooses from;
    `unbuilt`: projections that some parts lack although nothing builds them."""

    retired: Mapping[str, str] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    unbuilt: frozenset[str] = frozenset()


class AlterPlan(NamedTuple):
    """The steps in their order, and sentences about what no step can fix. A table of another engine has no steps."""

    steps: list[Step]
    conflicts: list[str]


def plan(name: str, there: Shape, wanted: Shape, derived: Derived) -> AlterPlan:
    """How the table `name` gets from one shape to the other."""
    conflicts = list(_conflicts(name, there, wanted))
    if there.engine != wanted.engine:
        return AlterPlan([], conflicts)
    steps = [
        *column_steps(there.columns, wanted.columns),
        *_parts("INDEX", there.indexes, wanted.indexes, derived),
        *_parts("PROJECTION", there.projections, wanted.projections, derived),
        *_settings(there, wanted),
        *_ttl(there, wanted),
    ]
    return AlterPlan(steps, conflicts)


def column_steps(there: Mapping[str, ColumnShape], wanted: Mapping[str, ColumnShape]) -> Iterator[Step]:
    """How a table's columns get from one shape to the other, but for types."""
    where = "FIRST"
    for name, shape in wanted.items():
        definition = f"`{name}` {shape.ddl}"
        now = there.get(name)
        if now is None:
            yield Step(f"ADD COLUMN IF NOT EXISTS {definition} {where}", f"added the column {name}", of_columns=True)
        elif now.type == shape.type and now.default != shape.default:
            yield Step(
                f"MODIFY COLUMN {definition}", f"changed what the column {name} is computed from", of_columns=True
            )
        elif now.type == shape.type and now.codec != shape.codec:
            yield Step(f"MODIFY COLUMN {definition}", f"changed the codec of the column {name} for new parts")
        where = f"AFTER `{name}`"
    for name in there:
        if name not in wanted:
            yield Step(f"DROP COLUMN `{name}`", f"dropped the column {name}, which no signal has", True, True)


def settings_of(engine_full: str) -> dict[str, str]:
    """The settings in `system.tables.engine_full`: name -> value as written, quotes included."""
    _, _, text = engine_full.partition(" SETTINGS ")
    return dict(_SETTING.findall(text))


def ttl_of(engine_full: str) -> str:
    """The TTL expression in `system.tables.engine_full`; '' for none."""
    found = _TTL.search(engine_full)
    return found[1] if found else ""


def _conflicts(name: str, there: Shape, wanted: Shape) -> Iterator[str]:
    elsewhere = "" if wanted.engine == "MergeTree" else _ELSEWHERE
    for what in ("engine", "partition_key", "primary_key", "sorting_key"):
        is_now, should_be = getattr(there, what), getattr(wanted, what)
        if is_now != should_be:
            yield (
                f"table {name}: its {what.replace('_', ' ')} is {is_now}, it must be {should_be};"
                f" no ALTER can change that: rename the table away, migrate{elsewhere}, and copy the rows or replay"
                " them"
            )
    for column, shape in wanted.columns.items():
        if column in there.columns and there.columns[column].type != shape.type:
            yield (
                f"table {name}: column {column} is {there.columns[column].type}, it must be {shape.type};"
                f" change it yourself (ALTER TABLE {name} MODIFY COLUMN {column} {shape.type}) or rename it away"
            )


def _parts(kind: str, there: Mapping[str, str], wanted: Mapping[str, str], derived: Derived) -> Iterator[Step]:
    """Indexes and projections: both are named, derived from the rows, and rebuilt in the background."""
    word = kind.lower()
    for name, definition in wanted.items():
        # Both commands in one ALTER: added but never built for the old parts would look finished.
        build = f"MATERIALIZE {kind} `{name}`"
        add = f"ADD {kind} IF NOT EXISTS `{name}` {definition}, {build}"
        if name not in there:
            yield Step(add, f"added the {word} {name}; old parts get it in the background", background=True)
        elif there[name] != definition:
            yield Step(f"DROP {kind} `{name}`", f"dropped the old {word} {name}", True)
            yield Step(add, f"recreated the {word} {name}; old parts get it in the background", True, background=True)
        elif name in derived.unbuilt:
            yield Step(build, f"went on with the {word} {name}; old parts get it in the background", background=True)
    for name in there:
        if name not in wanted:
            yield _dropped(kind, name, derived)


def _dropped(kind: str, name: str, derived: Derived) -> Step:
    drop, says = f"DROP {kind} `{name}`", f"dropped the {kind.lower()} {name}"
    if successor := derived.retired.get(name):
        return Step(drop, f"{says}, replaced by {successor}", after=successor, background=True)
    if name in derived.optional:
        return Step(drop, f"{says}, which SLUICE_SEARCH_INDEX no longer names", background=True)
    return Step(drop, f"{says}, which no signal has", True)


def _settings(there: Shape, wanted: Shape) -> Iterator[Step]:
    for name, value in wanted.settings.items():
        now = there.settings.get(name, "0" if name in OFF_BY_DEFAULT else "")
        larger = name in WINDOWS and now.isdigit() and int(now) > int(value)
        if now != value and not larger:
            yield Step(f"MODIFY SETTING {name} = {value}", f"set {name} = {value}")


def _ttl(there: Shape, wanted: Shape) -> Iterator[Step]:
    if there.ttl != wanted.ttl:
        yield Step(f"MODIFY TTL {wanted.ttl}", f"set the TTL to {wanted.ttl}; rows past it go", True)
