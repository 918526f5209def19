"""Letters as text for people and as JSON for programs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.json import JSON
from rich.markup import escape
from rich.table import Table

from shared.commands.common import wide_console
from shared.envelope import Undecodable, UnknownVersion, unseal
from shared.formats.base import Format
from shared.letters import Kept, raw_bytes

BYTES_SHOWN = 2_000
"""Of a message that can't be decoded."""


def listing(found: Sequence[Kept], shown: Sequence[Kept]) -> dict[str, Any]:
    """For programs: letters, gaps, and counts of everything found, shown or not."""
    return {
        "letters": [_fields(kept) for kept in shown if kept.state != "gap"],
        "gaps": [_fields(kept) for kept in shown if kept.state == "gap"],
        "counts": [
            {"topic": topic, "state": state, "reason": reason, "count": count}
            for (topic, state, reason), count in sorted(_counts(found).items())
        ],
        "total": len(found),
        "shown": len(shown),
    }


def print_listing(found: Sequence[Kept], shown: Sequence[Kept]) -> None:
    """For people: a table of letters, one of gaps, and the counts."""
    console = wide_console()
    letters, gaps = [kept for kept in shown if kept.state != "gap"], [kept for kept in shown if kept.state == "gap"]
    if letters:
        table = Table("key", "queued", "state", "reason", "tries", "bytes", "detail")
        for kept in letters:
            one = kept.letter
            story = (_when(kept.at_ms), kept.state, one.reason, str(one.attempts)) if one else ("", kept.state, "", "")
            detail = one.detail if one else kept.problem
            table.add_row(escape(kept.key), *story, f"{kept.bytes:,}", escape(_short(detail)))
        console.print(table)
    if gaps:
        table = Table("gap", "first", "last", "found", title="Taken by retention before a writer read them")
        for kept in gaps:
            if one := kept.letter:
                lane = f"{one.topic}:{one.partition}"
                table.add_row(escape(lane), f"{one.offset}", f"{one.end - 1}", _when(one.first_seen_ms))
        console.print(table)
    for (topic, state, reason), count in sorted(_counts(found).items()):
        console.print(f"{topic}: {count:,} {state} {reason if reason != state else ''}".rstrip(), highlight=False)
    if len(shown) < len(found):
        console.print(f"the newest {len(shown):,} of {len(found):,} are shown; --limit 0 shows all", highlight=False)
    if not found:
        console.print("no dead letters")


def whole(kept: Kept, formats: Mapping[str, Format]) -> dict[str, Any]:
    """For programs: one letter and its message."""
    return {**_fields(kept), **_message(kept, formats)}


def print_whole(kept: Kept, formats: Mapping[str, Format]) -> None:
    """For people: one letter and its message."""
    console = Console()
    table = Table(show_header=False)
    for name, value in _fields(kept).items():
        table.add_row(name, escape(str(value)))
    console.print(table)
    for name, value in _message(kept, formats).items():
        console.print(f"[bold]{name}[/bold]")
        if name == "message":
            console.print(escape(value), highlight=False)
        else:
            console.print(JSON(msgspec.json.encode(value).decode()))


def _message(kept: Kept, formats: Mapping[str, Format]) -> dict[str, Any]:
    """The stamp and the records, or as text what can't be decoded."""
    if kept.letter is None or not kept.letter.raw:
        return {}
    try:
        raw = raw_bytes(kept.letter)
    except ValueError as error:
        return {"message": f"what the letter keeps can't be decoded: {error}"}
    try:
        stamp, payload = unseal(raw)
        records = formats[stamp.format].codec.plain(payload)
    except (Undecodable, UnknownVersion, KeyError):
        return {"message": raw[:BYTES_SHOWN].decode(errors="backslashreplace")}
    return {"stamp": msgspec.to_builtins(stamp), "records": records}


def _fields(kept: Kept) -> dict[str, Any]:
    one = kept.letter
    if one is None:
        return {"key": kept.key, "state": kept.state, "problem": kept.problem, "bytes": kept.bytes}
    fields: dict[str, Any] = {"key": kept.key, "state": kept.state, "reason": one.reason, "detail": one.detail}
    fields |= {"topic": one.topic, "partition": one.partition, "offset": one.offset}
    if kept.state == "gap":
        return fields | {"end": one.end, "first_seen": _moment(one.first_seen_ms)}
    return fields | {
        "index": one.index,
        "queued": _moment(one.timestamp_ms),
        "first_seen": _moment(one.first_seen_ms),
        "changed": _moment(one.changed_ms),
        "attempts": one.attempts,
        "bytes": kept.bytes,
    }


def _counts(found: Sequence[Kept]) -> Counter[tuple[str, str, str]]:
    return Counter(
        (kept.lane.topic.removesuffix(".dlq"), kept.state, kept.letter.reason if kept.letter else "") for kept in found
    )


def _moment(ms: int) -> datetime | None:
    return datetime.fromtimestamp(ms / 1000, UTC) if ms else None


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
