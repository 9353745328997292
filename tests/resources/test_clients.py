"""Which clients can be made, and with which roles where?"""

import pytest

from pip_api.access.principals import system
from pip_api.http.problems import Problem
from pip_api.kernel.call import Call
from pip_api.resources.clients import Place, create_client, disable_client
from tests.service import Service


async def make(service: Service, client_id: str = "mart", role: str = "data_submitter", on: str = "force:kent") -> str:
    async with service.services.database.transaction() as session:
        call = Call(service.services, session, system(()), "tests", query={"reason": "for a test"})
        return await create_client(call, client_id, "Performance mart", role, Place.parse(on))


@pytest.mark.parametrize(
    ("text", "scope", "code"),
    [("national", "national", None), ("region:south-west", "region", "south-west"), ("force:kent", "force", "kent")],
)
def test_a_place_is_read(text: str, scope: str, code: str | None) -> None:
    assert Place.parse(text) == Place(scope, code)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "kent", "national:kent", "force", "force:", "region:", "county:kent"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="A place is national, region:CODE or force:CODE"):
        Place.parse(text)


async def test_a_client_gets_a_token_with_its_secret_only(service: Service) -> None:
    secret = await make(service)
    form = {"grant_type": "client_credentials"}
    assert (await service.http().post("/oauth2/token", data=form, auth=("mart", secret))).status_code == 200
    assert (await service.http().post("/oauth2/token", data=form, auth=("mart", secret[:-1]))).status_code == 401


async def test_a_client_is_made_once_with_a_known_role_at_a_known_place(service: Service) -> None:
    await make(service)
    wrong = [
        ({"client_id": "mart"}, "There is a client with this id already"),
        ({"client_id": "the mart: Kent"}, "A client's id is written"),
        ({"client_id": ""}, "A client's id is written"),
        ({"client_id": "other", "role": "emperor"}, "The roles are: data_submitter, "),
        ({"client_id": "other", "on": "force:camelot"}, "There is no force with this code"),
        ({"client_id": "other", "on": "region:wessex"}, "There is no region with this code"),
    ]
    for options, sentence in wrong:
        with pytest.raises(Problem, match=sentence):
            await make(service, **options)


async def test_a_disabled_client_gets_no_token_and_its_old_one_stops(service: Service) -> None:
    caller = await service.caller("data_submitter", "force:kent")
    assert (await caller.get("/v1/figures")).status_code == 200

    async def disable() -> None:
        async with service.services.database.transaction() as session:
            call = Call(service.services, session, system(()), "tests", query={"reason": "Its secret leaked"})
            await disable_client(call, "data-submitter-1")

    await disable()
    service.clock.forward(seconds=6)
    assert (await caller.get("/v1/figures")).status_code == 401
    with pytest.raises(Problem, match="There is no client with this id, or it is disabled already"):
        await disable()
