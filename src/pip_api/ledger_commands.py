"""What does the command line do with the ledger? Retire a log whose time is over."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from pip_api.client_commands import with_services
from pip_api.settings import StartRefused, load

if TYPE_CHECKING:
    from pip_api.kernel.call import Services

ledger = typer.Typer(help="The ledger, for whoever operates the service.", no_args_is_help=True)

HEARD_AFTER = 2.0
"""Seconds after which every process that serves knows that a log was closed: they look each second."""


@ledger.callback()
def _group() -> None:
    """More than one command, some day: so `retire` is named."""


@ledger.command()
def retire(
    year: Annotated[int, typer.Argument(min=1, max=9998, help="The log, by its year in UTC.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
) -> None:
    """Take words and names, for good, from the entries of a log that were kept for PIP_RETENTION_YEARS. Proofs stay."""
    from pip_api.access.keys import sealing_key
    from pip_api.access.principals import system
    from pip_api.db.migrate import require_current
    from pip_api.ledger.retiring import NotRetired, close, empty
    from pip_api.ledger.sealing import Sealer

    settings, log_id = load(), f"{year:04}"
    require_current(settings)

    async def work(services: "Services") -> int:
        database, now = services.database, services.clock()
        sealer = Sealer(database, services.clock, sealing_key(settings), services.log)
        await sealer.round()
        async with database.read() as session:
            by = await system(session)
        closed = await close(database, log_id, settings.retention_years, by, now, services.new_id, reason)
        await sealer.round()  # what says that words went is sealed before they go
        await asyncio.sleep(HEARD_AFTER)
        return await empty(database, closed)

    try:
        number = with_services(settings, work)
    except NotRetired as refusal:
        raise StartRefused(str(refusal)) from refusal
    print(f"The log of {log_id} is retired: words and names went from {number:,} entries.")
