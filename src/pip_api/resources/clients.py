"""Which programs are clients of the service, with which roles where? Made at the command line, noted in the ledger."""

import re
from dataclasses import dataclass
from uuid import UUID

from pip_api.access.clients import (
    CLIENT,
    DISABLE_CLIENT,
    INSERT_CLIENT,
    INSERT_GRANT,
    Scope,
    new_secret,
    secret_hash,
)
from pip_api.access.permissions import ROLES
from pip_api.db.errors import Conflict
from pip_api.db.statements import Record
from pip_api.http.problems import Problem, fault
from pip_api.kernel.call import Call
from pip_api.ledger import entries
from pip_api.resources.forces import forces
from pip_api.resources.regions import regions

_CLIENT_ID = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")  # HTTP Basic ends the id at the first colon


@dataclass(frozen=True)
class Place:
    """Where a role is held: 'national', 'region:south-west' or 'force:avon-and-somerset'."""

    scope: Scope
    code: str | None

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Raises Problem for anything else."""
        scope, _, code = text.partition(":")
        if scope == "national" and not code:
            return cls("national", None)
        if scope == "region" and code:
            return cls("region", code)
        if scope == "force" and code:
            return cls("force", code)
        raise _refused("on", "A place is national, region:CODE or force:CODE.")


async def create_client(
    call: Call, client_id: str, name: str, role: str, place: Place, *, needs_keys: bool = False
) -> str:
    """A new client with one role; gives its secret, which is shown this once. Raises Problem."""
    if not _CLIENT_ID.fullmatch(client_id):
        detail = "A client's id is written in lower case letters, digits, and single dots, hyphens or underscores."
        raise _refused("client_id", detail)
    if role not in ROLES:
        raise _refused("role", f"The roles are: {', '.join(sorted(ROLES))}.")
    if place.scope != "national":
        resource = regions if place.scope == "region" else forces
        if not await call.session.fetch(resource.lookup("code"), names=[place.code], forces=()):
            raise _refused("on", f"There is no {place.scope} with this code.")
    secret, id, entry_id = new_secret(), call.new_id(), call.new_id()
    client = {
        "id": id,
        "client_id": client_id,
        "name": name,
        "created_at": call.now,
        "disabled_at": None,
        "needs_keys": needs_keys,
    }
    try:
        await call.session.run(INSERT_CLIENT, **client, entry_id=entry_id, secret_hash=secret_hash(secret))
    except Conflict as conflict:
        raise _refused("client_id", "There is a client with this id already.", "duplicate_reference") from conflict
    grant = {
        "id": call.new_id(),
        "client_id": id,
        "role": role,
        "scope": place.scope,
        "scope_code": place.code,
        "valid_from": call.now,
        "valid_to": None,
        "granted_by": call.by.name,
        "reason": call.query.get("reason", ""),
    }
    await call.session.run(INSERT_GRANT, **grant, entry_id=entry_id)
    await _note(call, "client.created", entry_id, 1, {**client, "grants": [grant]})
    return secret


async def disable_client(call: Call, client_id: str) -> None:
    """Ends every access of a client, for good. Raises Problem."""
    client = await call.session.one(CLIENT, client_id=client_id)
    if client is None or client["disabled_at"] is not None:
        raise _refused("client_id", "There is no client with this id, or it is disabled already.")
    entry_id = call.new_id()
    await call.session.run(DISABLE_CLIENT, of_id=client["id"], disabled_at=call.now, entry_id=entry_id)
    shown = {name: client[name] for name in ("id", "client_id", "name", "created_at", "needs_keys")}
    await _note(call, "client.disabled", entry_id, 2, {**shown, "disabled_at": call.now})


async def _note(call: Call, act: str, entry_id: UUID, version: int, client: Record) -> None:
    noted = entries.entry(
        call.occasion(),
        id=entry_id,
        act=act,
        subject_id=client["id"],
        subject_ref=client["client_id"],
        version=version,
        force_code=None,
        state=client,
        patch=[],
    )
    await call.record(noted)


def _refused(option: str, detail: str, code: str = "invalid_parameter") -> Problem:
    return Problem("validation_failed", detail, errors=[fault(code, detail, "form", parameter=option)])
