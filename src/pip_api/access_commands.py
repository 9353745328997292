"""What does the command line do with access? It makes accounts of people, gives roles, and ends them."""

import sys
from typing import Annotated

import typer

from pip_api.access.permissions import ROLES, is_for_people
from pip_api.client_commands import asked
from pip_api.settings import load

accounts = typer.Typer(help="The people who may use the service.", no_args_is_help=True)
grants = typer.Typer(help="The roles that people and programs hold.", no_args_is_help=True)

_OF_PEOPLE = sorted(role for role, permissions in ROLES.items() if any(map(is_for_people, permissions)))

Name = Annotated[
    str, typer.Argument(help="A client's id; or a person's subject (the sub of its tokens), with --issuer.")
]
Subject = Annotated[str, typer.Argument(help="How the issuer calls the person (the sub of its tokens).")]
Issuer = Annotated[str, typer.Option(help="For a person: the issuer that vouches for it, as PIP_ISSUERS names it.")]
Role = Annotated[
    str, typer.Option(help=f"One of: {', '.join(sorted(ROLES))}. Only people hold {', '.join(_OF_PEOPLE)}.")
]
On = Annotated[str, typer.Option(help="Where: national, region:CODE or force:CODE.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the ledger.")]


@accounts.command("create")
def create_account(
    subject: Subject,
    name: Annotated[str, typer.Option(help="What people call the person.")],
    issuer: Issuer = "",
    on: On = "national",
    reason: Reason = "",
) -> None:
    """Make the account of a person, who holds no role yet: `pip-api grant create` gives one."""
    from pip_api.resources.enrolment import create_person

    asked(reason, lambda call: create_person(call, issuer, subject, name, on))
    print(
        f"{name} has an account. Give it a role: pip-api grant create {subject} --issuer {issuer} --role ... --on {on}"
    )
    if not load().issuers:
        warning = "PIP_ISSUERS names nobody yet: until it names this issuer, the person cannot sign in."
        print(f"pip-api: {warning}", file=sys.stderr)


@accounts.command("disable")
def disable_account(subject: Subject, issuer: Issuer, reason: Reason = "") -> None:
    """End every access of a person, also with the tokens that there are, within PIP_ACCESS_MEMORY_SECONDS."""
    from pip_api.resources.enrolment import disable

    asked(reason, lambda call: disable(call, subject, issuer))
    print(f"The account of {subject} is disabled.")


@grants.command("create")
def create_grant(name: Name, role: Role, on: On, issuer: Issuer = "", reason: Reason = "") -> None:
    """Give a role, such as access_admin to the person who is to give all others, or auditor to who reads the ledger.

    One gives only what one holds: whoever has access_admin alone can end every role and give none but that one. So give
    the first one the roles that it is to hand out as well.
    """
    from pip_api.resources.enrolment import grant

    asked(reason, lambda call: grant(call, name, issuer, role, on))
    print(f"{name} holds {role} on {on}.")


@grants.command("end")
def end_grant(name: Name, role: Role, on: On, issuer: Issuer = "", reason: Reason = "") -> None:
    """End a role; it is gone within PIP_ACCESS_MEMORY_SECONDS."""
    from pip_api.resources.enrolment import end_grant

    asked(reason, lambda call: end_grant(call, name, issuer, role, on))
    print(f"{name} no longer holds {role} on {on}.")
