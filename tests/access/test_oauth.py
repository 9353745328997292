"""Does a program get a token as RFC 6749 says, and nothing more?"""

import base64

import httpx
import pytest

from tests.plans import AVON, CONCERN
from tests.service import Record, Service, refused

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
async def client(service: Service) -> tuple[str, str]:
    return await service.new_client("force_lead", f"force:{AVON}")


async def asked(service: Service, form: Record, auth: tuple[str, str] | None = None) -> httpx.Response:
    answer = await service.http().post("/oauth2/token", data=form, auth=auth or httpx.USE_CLIENT_DEFAULT)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    return answer


def told(answer: httpx.Response) -> tuple[int, str]:
    """The status and the error of a refusal, which has members of RFC 6749 only."""
    document = answer.json()
    assert set(document) == {"error", "error_description"}, document
    return answer.status_code, document["error"]


async def test_credentials_come_in_the_header_or_in_the_form(service: Service, client: tuple[str, str]) -> None:
    name, secret = client
    in_form = GRANT | {"client_id": name, "client_secret": secret}
    for answer in (await asked(service, GRANT, client), await asked(service, in_form)):
        assert answer.status_code == 200
        document = answer.json()
        assert document | {"access_token": ""} == {"access_token": "", "token_type": "Bearer", "expires_in": 900}
        caller = service.http(Authorization=f"Bearer {document['access_token']}")
        assert (await caller.get("/v1/concerns")).status_code == 200
    both = await asked(service, in_form, client)
    assert told(both) == (400, "invalid_request")
    assert (await asked(service, GRANT | {"client_id": name}, client)).status_code == 200
    assert told(await asked(service, GRANT | {"client_id": "another"}, client)) == (400, "invalid_request")


async def test_who_is_not_known_is_challenged(service: Service, client: tuple[str, str]) -> None:
    name, secret = client
    for answer in (
        await asked(service, GRANT, (name, secret[:-1])),
        await asked(service, GRANT, (name, "")),
        await asked(service, GRANT, ("nobody", secret)),
        await asked(service, GRANT, ("", "")),
        await asked(service, GRANT),
        await asked(service, GRANT | {"client_id": name}),
        await asked(service, GRANT | {"client_id": name, "client_secret": "wrong"}),
        await asked(service, GRANT | {"client_id": f"{name}\0", "client_secret": secret}),
    ):
        assert told(answer) == (401, "invalid_client")
        assert answer.headers["www-authenticate"] == 'Basic realm="pip_api"'
        assert secret not in answer.text


@pytest.mark.parametrize("header", ["Bearer x", "Basic", "Basic !", "Basic bm9jb2xvbg==", "Basic /w==", "basic Og"])
async def test_a_header_that_is_not_basic_is_refused(service: Service, header: str) -> None:
    answer = await service.http(Authorization=header).post("/oauth2/token", data=GRANT)
    assert told(answer) == (401, "invalid_client")


async def test_the_header_is_form_encoded_inside(service: Service, client: tuple[str, str]) -> None:
    name, secret = client
    encoded = base64.b64encode(f"{name.replace('-', '%2D')}:{secret}".encode()).decode()
    answer = await service.http(Authorization=f"Basic {encoded}").post("/oauth2/token", data=GRANT)
    assert answer.status_code == 200


async def test_only_one_grant_is_given(service: Service, client: tuple[str, str]) -> None:
    for form, error in (
        ({}, "invalid_request"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
        (GRANT | {"scope": ""}, "invalid_scope"),
        (GRANT | {"scope": "concern:read everything"}, "invalid_scope"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
        (GRANT | {f"x{place}": "1" for place in range(21)}, "invalid_request"),
    ):
        assert told(await asked(service, form, client)) == (400, error), form


async def test_a_form_is_short_text(service: Service, client: tuple[str, str]) -> None:
    for content in (b"grant_type=%FF", b"grant_type=\xff"):
        answer = await service.http().post("/oauth2/token", content=content, auth=client)
        assert told(answer) == (400, "invalid_request")
    answer = await service.http().post("/oauth2/token", content=b"a=" + b"b" * 16_384, auth=client)
    refused(answer, 413, "body_too_large")


async def test_a_scope_narrows_the_token(service: Service, client: tuple[str, str]) -> None:
    answer = await asked(service, GRANT | {"scope": "concern:read  force:read"}, client)
    assert answer.json()["scope"] == "concern:read force:read"
    narrow = service.http(Authorization=f"Bearer {answer.json()['access_token']}")
    assert (await narrow.get("/v1/concerns")).status_code == 200
    refusal = await narrow.post("/v1/concerns", json=CONCERN)
    assert refused(refusal, 403, "permission_denied")["required"] == ["concern:write"]
    challenge = 'Bearer realm="pip_api", error="insufficient_scope", scope="concern:write"'
    assert refusal.headers["www-authenticate"] == challenge
    refused(await narrow.get("/v1/pips"), 403, "permission_denied")
    whole = (await asked(service, GRANT, client)).json()["access_token"]
    wide = service.http(Authorization=f"Bearer {whole}")
    assert (await wide.post("/v1/concerns", json=CONCERN)).status_code == 201


async def test_a_scope_never_widens(service: Service, client: tuple[str, str]) -> None:
    answer = await asked(service, GRANT | {"scope": "region:write region:read"}, client)
    wishful = service.http(Authorization=f"Bearer {answer.json()['access_token']}")
    assert (await wishful.get("/v1/regions")).status_code == 200
    body = {"code": "x", "name": "X", "gss_code": "E12000010"}
    refusal = await wishful.post("/v1/regions", json=body)
    assert refused(refusal, 403, "permission_denied")["required"] == ["region:write"]
    assert "www-authenticate" not in refusal.headers  # another token would not help
