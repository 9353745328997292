"""The command line of access: make the account of a person, give roles, and end them. The first of all come so."""

from typing import Annotated

import typer

from pip_api.access.permissions import ROLES
from pip_api.client_commands import as_system
from pip_api.settings import load

accounts = typer.Typer(help="The people who may use the service.", no_args_is_help=True)
grants = typer.Typer(help="The roles that people and programs hold.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A client's id; or a person's subject, with --issuer.")]
Issuer = Annotated[str, typer.Option(help="The issuer that vouches for a person.")]
Role = Annotated[str, typer.Option(help=f"One of: {', '.join(sorted(ROLES))}.")]
On = Annotated[str, typer.Option(help="Where: national, region:CODE or force:CODE.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the ledger.")]


@accounts.command("create")
def create_account(
    subject: Annotated[str, typer.Argument(help="How the issuer calls the person (the sub of its tokens).")],
    issuer: Issuer,
    name: Annotated[str, typer.Option(help="What people call the person.")],
    on: On = "national",
    reason: Reason = "",
) -> None:
    """Make the account of a person, who holds no role yet."""
    from pip_api.db.migrate import require_current
    from pip_api.resources.enrolment import create_person

    settings = load()
    require_current(settings)
    as_system(settings, reason, lambda call: create_person(call, issuer, subject, name, on))
    print(f"{name} has an account. Give it a role with: pip-api grant create")


@grants.command("create")
def create_grant(name: Name, role: Role, on: On, issuer: Issuer = "", reason: Reason = "") -> None:
    """Give a role, such as access_admin to the person who is to give all others."""
    from pip_api.db.migrate import require_current
    from pip_api.resources.enrolment import grant

    settings = load()
    require_current(settings)
    as_system(settings, reason, lambda call: grant(call, name, issuer or None, role, on))
    print(f"{name} holds {role} on {on}.")


@grants.command("end")
def end_grant(name: Name, role: Role, on: On, issuer: Issuer = "", reason: Reason = "") -> None:
    """End a role; it is gone within PIP_ACCESS_MEMORY_SECONDS."""
    from pip_api.db.migrate import require_current
    from pip_api.resources.enrolment import end_grant

    settings = load()
    require_current(settings)
    as_system(settings, reason, lambda call: end_grant(call, name, issuer or None, role, on))
    print(f"{name} no longer holds {role} on {on}.")
