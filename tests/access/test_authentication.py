"""Whose request is it, and for how long does the service believe so?"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from pip_api.access.keys import load_signing_key
from pip_api.access.tokens import TokenIssuer
from pip_api.resources.accounts import accounts
from pip_api.resources.grants import grants
from tests.ledger.test_entries import Ledger
from tests.plans import AVON
from tests.service import Service, refused

CHALLENGE = 'Bearer realm="pip_api"'


async def end(service: Service, client: tuple[str, str], at: datetime) -> None:
    """Ends the grant behind the back of this process, as another one would."""
    await service.change(grants, (await service.grant_of(client[0]))["id"], valid_to=at.isoformat())


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
    assert b"The log of whoever runs the service names the reason under this request id." in seen.pop()
    refused(await service.http(Authorization=basic).get("/v1/regions"), 401, "missing_credentials")  # no token at all
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


async def test_somebody_unknown_is_told_so_and_nothing_of_roles(service: Service) -> None:
    (name, _), _ = await reader(service)
    issuer: TokenIssuer = service.app.state.door.issuer
    ledger = Ledger(service)
    await ledger.news()
    # a token that a person got through a program does not act for the program
    for subject, client_id in (("nobody", "nobody"), ("nobody", "nobody"), ("somebody", name)):
        answer = await service.http(Authorization=f"Bearer {issuer.issue(subject, client_id, None)}").get("/v1/pips")
        told = refused(answer, 403, "unknown_subject")
        assert "required" not in told
        assert not {"pip:read", "force_reader"} & set(re.findall(r"[a-z_:]+", answer.text))
    noted = await ledger.news()  # the second is of the same minute
    for entry in noted:
        assert (entry["kind"], entry["act"], entry["actor_type"]) == ("denied", "sign_in.refused", "anonymous")
        assert (entry["subject_ref"], entry["force_code"]) == (None, None)
        told = {"error": "unknown_subject", "issuer": service.services.settings.issuer}
        assert entry["state"] == told | {"named": entry["state"]["named"]}
        assert "body" not in repr(entry["state"])  # neither name is kept
    assert len({entry["state"]["named"] for entry in noted}) == len(noted) == 2


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
    await service.change(accounts, (await service.account(client[0]))["id"], disabled_at=service.clock().isoformat())
    answer = await service.http().post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=client)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    service.clock.forward(seconds=service.services.settings.access_memory_seconds)
    refused(await caller.get("/v1/regions"), 401, "invalid_token")


async def test_a_grant_holds_from_its_first_moment_to_its_last(service: Service) -> None:
    client, caller = await reader(service)
    memory = service.services.settings.access_memory_seconds
    assert (await caller.get("/v1/concerns")).status_code == 200
    start = service.clock()
    service.clock.forward(seconds=100)
    last = service.clock()
    await end(service, client, last)
    service.clock.time = start
    service.clock.forward(seconds=100 - memory - 1)
    assert (await caller.get("/v1/concerns")).status_code == 200
    service.clock.time = last
    refused(await caller.get("/v1/concerns"), 403, "permission_denied")
    refused(await caller.get("/v1/regions"), 403, "permission_denied")


async def test_a_grant_of_tomorrow_is_none_today(service: Service) -> None:
    client = await service.new_client("data_submitter", f"force:{AVON}")
    caller = service.http(Authorization=f"Bearer {await token(service, client)}")
    account, tomorrow = await service.account(client[0]), (service.clock() + timedelta(seconds=60)).isoformat()
    later = {"account_id": str(account["id"]), "role": "force_reader", "place": f"force:{AVON}", "reason": "x"}
    await service.create(grants, **later, valid_from=tomorrow)
    service.clock.forward(seconds=59)
    refused(await caller.get("/v1/concerns"), 403, "permission_denied")
    service.clock.forward(seconds=1 + service.services.settings.access_memory_seconds)
    assert (await caller.get("/v1/concerns")).status_code == 200


async def test_a_withdrawn_grant_works_for_seconds_at_most(service: Service) -> None:
    client, caller = await reader(service)
    service.clock.forward(seconds=1)
    assert (await caller.get("/v1/concerns")).status_code == 200
    await end(service, client, service.clock())
    memory = service.services.settings.access_memory_seconds
    service.clock.forward(seconds=memory - 0.001)
    assert (await caller.get("/v1/concerns")).status_code == 200  # remembered
    service.clock.forward(seconds=0.001)
    refused(await caller.get("/v1/concerns"), 403, "permission_denied")


# The recorded cases of the header; A12 (70 KB of it) is in `tests/http/test_listening.py`

Sent = dict[str, Any]
ACCEPTED: dict[str, Callable[[str], Sent]] = {
    "A03 scheme in lower case": lambda bearer: {"headers": {"Authorization": f"bearer {bearer}"}},
    "A13 headers that would say who asks, or what for": lambda bearer: {
        "headers": {
            "Authorization": f"Bearer {bearer}",
            "X-HTTP-Method-Override": "DELETE",
            "X-Forwarded-User": "admin",
            "X-User-Id": "admin",
            "X-Original-URL": "/v1/pips",
        }
    },
}
REFUSED: dict[str, Callable[[str], Sent]] = {
    "A01 none": lambda bearer: {},
    "A02 Basic": lambda bearer: {"headers": {"Authorization": "Basic abc"}},
    "A04 no token": lambda bearer: {"headers": {"Authorization": "Bearer"}},
    "A04 no token, but a blank": lambda bearer: {"headers": [(b"Authorization", b"Bearer ")]},
    "A05 two headers, the first valid": lambda bearer: {
        "headers": [("Authorization", f"Bearer {bearer}"), ("Authorization", "Bearer x.y.z")]
    },
    "A05 two headers, the second valid": lambda bearer: {
        "headers": [("Authorization", "Bearer x.y.z"), ("Authorization", f"Bearer {bearer}")]
    },
    "A05 twice the same": lambda bearer: {"headers": [("Authorization", f"Bearer {bearer}")] * 2},
    "A06 two with a comma": lambda bearer: {"headers": {"Authorization": f"Bearer {bearer}, Bearer {bearer}"}},
    "A07 two with a blank": lambda bearer: {"headers": {"Authorization": f"Bearer {bearer} {bearer}"}},
    "A08 two blanks before it": lambda bearer: {"headers": {"Authorization": f"Bearer  {bearer}"}},
    "A09 a tab before it": lambda bearer: {"headers": {"Authorization": f"Bearer\t{bearer}"}},
    "A10 in the address": lambda bearer: {"params": {"access_token": bearer}},
    "A11 in a cookie": lambda bearer: {"headers": {"Cookie": f"access_token={bearer}; Authorization=Bearer {bearer}"}},
    "A11 in a form": lambda bearer: {"method": "POST", "data": {"access_token": bearer}},
    "in another header": lambda bearer: {"headers": {"Proxy-Authorization": f"Bearer {bearer}"}},
}


@pytest.mark.parametrize("case", ACCEPTED)
async def test_a_header_is_accepted(service: Service, case: str) -> None:
    _, caller = await reader(service)
    sent = ACCEPTED[case](caller.headers["authorization"].removeprefix("Bearer "))
    answer = await service.http().get("/v1/regions", **sent)
    assert answer.status_code == 200
    assert answer.json() == (await caller.get("/v1/regions")).json()


@pytest.mark.parametrize("case", REFUSED)
async def test_a_header_is_refused(service: Service, case: str) -> None:
    _, caller = await reader(service)
    bearer = caller.headers["authorization"].removeprefix("Bearer ")
    with capture_logs(processors=[merge_contextvars]) as said:
        answer = await service.http().request(**{"method": "GET", "url": "/v1/regions", **REFUSED[case](bearer)})
    sent_one = any(name.lower() == "authorization" for name in answer.request.headers)
    sent_one = sent_one and case != "A02 Basic"  # which is no token
    refused(answer, 401, "invalid_token" if sent_one else "missing_credentials")
    assert answer.headers["www-authenticate"] == CHALLENGE + (', error="invalid_token"' if sent_one else "")
    assert said
    assert bearer not in f"{said} {answer.text} {answer.headers}"


# A14 is `test_a_disabled_client_is_out_within_seconds`, and A15 `test_somebody_unknown_is_told_so_and_nothing_of_roles`
