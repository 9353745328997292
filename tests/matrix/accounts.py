"""Who are the callers of the matrix to the service: which accounts and grants, and which tokens?"""

from datetime import datetime, timedelta
from uuid import UUID

import httpx

from pip_api.access.keys import load_signing_key
from pip_api.access.tokens import TokenIssuer
from pip_api.db.scopes import EVERY_FORCE
from pip_api.resources.accounts import accounts
from pip_api.resources.clients import create_client
from pip_api.resources.credentials import GOOD
from pip_api.resources.grants import grants
from tests.matrix.table import Caller
from tests.service import PEOPLE, Service

REQUEST = "the-same-request"
"""One id for every request, so that equal answers are equal in each byte."""


async def add_account(service: Service, name: str, caller: Caller) -> UUID | None:
    """An account by the name of the caller, with the grants and the flaw that the caller has; gives the credential of a
    program."""
    first, *others = caller.grants or (("force_reader", "national"),)
    if caller.person:
        known = {"kind": "person", "issuer": PEOPLE, "subject": caller.name, "name": name, "place": "national"}
        await service.create(accounts, **known)
        others = list(caller.grants)
    else:
        async with service.at_the_command_line() as call:
            await create_client(call, caller.name, name, *first)
    if caller.flaw == "expired_grant" or not caller.grants:
        grant = await service.grant_of(caller.name)
        service.clock.forward(seconds=1)
        await service.change(grants, grant["id"], valid_to=service.clock().isoformat())
    account = str((await service.account(caller.name))["id"])
    for role, place in others:
        await service.create(grants, account_id=account, role=role, place=place, reason="for a test")
    if caller.flaw == "disabled":
        await service.change(accounts, account, disabled_at=service.clock().isoformat())
    if caller.person:
        return None
    async with service.services.database.read(EVERY_FORCE) as session:
        (credential,) = await session.fetch(GOOD, account_id=UUID(account), now=service.clock())
    credential_id: UUID = credential["id"]
    return credential_id


def sign_in(service: Service, caller: Caller, credential_id: UUID | None) -> httpx.AsyncClient:
    """The caller with a token as good or bad as the caller is."""
    if caller.flaw == "anonymous":
        return service.http(**{"X-Request-Id": REQUEST})
    settings, clock = service.services.settings, service.clock

    def earlier() -> datetime:
        return clock() - timedelta(hours=2)

    issuer = TokenIssuer(
        load_signing_key(settings.signing_key_file),
        PEOPLE if caller.person else settings.issuer,
        "another-service" if caller.flaw == "wrong_audience" else settings.audience,
        settings.token_lifetime_seconds,
        earlier if caller.flaw == "expired_token" else clock,
        service.services.new_id,
    )
    scope = " ".join(caller.permissions) if caller.permissions else None
    token = issuer.issue(caller.name, caller.name, scope, credential_id)
    return service.http(**{"X-Request-Id": REQUEST, "Authorization": f"Bearer {token}"})
