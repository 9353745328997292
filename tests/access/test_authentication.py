"""Whose request is it, and for how long does the service believe so?"""

from datetime import datetime

import httpx
from sqlalchemy import bindparam, update

from pip_api.access.clients import Grant, ServiceClient
from pip_api.access.keys import load_signing_key
from pip_api.access.tokens import TokenIssuer
from pip_api.db.columns import Instant
from pip_api.db.statements import Statement
from tests.plans import AVON
from tests.service import Service, refused

CHALLENGE = 'Bearer realm="pip_api"'

_DISABLE = Statement(update(ServiceClient).values(disabled_at=bindparam("at", type_=Instant())))
_END = Statement(update(Grant).values(valid_to=bindparam("at", type_=Instant())))
_BEGIN = Statement(update(Grant).values(valid_from=bindparam("at", type_=Instant())))


async def run(service: Service, statement: Statement, at: datetime) -> None:
    async with service.services.database.transaction() as session:
        assert await session.run(statement, at=at) == 1


async def reader(service: Service) -> tuple[tuple[str, str], httpx.AsyncClient]:
    """A client's credentials, and a caller with a token for it."""
    client = await service.new_client("force_reader", f"force:{AVON}")
    return client, service.http(Authorization=f"Bearer {await token(service, client)}")


async def token(service: Service, client: tuple[str, str]) -> str:
    form = {"grant_type": "client_credentials"}
    answer = await service.http().post("/oauth2/token", data=form, auth=client)
    assert answer.status_code == 200, answer.text
    made: str = answer.json()["access_token"]
    return made


async def test_without_a_token_there_is_a_challenge_and_nothing_else(service: Service) -> None:
    answer = await service.http().get("/v1/regions")
    refused(answer, 401, "missing_credentials")
    assert answer.headers["www-authenticate"] == CHALLENGE


async def test_a_bad_token_is_refused_in_the_same_words_whatever_is_wrong(service: Service) -> None:
    (name, secret), good = await reader(service)
    header = good.headers["authorization"]
    bearer = header.removeprefix("Bearer ")
    basic = httpx.BasicAuth(name, secret)._auth_header
    seen = set()
    for headers in (
        [("Authorization", basic)],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", bearer)],
        [("Authorization", header[:-2])],
        [("Authorization", f"{header} {bearer}")],
        [("Authorization", f"Bearer  {bearer}")],
        [("Authorization", header), ("Authorization", header)],
        [("Authorization", f"{header}, {header}")],
        [("Authorization", "Bearer " + "x" * 10_000)],
    ):
        answer = await service.http().get("/v1/regions", headers=[*headers, ("X-Request-Id", "the-same-request")])
        refused(answer, 401, "invalid_token")
        assert answer.headers["www-authenticate"] == f'{CHALLENGE}, error="invalid_token"'
        seen.add(answer.content)
    assert len(seen) == 1
    assert (await service.http(Authorization=f"bearer {bearer}").get("/v1/regions")).status_code == 200


async def test_a_token_of_another_house_is_refused(service: Service) -> None:
    (name, _), _ = await reader(service)
    settings = service.services.settings
    key = load_signing_key(settings.signing_key_file)

    def issuer(by: str, to: str) -> TokenIssuer:
        return TokenIssuer(key, by, to, 900, service.clock, service.services.new_id)

    def caller(made: str) -> httpx.AsyncClient:
        return service.http(Authorization=f"Bearer {made}")

    ours = issuer(settings.issuer, settings.audience)
    assert (await caller(ours.issue(name, name, None)).get("/v1/regions")).status_code == 200
    for other in (issuer(settings.issuer, "another-service"), issuer("https://other.invalid", settings.audience)):
        refused(await caller(other.issue(name, name, None)).get("/v1/regions"), 401, "invalid_token")
    refused(await caller(ours.issue("nobody", "nobody", None)).get("/v1/regions"), 401, "invalid_token")


async def test_a_token_ends(service: Service) -> None:
    client, caller = await reader(service)
    service.clock.forward(seconds=899)
    assert (await caller.get("/v1/regions")).status_code == 200
    service.clock.forward(seconds=service.services.settings.token_lifetime_seconds)
    refused(await caller.get("/v1/regions"), 401, "invalid_token")
    again = service.http(Authorization=f"Bearer {await token(service, client)}")
    assert (await again.get("/v1/regions")).status_code == 200


async def test_a_disabled_client_is_out_within_seconds(service: Service) -> None:
    client, caller = await reader(service)
    assert (await caller.get("/v1/regions")).status_code == 200
    await run(service, _DISABLE, service.clock())
    answer = await service.http().post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=client)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    service.clock.forward(seconds=service.services.settings.access_memory_seconds)
    refused(await caller.get("/v1/regions"), 401, "invalid_token")


async def test_a_grant_holds_from_its_first_moment_to_its_last(service: Service) -> None:
    _, caller = await reader(service)
    memory = service.services.settings.access_memory_seconds
    assert (await caller.get("/v1/concerns")).status_code == 200
    start = service.clock()
    service.clock.forward(seconds=100)
    end = service.clock()
    await run(service, _END, end)
    service.clock.time = start
    service.clock.forward(seconds=100 - memory - 1)
    assert (await caller.get("/v1/concerns")).status_code == 200
    service.clock.time = end
    refused(await caller.get("/v1/concerns"), 403, "permission_denied")
    refused(await caller.get("/v1/regions"), 403, "permission_denied")


async def test_a_grant_of_tomorrow_is_none_today(service: Service) -> None:
    _, caller = await reader(service)
    service.clock.forward(seconds=60)
    await run(service, _BEGIN, service.clock())
    service.clock.forward(seconds=-1)
    refused(await caller.get("/v1/concerns"), 403, "permission_denied")
    service.clock.forward(seconds=1 + service.services.settings.access_memory_seconds)
    assert (await caller.get("/v1/concerns")).status_code == 200


async def test_a_withdrawn_grant_works_for_seconds_at_most(service: Service) -> None:
    _, caller = await reader(service)
    assert (await caller.get("/v1/concerns")).status_code == 200
    await run(service, _END, service.clock())
    memory = service.services.settings.access_memory_seconds
    service.clock.forward(seconds=memory - 0.001)
    assert (await caller.get("/v1/concerns")).status_code == 200  # remembered
    service.clock.forward(seconds=0.001)
    refused(await caller.get("/v1/concerns"), 403, "permission_denied")
