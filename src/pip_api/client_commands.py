"""What does the command line do with clients? Make them, give them new secrets, end their access."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pip_api.access.permissions import ROLES, is_for_people
from pip_api.settings import Settings, StartRefused, load

if TYPE_CHECKING:
    from pip_api.kernel.call import Call, Services

_OF_PROGRAMS = sorted(role for role, permissions in ROLES.items() if not any(map(is_for_people, permissions)))
clients = typer.Typer(help="The programs that may use the service.", no_args_is_help=True)


def with_services(settings: Settings, work: "Callable[[Services], Awaitable[Any]]") -> Any:
    """Runs something that needs the database, without serving."""
    from pip_api.app import create_services

    async def run() -> Any:
        services = create_services(settings)
        await services.database.open()
        try:
            return await work(services)
        finally:
            await services.database.close()

    return asyncio.run(run())


@clients.command("create")
def create_client(
    client_id: Annotated[str, typer.Argument(help="How it will call itself, such as as-performance-mart.")],
    role: Annotated[str, typer.Option(help=f"One of: {', '.join(_OF_PROGRAMS)}.")],
    on: Annotated[str, typer.Option(help="Where: national, region:CODE or force:CODE.")],
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
    needs_keys: Annotated[
        bool, typer.Option("--needs-keys", help="Refuse its changes that come without an Idempotency-Key.")
    ] = False,
) -> None:
    """Make a client with a role, in the database of PIP_DATABASE_URL, and print its secret, shown this once."""
    from pip_api.resources.clients import create_client

    print(
        asked(reason, lambda call: create_client(call, client_id, name or client_id, role, on, needs_keys=needs_keys))
    )


@clients.command("disable")
def disable_client(
    client_id: Annotated[str, typer.Argument(help="The client's id.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
) -> None:
    """End every access of a client; its tokens stop within PIP_ACCESS_MEMORY_SECONDS."""
    from pip_api.resources.enrolment import disable

    asked(reason, lambda call: disable(call, client_id))
    print(f"The client {client_id} is disabled.")


def create_clients(settings: Settings, wanted: Mapping[str, tuple[str, str, str]], reason: str) -> dict[str, str]:
    """Clients by id, each with its name, role and place; gives their secrets. All are made, or none."""
    from pip_api.resources.clients import create_client

    async def make(call: "Call") -> dict[str, str]:
        return {id: await create_client(call, id, *told) for id, told in wanted.items()}

    made: dict[str, str] = as_system(settings, reason, make)
    return made


def asked(reason: str, story: "Callable[[Call], Awaitable[Any]]") -> Any:
    """Runs what a command asks for in the database of the settings. Raises StartRefused."""
    from pip_api.db.migrate import require_current

    settings = load()
    require_current(settings)
    return as_system(settings, reason, story)


def as_system(settings: Settings, reason: str, story: "Callable[[Call], Awaitable[Any]]") -> Any:
    """Runs a story as the service itself, in one transaction. Raises StartRefused in the words of its refusal."""
    from pip_api.access.principals import system
    from pip_api.db.scopes import EVERY_FORCE
    from pip_api.http.problems import Problem
    from pip_api.kernel.call import Call

    async def work(services: "Services") -> Any:
        async with services.database.transaction(EVERY_FORCE) as session:
            by = await system(session)
            return await story(Call(services, session, by, "pip-api-client", query={"reason": reason}))

    try:
        return with_services(settings, work)
    except Problem as problem:
        told = [each["detail"] for each in problem.errors if problem.status == 422] or [problem.detail]
        raise StartRefused(" ".join(dict.fromkeys(told))) from problem


@clients.command("rotate")
def rotate_client(
    client_id: Annotated[str, typer.Argument(help="The client's id.")],
    days: Annotated[int, typer.Option(min=0, max=30, help="Days that its other credentials are still good.")] = 7,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
) -> None:
    """Print a new secret of a client, shown this once; its other credentials end in some days at the latest."""
    from pip_api.resources.clients import rotate_client

    print(asked(reason, lambda call: rotate_client(call, client_id, days)))


@clients.command("revoke")
def revoke_client(
    client_id: Annotated[str, typer.Argument(help="The client's id.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
) -> None:
    """End every credential of a client, and its tokens with them. `rotate` gives it a new one."""
    from pip_api.resources.clients import revoke_client

    number = asked(reason, lambda call: revoke_client(call, client_id))
    print(f"{number} credential{'' if number == 1 else 's'} of {client_id} revoked.")
