"""What rules would make of the errors that a project has stored. Reads ClickHouse, changes nothing."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any, Final

import msgspec

from shared.clients.clickhouse import ClickHouse
from shared.fingerprint import fingerprint
from shared.fingerprint.rules import Facts, Rules
from shared.formats import proliferate_errors
from shared.formats.sentry import errors as sentry_errors
from shared.formats.sentry.event import client_list_in, grouped_as
from shared.secret import AnyUrl
from shared.signals.errors import SIGNAL as ERRORS

MOST_ERRORS: Final = 100_000
"""Some seconds of work for each 50,000."""

_BLOCK_ROWS = 256
"""Rows that are held at once: a stack may be hundreds of kilobytes."""

_EXAMPLE = 80


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Errors that would go from one group to another. `rule`: '' where a rule of now would not decide any more."""

    errors: int
    source: str
    target: str
    rule: str
    example: str


class Trial(msgspec.Struct, kw_only=True):
    """What would become of the errors. Merges of groups don't count here."""

    looked_at: int = 0
    is_cut: bool = False
    """There are more errors than were looked at."""
    moved: int = 0
    groups_now: int = 0
    groups_then: int = 0
    moves: list[Move] = []
    """The largest first."""


def tried(clickhouse_url: AnyUrl, project_id: str, rules: Rules, last: timedelta) -> Trial:
    """Group the errors of a project that were received within `last` by these rules. Raises `ClickHouseError`."""
    counted: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], str] = {}
    trial = Trial()
    with closing(ClickHouse(clickhouse_url, settings={"readonly": 2, "max_block_size": _BLOCK_ROWS})) as clickhouse:
        for stored, *row in _errors(clickhouse, project_id, last):
            if trial.looked_at == MOST_ERRORS:
                trial.is_cut = True
                break
            trial.looked_at += 1
            target, rule, example = grouped(rules, *row)
            counted[stored, target, rule] += 1
            examples.setdefault((stored, target, rule), example)
    trial.groups_now, trial.groups_then = (len({move[end] for move in counted}) for end in (0, 1))
    trial.moves = [
        Move(errors=n, source=source, target=target, rule=rule, example=examples[source, target, rule])
        for (source, target, rule), n in counted.most_common()
        if source != target
    ]
    trial.moved = sum(move.errors for move in trial.moves)
    return trial


def _errors(clickhouse: ClickHouse, project_id: str, last: timedelta) -> Iterator[tuple[Any, ...]]:
    return clickhouse.stream(
        "SELECT fingerprint, fingerprint_version, format, type, error_message, stack_trace, release,"  # noqa: S608 - our name
        f" if(format = '{sentry_errors.FORMAT.name}', JSONExtractRaw(attributes, 'fingerprint'), '')"
        f" FROM `{clickhouse.database}`.`{ERRORS.table.name}`"
        " WHERE project_id = %(project)s AND received_at > now64(6) - toIntervalSecond(%(seconds)s)"
        " LIMIT %(most)s",
        {"project": project_id, "seconds": int(last.total_seconds()), "most": MOST_ERRORS + 1},
    )


def grouped(
    rules: Rules, version: int, wire_format: str, kind: str, message: str, stack: str, release: str, client_list: str
) -> tuple[str, str, str]:
    """(fingerprint, name of the rule that decided, example) of a row. `client_list`: JSON, '' for none."""
    example = f"{kind}: {message}".partition("\n")[0][:_EXAMPLE]
    if wire_format == proliferate_errors.FORMAT.name:
        message = proliferate_errors.said(kind, message)
    elif wire_format == sentry_errors.FORMAT.name:
        message, stack = grouped_as(kind, message, stack)
    facts = Facts(message, stack, release)
    rule = rules.first(facts)
    if rule is None:
        said = client_list_in(msgspec.Raw(client_list.encode()))
        return fingerprint(version, message, stack, said=said).hash, "", example
    return rules.outcome(rule, facts)[0], rule.name, example
