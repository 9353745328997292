"""How does a person get an account, and anybody a role, before somebody may give it? At the command line."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select

from pip_api.access.tables import ACCOUNT, GRANT
from pip_api.db.columns import Code, to_json
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem, fault
from pip_api.kernel.call import Call
from pip_api.kernel.resource import Resource
from pip_api.kernel.verbs import change, create, find, withdraw
from pip_api.resources.accounts import accounts
from pip_api.resources.grants import grants

_PERSON = Statement(
    select(ACCOUNT.c.id).where(
        ACCOUNT.c.issuer == bindparam("issuer", type_=Code), ACCOUNT.c.subject == bindparam("name", type_=Code)
    )
)
_PROGRAM = Statement(select(ACCOUNT.c.id).where(ACCOUNT.c.client_id == bindparam("name", type_=Code)))
_HELD = Statement(
    select(GRANT.c.id).where(
        GRANT.c.account_id == bindparam("account_id", type_=GRANT.c.account_id.type),
        GRANT.c.role == bindparam("role"),
        GRANT.c.place == bindparam("place", type_=Code),
        GRANT.c.withdrawn_at.is_(None),
    )
)


async def create_person(call: Call, issuer: str, subject: str, name: str, place: str) -> Record:
    """An account of a person, who holds nothing yet. Raises Problem.

    Of an issuer that is not named nobody can sign in; before any is, accounts can be made all the same.
    """
    if not issuer:
        raise refused("issuer", f"Say with --issuer who vouches for the person: {_issuers(call)}.")
    named = [each.issuer for each in call.services.settings.issuers]
    if named and issuer not in named:
        raise refused("issuer", f"The issuer has to be one of these, letter by letter: {_issuers(call)}.")
    body = {"kind": "person", "name": name, "issuer": issuer, "subject": subject, "place": place}
    return await made(call, accounts, body)


async def grant(call: Call, name: str, issuer: str, role: str, place: str) -> Record:
    """A role for a program, by its client id, or for a person of an issuer. Raises Problem."""
    account = await _account(call, name, issuer)
    reason = call.query.get("reason") or "At the command line"
    return await made(call, grants, {"account_id": str(account), "role": role, "place": place, "reason": reason})


async def end_grant(call: Call, name: str, issuer: str, role: str, place: str) -> None:
    """Ends a role at a place, however often it was granted. Raises Problem."""
    account = await _account(call, name, issuer)
    held = await call.session.fetch(_HELD, account_id=account, role=role, place=place)
    if not held:
        raise refused("role", "This role is not held there.")
    for each in held:
        await withdraw(grants, replace(call, path={"id": str(each["id"])}, if_match="*"))


async def disable(call: Call, name: str, issuer: str = "") -> None:
    """Ends every access of a program, or of a person of an issuer. Raises Problem."""
    before = await find(accounts, call, str(await _account(call, name, issuer)))
    if before["disabled_at"] is not None:
        raise refused("name", "The account is disabled already.")
    body = {"disabled_at": written(call.now), "version": before["version"]}
    await change(accounts, replace(call, path={"id": str(before["id"])}, body=lambda: body))


def written(moment: datetime) -> str:
    """As a body has it."""
    return to_json(moment).decode().strip('"')


async def account_of(call: Call, name: str, issuer: str = "") -> UUID | None:
    """The account of a person of an issuer, or of a program, if there is such a one."""
    if issuer:
        found = await call.session.one(_PERSON, name=name, issuer=issuer)
    else:
        found = await call.session.one(_PROGRAM, name=name)
    return None if found is None else found["id"]


async def made(call: Call, of: Resource, body: Record) -> Record:
    """The row that a body makes. Raises Problem."""
    row: Record = (await create(of, replace(call, body=lambda: body))).body
    return row


def refused(option: str, detail: str) -> Problem:
    """The refusal of one option of a command."""
    return Problem("validation_failed", detail, errors=[fault("invalid_parameter", detail, "form", parameter=option)])


async def _account(call: Call, name: str, issuer: str) -> UUID:
    id = await account_of(call, name, issuer)
    if id is not None:
        return id
    if issuer:
        raise refused("name", "There is no account of this name at this issuer.")
    raise refused("name", f"There is no program of this name; for a person say --issuer too: {_issuers(call)}.")


def _issuers(call: Call) -> str:
    named = [each.issuer for each in call.services.settings.issuers]
    return f"PIP_ISSUERS names {', '.join(named)}" if named else "PIP_ISSUERS names none yet"
