"""Spools of gateways: what is in one is in no queue, so an audit that compares the queue can't be ok meanwhile."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from shared.clients.postgres import Postgres, PostgresUnavailable
from shared.queue import KAFKA
from shared.secret import text_of
from shared.spools import KnownSpool, Spools
from writer.ops.operator import Operator


async def known_spools(operator: Operator) -> Sequence[KnownSpool] | None:
    """None where Postgres can't be asked. With the embedded queue there are none."""
    if not text_of(operator.settings.services.queue_url).startswith(KAFKA):
        return ()
    postgres = Postgres(operator.settings.services.postgres_url, connections=1)
    try:
        return await Spools(postgres).all()
    except PostgresUnavailable:
        return None
    finally:
        await postgres.close()


def show_spools(spools: Sequence[KnownSpool] | None, console: Console) -> None:
    """A line for each that holds messages."""
    if spools is None:
        console.print(
            "[red]not proven:[/red] Postgres can't be asked whether gateways hold messages: see SLUICE_POSTGRES_URL",
            highlight=False,
            soft_wrap=True,
        )
    for each in spools or ():
        if each.messages:
            console.print(
                f"[red]{each.messages:,} messages in a spool[/red] of {escape(each.host)}, {escape(each.file)}: its"
                " gateway drains it when Kafka is there; of a gateway that is gone, `sluice spool drain` does",
                highlight=False,
                soft_wrap=True,
            )
