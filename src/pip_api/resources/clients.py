"""How does a program get an account, its first role and a secret, all in one? At the command line."""

import re
from dataclasses import replace

from sqlalchemy import bindparam, select

from pip_api.access.credentials import new_secret, secret_hash
from pip_api.access.permissions import ROLES
from pip_api.access.places import PATTERN
from pip_api.access.tables import ACCOUNT
from pip_api.db.columns import Code, to_json
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem, fault
from pip_api.kernel.call import Call
from pip_api.kernel.resource import Resource
from pip_api.kernel.verbs import change, create, find
from pip_api.kernel.writing import changes, fresh, write
from pip_api.resources.accounts import accounts
from pip_api.resources.credentials import credentials
from pip_api.resources.grants import grants

_PLACE = re.compile(PATTERN)
_BY_CLIENT_ID = Statement(
    select(ACCOUNT.c.id).where(ACCOUNT.c.client_id == bindparam("client_id", type_=Code), ACCOUNT.c.issuer.is_(None))
)


async def create_client(call: Call, client_id: str, name: str, role: str, on: str, *, needs_keys: bool = False) -> str:
    """A new program with one role; gives its secret, which is shown this once. Raises Problem."""
    if not _PLACE.fullmatch(on):
        raise _refused("on", "A place is national, region:CODE or force:CODE.")
    if role not in ROLES:
        raise _refused("role", f"The roles are: {', '.join(sorted(ROLES))}.")
    body = {"kind": "service", "name": name, "client_id": client_id, "place": on, "needs_keys": needs_keys}
    account = await _made(call, accounts, body)
    secret, id = new_secret(), str(account["id"])
    row = fresh(credentials, call, credentials.accepted({"account_id": id, "kind": "secret"}))
    row |= {"valid_from": call.now, "secret_hash": secret_hash(secret), "place": on}
    await write(credentials, call, "created", row, changes(credentials, row, None))
    reason = call.query.get("reason") or "At the command line"
    await _made(call, grants, {"account_id": id, "role": role, "place": on, "reason": reason})
    return secret


async def disable_client(call: Call, client_id: str) -> None:
    """Ends every access of a client. Raises Problem."""
    known = await call.session.one(_BY_CLIENT_ID, client_id=client_id)
    before = await find(accounts, call, str(known["id"])) if known is not None else None
    if before is None or before["disabled_at"] is not None:
        raise _refused("client_id", "There is no client with this id, or it is disabled already.")
    body = {"disabled_at": to_json(call.now).decode().strip('"'), "version": before["version"]}
    await change(accounts, replace(call, path={"id": str(before["id"])}, body=lambda: body))


async def _made(call: Call, of: Resource, body: Record) -> Record:
    made: Record = (await create(of, replace(call, body=lambda: body))).body
    return made


def _refused(option: str, detail: str) -> Problem:
    return Problem("validation_failed", detail, errors=[fault("invalid_parameter", detail, "form", parameter=option)])
