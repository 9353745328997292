"""Is what the service ships there once, and does it leave alone what an administrator has changed?"""

from importlib.resources import files
from typing import Any

import httpx
import pytest
import yaml

from pip_api.exchange.catalogue import load_reference
from tests.plans import AVON, changed, made
from tests.service import Record, Service, refused

FRAMEWORKS = {
    text["framework"]["code"]: text
    for path in (files("pip_api") / "catalogue" / "frameworks").iterdir()
    for text in [yaml.safe_load(path.read_text("utf-8"))]
}


async def test_reference_data_is_added_once_and_edits_outlast_an_upgrade(
    service: Service, admin: httpx.AsyncClient
) -> None:
    kent = (await admin.get("/v1/forces/kent")).json()
    edited = (await changed(admin, "/v1/forces", kent, short_name="Kent and Medway")).json()
    await admin.delete("/v1/forces/nca", headers={"If-Match": '"v1"'})
    await load_reference(service.services)
    assert (await admin.get("/v1/forces/kent")).json() == edited
    refused(await admin.get("/v1/forces/nca"), 410, "withdrawn")
    assert len((await admin.get("/v1/forces")).json()["items"]) == 48
    assert len((await admin.get("/v1/support-levels")).json()["items"]) == 4


def told(code: str, item: Any) -> Record:
    """What is to be read of an item of a framework, after its file."""
    mappings = [
        {"inferred": False, "note": "", "relation": each["relation"]}
        | {name: each[name] for name in ("inferred", "note") if name in each}
        | {"item_code": each["to"] if ":" in each["to"] else f"{code}:{each['to']}"}
        for each in item.get("maps", [])
    ]
    return {
        "ref": f"{code}:{item['code']}",
        "kind": item["kind"],
        "title": item["title"],
        "text": item.get("text", ""),
        "parent_code": item.get("parent"),
        "evidence_kind": item.get("evidence"),
        "by_exception": item.get("by_exception", False),
        "measure_code": item.get("measure"),
        "parts": item.get("parts", []),
        "mappings": mappings,
    }


@pytest.mark.parametrize("code", sorted(FRAMEWORKS))
async def test_every_item_of_a_framework_is_read_as_its_file_says_and_can_be_tagged(
    lead: httpx.AsyncClient, concern: Record, code: str
) -> None:
    said, items = FRAMEWORKS[code]["framework"], FRAMEWORKS[code]["items"]
    framework = (await lead.get(f"/v1/frameworks/{code}")).json()
    for name in ("edition", "title", "publisher", "status", "source", "ambition", "mission"):
        assert framework[name] == said.get(name, ""), name
    assert framework["valid_from"] == (str(said["valid_from"]) if "valid_from" in said else None)
    answer = await lead.get("/v1/framework-items", params={"framework": framework["id"], "limit": "500"})
    read = {each["ref"]: each for each in answer.json()["items"]}
    expected = [told(code, item) for item in items]
    assert [{name: read[each["ref"]][name] for name in each} for each in expected] == expected
    assert len(read) == len(items)
    about = {"force_code": AVON, "subject_noun": "concern", "subject_id": concern["id"]}
    for each in read.values():
        assert (await made(lead, "/v1/tags", **about, framework_item_id=each["id"]))["subject_id"] == concern["id"]


def test_the_ambition_of_the_lancashire_framework_names_its_years() -> None:
    said = FRAMEWORKS["lancashire-12x12"]["framework"]
    assert "2017 to 2021" in said["ambition"]
    assert (str(said["valid_from"]), bool(said["mission"])) == ("2017-04-01", True)


async def test_what_is_shipped_is_noted_as_the_services_own_doing(admin: httpx.AsyncClient) -> None:
    (entry,) = (await admin.get("/v1/forces/kent/versions")).json()["items"]
    assert (entry["act"], entry["actor"]["client_id"]) == ("force.created", "pip-api")
    assert entry["request_id"] == "pip-api-migrate"
