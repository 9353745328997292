"""Who are the callers of the matrix to the service: which accounts and grants, and which tokens?"""

from datetime import datetime, timedelta

import httpx
from sqlalchemy import bindparam, update

from pip_api.access.clients import CLIENT, INSERT_GRANT, Grant
from pip_api.access.keys import load_signing_key
from pip_api.access.principals import system
from pip_api.access.tokens import TokenIssuer
from pip_api.db.columns import Instant, Uid
from pip_api.db.statements import Statement, column_of
from pip_api.kernel.call import Call
from pip_api.resources.clients import Place, create_client, disable_client
from tests.matrix.table import Caller
from tests.service import Service

REQUEST = "the-same-request"
"""One id for every request, so that equal answers are equal in each byte."""
_END = Statement(
    update(Grant)
    .where(column_of(Grant, "client_id") == bindparam("of", type_=Uid()))
    .values(valid_to=bindparam("at", type_=Instant()))
)


async def add_account(service: Service, name: str, caller: Caller) -> None:
    """An account by the name of the caller, with the grants and the flaw that the caller has."""
    async with service.services.database.transaction() as session:
        call = Call(service.services, session, system(()), "tests", query={"reason": "for a test"})
        first = caller.grants[0] if caller.grants else ("force_reader", "national")
        await create_client(call, caller.name, name, first[0], Place.parse(first[1]))
        client = await session.one(CLIENT, client_id=caller.name)
        assert client is not None
        for role, on in caller.grants[1:]:
            place = Place.parse(on)
            grant = {"id": service.services.new_id(), "client_id": client["id"], "role": role, "scope": place.scope}
            times = {"valid_from": service.clock(), "valid_to": None, "entry_id": client["entry_id"]}
            await session.run(INSERT_GRANT, **grant, **times, scope_code=place.code, granted_by="tests", reason="")
        if caller.flaw == "expired_grant" or not caller.grants:
            await session.run(_END, of=client["id"], at=service.clock())
        if caller.flaw == "disabled":
            await disable_client(call, caller.name)


def sign_in(service: Service, caller: Caller) -> httpx.AsyncClient:
    """The caller with a token as good or bad as the caller is."""
    if caller.flaw == "anonymous":
        return service.http(**{"X-Request-Id": REQUEST})
    settings, clock = service.services.settings, service.clock

    def earlier() -> datetime:
        return clock() - timedelta(hours=2)

    issuer = TokenIssuer(
        load_signing_key(settings.signing_key_file),
        settings.issuer,
        "another-service" if caller.flaw == "wrong_audience" else settings.audience,
        settings.token_lifetime_seconds,
        earlier if caller.flaw == "expired_token" else clock,
        service.services.new_id,
    )
    scope = " ".join(caller.permissions) if caller.permissions else None
    token = issuer.issue(caller.name, caller.name, scope)
    return service.http(**{"X-Request-Id": REQUEST, "Authorization": f"Bearer {token}"})
