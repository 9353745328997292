"""A plan from its concern to its withdrawal, with the client of openapi-python-client. Run with its own Python."""

import datetime
import os
from http import HTTPStatus
from typing import Any

from pip_api_client import AuthenticatedClient, Client
from pip_api_client.api.access import create_token
from pip_api_client.api.concerns import create_concern
from pip_api_client.api.figures import put_figure
from pip_api_client.api.pips import (
    change_pip,
    create_pip,
    get_pip,
    get_pip_status,
    list_pip_versions,
    list_pips,
    withdraw_pip,
)
from pip_api_client.models import (
    ConcernCreate,
    ConcernSource,
    FigureFields,
    ListPipsStatusItem,
    PipCreate,
    PipPatch,
    ProblemDocument,
    Token,
    TokenRequest,
    TokenRequestGrantType,
)

FORCE, MEASURE = "avon-and-somerset", "demo.101-abandoned"


def expect(status: int, answer: Any) -> Any:
    """The answer's document, of the shape that the client knows for the status."""
    if answer.status_code != status:
        raise SystemExit(f"{answer.status_code} instead of {status}: {answer.content.decode()}")
    return answer.parsed


def main() -> None:
    server = os.environ["PIP_SERVER"]
    request = TokenRequest(
        grant_type=TokenRequestGrantType.CLIENT_CREDENTIALS,
        client_id=os.environ["PIP_CLIENT_ID"],
        client_secret=os.environ["PIP_CLIENT_SECRET"],
    )
    token = expect(200, create_token.sync_detailed(client=Client(server), body=request))
    assert isinstance(token, Token)
    client = AuthenticatedClient(server, token.access_token)

    found = ConcernCreate(
        title="Calls wait too long",
        source=ConcernSource.PPMG,
        identified_by="PPMG",
        identified_on=datetime.date(2026, 1, 5),
        force_code=FORCE,
    )
    concern = expect(201, create_concern.sync_detailed(client=client, body=found))
    plan = PipCreate(title="Answer in time", force_code=FORCE, concern_ids=[concern.id])
    created = create_pip.sync_detailed(client=client, body=plan, reason="Scenario")
    made = expect(201, created)
    assert made.concern_ids == [concern.id]
    assert (made.status, made.version, made.lead) == ("draft", 1, None)

    read = get_pip.sync_detailed(str(made.id), client=client)
    assert expect(200, read) == made
    held = get_pip.sync_detailed(str(made.id), client=client, if_none_match=read.headers["ETag"])
    assert held.status_code == HTTPStatus.NOT_MODIFIED
    patch = PipPatch(lead="Deputy Chief Constable B. Example")
    changed = change_pip.sync_detailed(str(made.id), client=client, body=patch, if_match=read.headers["ETag"])
    assert expect(200, changed).lead == "Deputy Chief Constable B. Example"
    assert expect(200, changed).title == made.title
    stale = expect(412, change_pip.sync_detailed(str(made.id), client=client, body=patch, if_match='"v1"'))
    assert isinstance(stale, ProblemDocument)
    assert stale.code == "version_mismatch"
    cleared = change_pip.sync_detailed(str(made.id), client=client, body=PipPatch(lead=None, version=2))
    assert expect(200, cleared).lead is None

    status = expect(200, get_pip_status.sync_detailed(f"ref:{made.ref}", client=client))
    assert [each.title for each in status.concerns] == ["Calls wait too long"]
    page = expect(
        200, list_pips.sync_detailed(client=client, force=[FORCE], status=[ListPipsStatusItem.DRAFT], limit=500)
    )
    assert made.id in [each.id for each in page.items]
    figure = put_figure.sync_detailed(FORCE, MEASURE, "2026-09", client=client, body=FigureFields(value=9.5))
    assert figure.status_code in (200, 201)
    assert figure.parsed is not None
    assert figure.parsed.value == 9.5

    expect(204, withdraw_pip.sync_detailed(str(made.id), client=client, if_match=cleared.headers["ETag"]))
    gone = expect(410, get_pip.sync_detailed(str(made.id), client=client))
    assert gone.code == "withdrawn"
    versions = expect(200, list_pip_versions.sync_detailed(str(made.id), client=client))
    assert [each.version for each in versions.items] == [4, 3, 2, 1]
    assert versions.items[-1].reason == "Scenario"
    print("14 calls")


if __name__ == "__main__":
    main()
