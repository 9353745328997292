"""How does a program get an account, its first role and a secret, all in one, and others later? At the command line."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from pip_api.access.permissions import ROLES
from pip_api.access.places import PATTERN
from pip_api.db.statements import Record
from pip_api.kernel.call import Call
from pip_api.kernel.verbs import withdraw
from pip_api.resources.accounts import accounts
from pip_api.resources.credential_operations import issue, shorten
from pip_api.resources.credentials import GOOD, LONGEST, credentials
from pip_api.resources.enrolment import account_of, grant, made, refused, written

_PLACE = re.compile(PATTERN)


async def create_client(call: Call, client_id: str, name: str, role: str, on: str, *, needs_keys: bool = False) -> str:
    """A new program with one role; gives its secret, which is shown this once. Raises Problem."""
    if not _PLACE.fullmatch(on):
        raise refused("on", "A place is national, region:CODE or force:CODE.")
    if role not in ROLES:
        raise refused("role", f"The roles are: {', '.join(sorted(ROLES))}.")
    body = {"kind": "service", "name": name, "client_id": client_id, "place": on, "needs_keys": needs_keys}
    account = await made(call, accounts, body)
    secret = await _secret(call, account["id"])
    await grant(call, client_id, "", role, on)
    return secret


async def rotate_client(call: Call, client_id: str, days: int) -> str:
    """A new secret for a program, whose other credentials end in some days at the latest. Raises Problem."""
    account_id, good = await _good(call, client_id)
    secret = await _secret(call, account_id)
    for each in good:
        await shorten(call, each, call.now + timedelta(days=days))
    return secret


async def revoke_client(call: Call, client_id: str) -> int:
    """Revokes every credential of a program, with the tokens that were got with them; gives their number."""
    _, good = await _good(call, client_id)
    for each in good:
        await withdraw(credentials, replace(call, path={"id": str(each["id"])}, if_match="*"))
    return len(good)


async def _account_id(call: Call, client_id: str) -> UUID:
    id = await account_of(call, client_id)
    if id is None:
        raise refused("client_id", "There is no client with this id.")
    return id


async def _good(call: Call, client_id: str) -> tuple[UUID, list[Record]]:
    """The id of a program's account, and the credentials that are good."""
    id = await _account_id(call, client_id)
    return id, await call.session.fetch(GOOD, account_id=id, now=call.now)


async def _secret(call: Call, account_id: UUID) -> str:
    body = {"account_id": str(account_id), "kind": "secret", "expires_at": written(call.now + LONGEST)}
    answer = await issue(replace(call, body=lambda: body))
    return str(answer.body["secret"])
