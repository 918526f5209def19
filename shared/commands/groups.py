"""`sluice group`: consumer groups of the queue. One that is gone for good holds back the embedded queue's retention."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared import registry
from shared.commands.common import (
    AsJson,
    DataDir,
    fail,
    print_json,
    quiet,
    sentences,
    settings_beside,
    wide_console,
    with_queue,
)
from shared.queue.base import GroupInUse, Lane, Queue, UnknownGroup
from shared.queue.spool.names import GROUP_PREFIX
from shared.queue.writer_groups import WriterGroups
from shared.settings import Settings

group = typer.Typer(help="Consumer groups: list them, forget one that is gone for good.", no_args_is_help=True)


class Standing(NamedTuple):
    """A group, and how many messages of this Sluice's topics it has not committed yet."""

    name: str
    members: int
    behind: int


@group.command("list")
def list_all(as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """List the groups that read this Sluice's topics: members alive now, messages not committed yet."""
    settings = settings_beside(data_dir)
    quiet()
    with sentences():
        found = with_queue(settings, lambda queue: _standings(queue, settings))
    if as_json:
        print_json({"groups": [each._asdict() for each in found]})
        return
    table = Table("group", "members", "messages behind")
    for each in found:
        table.add_row(escape(each.name), str(each.members), f"{each.behind:,}")
    wide_console().print(table)


@group.command()
def forget(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    yes: Annotated[bool, typer.Option("--yes", help="Even if it is the group of this Sluice's writers")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Drop a group with all that it has committed. Refused while it has members."""
    settings = settings_beside(data_dir)
    groups = registry.load(settings.services.extensions, settings.topics.prefix).groups(settings.writer.group)
    if name in groups.all and not yes:
        fail(
            f"{name!r} is the group of this Sluice's writers: they would look at everything again that is still in the"
            " queue; say --yes if that is meant"
        )
    quiet()
    with sentences(GroupInUse, UnknownGroup):
        lanes = with_queue(settings, lambda queue: _left_over(queue, groups, name)) if name in groups.others else []
        if lanes and not yes:
            fail(
                f"lanes still go on from the position of {name!r}, {len(lanes)}: start their writers first, or say"
                " --yes to have them look at everything again"
            )
        with_queue(settings, lambda queue: queue.forget_group(name))
    if as_json:
        print_json({"group": name, "forgotten": True})
    else:
        Console().print(f"[green]✓[/green] group {escape(name)} is forgotten", highlight=False)


async def _left_over(queue: Queue, groups: WriterGroups, name: str) -> list[Lane]:
    return await groups.left_over(
        queue, await queue.lanes(each for each in groups.signals if groups.other(each) == name)
    )


async def _standings(queue: Queue, settings: Settings) -> list[Standing]:
    signals = registry.load(settings.services.extensions, settings.topics.prefix).with_overflow
    ends = await queue.end_offsets(await queue.lanes([signal.topic for signal in signals]))
    found = []
    for name, members in await queue.groups():
        positions = {lane: at for lane, at in (await queue.committed(name, ends)).items() if at is not None}
        if positions and not name.startswith(GROUP_PREFIX):  # else it reads other topics, or holds places in a spool
            topics = {lane.topic for lane in positions}
            missing = sum(
                max(0, end - (positions[lane].offset if lane in positions else 0))
                for lane, end in ends.items()
                if lane.topic in topics
            )
            found.append(Standing(name, members, missing))
    return found
