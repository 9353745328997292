"""Which clients can be made, and with which roles where?"""

import pytest

from pip_api.http.problems import Problem
from pip_api.resources.clients import create_client, revoke_client, rotate_client
from pip_api.resources.enrolment import disable, end_grant, grant
from tests.service import Service, refused
from tests.signing import asked, signed_in


async def make(service: Service, client_id: str = "mart", role: str = "data_submitter", on: str = "force:kent") -> str:
    async with service.at_the_command_line() as call:
        return await create_client(call, client_id, "Performance mart", role, on)


async def test_a_client_gets_a_token_with_its_secret_only(service: Service) -> None:
    secret = await make(service)
    form = {"grant_type": "client_credentials"}
    assert (await service.http().post("/oauth2/token", data=form, auth=("mart", secret))).status_code == 200
    assert (await service.http().post("/oauth2/token", data=form, auth=("mart", secret[:-1]))).status_code == 401


async def test_a_client_is_made_once_with_a_known_role_at_a_known_place(service: Service) -> None:
    await make(service)
    wrong = [
        ({"client_id": "mart"}, "There is an account with this client id already."),
        ({"client_id": "the mart: Kent"}, "String should match pattern"),
        ({"client_id": ""}, "String should have at least 1 character"),
        ({"client_id": "other", "on": "kent"}, "A place is national, region:CODE or force:CODE."),
        ({"client_id": "other", "role": "emperor"}, "The roles are: access_admin, "),
        ({"client_id": "other", "on": "force:camelot"}, "There is no such force here."),
        ({"client_id": "other", "on": "region:wessex"}, "There is no such region here."),
    ]
    for options, sentence in wrong:
        with pytest.raises(Problem) as refused:
            await make(service, **options)
        told = [each["detail"] for each in refused.value.errors] + [refused.value.detail]
        assert any(each.startswith(sentence) for each in told), told


async def test_a_rotated_client_has_a_new_secret_and_the_old_one_for_some_days(service: Service) -> None:
    first = await make(service)
    async with service.at_the_command_line() as call:
        second = await rotate_client(call, "mart", 7)
    assert [(await asked(service, {}, ("mart", each))).status_code for each in (first, second)] == [200, 200]
    service.clock.forward(days=7)
    assert [(await asked(service, {}, ("mart", each))).status_code for each in (first, second)] == [401, 200]


async def test_a_revoked_client_can_be_given_a_new_secret(service: Service) -> None:
    first = await make(service)
    caller = await signed_in(service, "mart", first)
    async with service.at_the_command_line() as call:
        assert await revoke_client(call, "mart") == 1
    service.clock.forward(seconds=service.services.settings.access_memory_seconds)
    refused(await caller.get("/v1/regions"), 401, "invalid_token")
    assert (await asked(service, {}, ("mart", first))).status_code == 401
    async with service.at_the_command_line() as call:
        second = await rotate_client(call, "mart", 0)
    assert (await asked(service, {}, ("mart", second))).status_code == 200


async def test_a_disabled_client_gets_no_token_and_its_old_one_stops(service: Service) -> None:
    caller = await service.caller("data_submitter", "force:kent")
    assert (await caller.get("/v1/figures")).status_code == 200

    async def ended() -> None:
        async with service.at_the_command_line(query={"reason": "Its secret leaked"}) as call:
            await disable(call, "data-submitter-1")

    await ended()
    service.clock.forward(seconds=6)
    assert (await caller.get("/v1/figures")).status_code == 401
    with pytest.raises(Problem, match="The account is disabled already"):
        await ended()


async def test_a_disabled_client_is_given_nothing_and_can_still_be_ended(service: Service) -> None:
    await make(service)
    async with service.at_the_command_line() as call:
        await disable(call, "mart")
    for give in (
        lambda call: rotate_client(call, "mart", 7),
        lambda call: grant(call, "mart", "", "force_reader", "force:kent"),
    ):
        with pytest.raises(Problem) as refused:
            async with service.at_the_command_line() as call:
                await give(call)
        assert [each["detail"] for each in refused.value.errors] == ["The account is disabled: let it in again first."]
    async with service.at_the_command_line() as call:
        await end_grant(call, "mart", "", "data_submitter", "force:kent")
        assert await revoke_client(call, "mart") == 1
