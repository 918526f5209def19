"""Prints logs as they are found: a table for people, JSON for programs."""

from collections.abc import Iterator, Sequence

from gateway.query.commands.log_rows import Log, LogRows, table_columns
from gateway.query.commands.log_search import LogSearch
from gateway.query.commands.session import NoAnswer
from gateway.query.commands.table import Table
from gateway.query.commands.terminal import Terminal
from gateway.query.commands.told import shown_from
from shared.commands.visible import json_line

MOST_HELD = 200_000_000
"""Characters of logs that are turned round, so that the newest come last."""


class LogOutput:
    """Takes logs with the newest first. It prints them at once with `newest_first`, else all at the end, the newest
    last. `whole`: messages with all of their lines."""

    def __init__(
        self, terminal: Terminal, search: LogSearch, *, newest_first: bool, whole: bool, as_json: bool
    ) -> None:
        self._terminal = terminal
        self._newest_first = newest_first
        self._as_json = as_json
        self._table = Table(terminal, table_columns(search.columns, terminal.width), whole=whole)
        self._rows = LogRows(search.columns, shown_from(search.range), whole=whole)
        self._titled = as_json or terminal.width is None
        self._held: list[Log] = []
        self._held_characters = 0

    def add(self, logs: Sequence[Log]) -> None:
        """Raises `NoAnswer` where there is too much to turn round."""
        if self._newest_first:
            self.print(logs)
            return
        self._held += logs
        self._held_characters += sum(len(log.json) for log in logs)
        if self._held_characters > MOST_HELD:
            raise NoAnswer("too much to turn round: ask for fewer with --limit, or say --newest-first")

    def finish(self) -> None:
        """Print what was held."""
        held, self._held, self._held_characters = self._held[::-1], [], 0
        self.print(held)

    def print(self, logs: Sequence[Log]) -> None:
        """In this order."""
        if logs:
            self._terminal.write(self._json(logs) if self._as_json else self._lines(logs))

    def _json(self, logs: Sequence[Log]) -> Iterator[str]:
        return (json_line(log.json) for log in logs)

    def _lines(self, logs: Sequence[Log]) -> Iterator[str]:
        rows = [self._rows.row(log) for log in logs]
        if not self._titled:
            self._titled = True
            yield self._table.header(rows)
        yield from self._table.lines(rows)
