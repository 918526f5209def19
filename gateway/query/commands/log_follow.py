"""Logs as they come (reading.md, "Tail")."""

from collections.abc import Iterator
from dataclasses import replace
from math import inf

from gateway.query.as_of import AsOf
from gateway.query.commands.log_output import LogOutput
from gateway.query.commands.log_rows import read_logs
from gateway.query.commands.log_search import LogSearch
from gateway.query.commands.session import Session
from gateway.query.commands.terminal import Terminal
from gateway.query.logs.tail.follow import News, Tail, follow
from gateway.query.logs.tail.poll import LeftOut
from gateway.query.tails import Tails
from gateway.query.times import format_time


async def follow_logs(
    session: Session, search: LogSearch, since: AsOf | None, output: LogOutput, terminal: Terminal
) -> None:
    """Print what comes after a state, or after now where it isn't known, until Ctrl-C."""
    query, tails = replace(search.query, start=None, end=None, as_of=None), Tails()
    tail = Tail(session.reader, session.complete, tails, session.project_id, query, since)
    reason = ""
    async for news in follow(tail, tails, inf):
        output.print(read_logs(b",".join(log.json for log in news.logs)))
        for sentence in _told(news, reason):
            terminal.say(sentence, "note")
        reason = news.reason


def _told(news: News, reason_before: str) -> Iterator[str]:
    """What there is to say of this poll."""
    if news.left_out is not None:
        yield _left_out(news.left_out)
    for lane in news.recreated:
        yield f"{lane.topic}:{lane.partition} was created again: around now logs may be missing, or come twice"
    if news.reason != reason_before:
        yield news.reason or "it goes on"


def _left_out(left_out: LeftOut) -> str:
    count = "older logs" if left_out.count is None else f"{left_out.count:,} more"
    return f"{count} came than are shown: --start {format_time(left_out.start)} --end {format_time(left_out.end)}"
