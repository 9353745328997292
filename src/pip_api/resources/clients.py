"""Which programs are clients of the service, with which roles where? Made at the command line, noted in the ledger."""

import re
from dataclasses import dataclass
from uuid import UUID

from pip_api.access.clients import INSERT_CLIENT, INSERT_GRANT, Scope, new_secret, secret_hash
from pip_api.access.permissions import ROLES
from pip_api.db.errors import Conflict
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


async def create_client(call: Call, client_id: str, name: str, role: str, place: Place) -> str:
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
    secret, id = new_secret(), call.new_id()
    client = {"id": id, "client_id": client_id, "name": name, "created_at": call.now, "disabled_at": None}
    try:
        await call.session.run(INSERT_CLIENT, **client, secret_hash=secret_hash(secret))
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
    await call.session.run(INSERT_GRANT, **grant)
    await _note(call, "client.created", id, client_id, {**client, "grants": [grant]})
    return secret


async def _note(call: Call, act: str, id: UUID, client_id: str, state: dict[str, object]) -> None:
    await entries.record(
        call.session,
        entries.entry(
            call.occasion(),
            id=call.new_id(),
            act=act,
            subject_id=id,
            subject_ref=client_id,
            version=1,
            force_code=None,
            state=state,
            patch=[],
        ),
    )


def _refused(option: str, detail: str, code: str = "invalid_parameter") -> Problem:
    return Problem("validation_failed", detail, errors=[fault(code, detail, "form", parameter=option)])
