"""Does every resource answer alike? The stories of the kernel, told with concerns, plans and actions."""

from uuid import uuid4

import httpx

from tests.plans import AVON, CONCERN, KENT, MEASURE, a_concern, a_plan, an_action, changed, made
from tests.service import Record, Service, codes, patched, refused

V1, V2 = '"v1"', '"v2"'
STAMPS = {"created_at", "updated_at", "withdrawn_at"}


def at(version: int) -> dict[str, str]:
    return {"If-Match": f'"v{version}"'}


async def versions_of(caller: httpx.AsyncClient, path: str) -> list[Record]:
    answer = await caller.get(f"{path}/versions")
    assert answer.status_code == 200, answer.text
    items: list[Record] = answer.json()["items"]
    return items


async def test_what_is_created_can_be_read_by_its_location(lead: httpx.AsyncClient) -> None:
    answer = await lead.post("/v1/concerns", json=CONCERN)
    assert answer.status_code == 201
    assert answer.headers["etag"] == V1
    read = await lead.get(answer.headers["location"])
    assert read.status_code == 200
    assert read.json() == answer.json()
    assert read.headers["etag"] == V1
    assert read.json()["created_at"] == "2026-11-21T12:00:00Z"


async def test_what_is_created_is_told_as_it_will_be_read(admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE, target="61.40")
    first = await a_concern(admin, measure_codes=[MEASURE["code"]])
    second = await a_concern(admin, affects=[{"concern_id": first["id"], "how": "It takes the same officers."}])
    plan = await a_plan(admin, first, second)
    action = await an_action(admin, plan, due_on="2026-12-01", intended_outputs=["Nobody waits an hour."])
    for path, row in (("concerns", first), ("concerns", second), ("pips", plan), ("actions", action)):
        assert (await admin.get(f"/v1/{path}/{row['id']}")).json() == row


async def test_reference_data_is_named_by_its_code_too(admin: httpx.AsyncClient) -> None:
    made_here = await made(admin, "/v1/measures", **MEASURE, target=61.40)
    by_code = await admin.get("/v1/measures/ref:answered-in-time")
    assert by_code.json() == (await admin.get(f"/v1/measures/{made_here['id']}")).json() == made_here
    assert '"target":61.4' in by_code.text
    assert (await admin.get("/v1/measures/answered-in-time")).json() == made_here
    upper = await admin.get(f"/v1/measures/{made_here['id'].upper()}")
    refused(upper, 404, "not_found")


async def test_all_faults_are_named_at_once_in_the_order_of_the_document(lead: httpx.AsyncClient) -> None:
    body = {"titel": "x", "source": "gossip", "identified_on": 20261001, "affects": [{"how": ""}], "force_code": AVON}
    answer = await lead.post("/v1/concerns", json=body)
    document = refused(answer, 422, "validation_failed")
    assert codes(answer) == [
        ("unknown_field", "#/titel"),
        ("enum", "#/source"),
        ("date_type", "#/identified_on"),
        ("required", "#/affects/0"),
        ("string_too_short", "#/affects/0/how"),
        ("required", "#"),
        ("required", "#"),
    ]
    assert document["errors"][0]["suggestion"] == "title"
    assert document["errors_total"] == 7
    assert "gossip" not in answer.text
    assert (await lead.get("/v1/concerns")).json()["items"] == []


async def test_a_change_needs_the_version_that_was_seen(lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    blind = await lead.patch(path, json={"title": "Blind"})
    assert refused(blind, 428, "precondition_required")["current_etag"] == V1
    assert blind.headers["etag"] == V1

    first = await lead.patch(path, json={"title": "Calls wait for an hour"}, headers={"If-Match": V1})
    assert (first.status_code, first.headers["etag"], first.json()["version"]) == (200, V2, 2)
    assert first.json() == (await lead.get(path)).json()

    late = await lead.patch(path, json={"title": "Late"}, headers={"If-Match": V1})
    document = refused(late, 412, "version_mismatch")
    assert (document["current_version"], document["current_etag"], late.headers["etag"]) == (2, V2, V2)
    assert codes(late) == [("version_mismatch", "If-Match")]
    assert (await lead.get(path)).json()["title"] == "Calls wait for an hour"


async def test_a_tag_is_good_in_any_dress(lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    good = [
        'W/"v{}"',
        '"v{}-gzip"',
        'W/"v{}-gzip"',
        '"v{};gzip"',
        '"v99", "v{}"',
        '"v{}.0a1b2c3d"',
        '"v{}.0a1b2c3d-br"',
    ]
    for version, tag in enumerate(good, 1):
        answer = await lead.patch(path, json={"title": tag}, headers={"If-Match": tag.format(version)})
        assert (answer.status_code, answer.json().get("version")) == (200, version + 1), tag
    current = len(good) + 1
    for tag in (f"v{current}", f'"{current}"', f'"v{current}x"', f'"v{current}.x"', f'"v0{current}"', '""', "x"):
        answer = await lead.patch(path, json={"title": tag}, headers={"If-Match": tag})
        assert refused(answer, 412, "version_mismatch")["current_version"] == current, tag


async def test_the_body_may_name_the_version_instead(lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    answer = await lead.patch(path, json={"version": 1, "owner": "Supt Hill"})
    assert (answer.status_code, answer.json()["version"], answer.json()["owner"]) == (200, 2, "Supt Hill")
    stale = await lead.patch(path, json={"version": 1, "owner": "Supt Dale"})
    assert refused(stale, 412, "version_mismatch")["current_version"] == 2
    assert codes(stale) == [("version_mismatch", "#/version")]
    wrong = await lead.patch(path, json={"version": "2", "owner": "Supt Dale"})
    refused(wrong, 422, "validation_failed")
    assert codes(wrong) == [("int_type", "#/version")]


async def test_null_clears_and_absence_leaves(lead: httpx.AsyncClient) -> None:
    concern = await a_concern(lead, owner="Supt Hill", evidence="Page 12")
    answer = await changed(lead, "/v1/concerns", concern, owner=None)
    assert answer.json() == concern | {"owner": None, "version": 2, "updated_at": answer.json()["updated_at"]}
    for name in ("title", "source", "identified_on", "measure_codes", "status", "evidence"):
        refusal = await changed(lead, "/v1/concerns", answer.json(), **{name: None})
        refused(refusal, 422, "validation_failed")
        assert [pointer for _, pointer in codes(refusal)] == [f"#/{name}"]
    empty = await changed(lead, "/v1/concerns", answer.json(), evidence="")
    assert (empty.status_code, empty.json()["evidence"]) == (200, "")


async def test_what_cannot_be_changed_is_told_from_what_is_not_known(lead: httpx.AsyncClient, concern: Record) -> None:
    for name in ("force_code", "id", "created_at", "withdrawn_at"):
        answer = await changed(lead, "/v1/concerns", concern, **{name: "x"})
        refused(answer, 422, "validation_failed")
        assert codes(answer) == [("read_only", f"#/{name}")]
    answer = await changed(lead, "/v1/concerns", concern, titel="x")
    (wrong,) = refused(answer, 422, "validation_failed")["errors"]
    assert (wrong["code"], wrong["pointer"], wrong["suggestion"]) == ("unknown_field", "#/titel", "title")
    assert wrong["allowed"] == sorted(set(concern) - {"id", "force_code", "source"} - STAMPS)
    answer = await lead.post("/v1/concerns", json=CONCERN | {"version": 1})
    refused(answer, 422, "validation_failed")
    assert codes(answer) == [("read_only", "#/version")]


async def test_a_patch_of_reference_data_is_as_strict(admin: httpx.AsyncClient) -> None:
    region = (await admin.get("/v1/regions/south-west")).json()
    for name, value, code in (
        ("name", "", "string_too_short"),
        ("name", "x" * 201, "string_too_long"),
        ("name", "Tab\there", "string_pattern_mismatch"),
        ("name", 7, "string_type"),
        ("code", "south", "read_only"),
    ):
        answer = await changed(admin, "/v1/regions", region, **{name: value})
        refused(answer, 422, "validation_failed")
        assert codes(answer) == [(code, f"#/{name}")]
    assert (await changed(admin, "/v1/regions", region, name="The South West")).json()["version"] == 2


async def test_a_patch_that_changes_nothing_makes_no_version(admin: httpx.AsyncClient, service: Service) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    first = await a_concern(admin)
    effect = {"concern_id": first["id"], "how": "It takes the same officers."}
    second = await a_concern(admin, affects=[effect], measure_codes=[MEASURE["code"]])
    plan = await a_plan(admin, first, second)
    service.clock.forward(minutes=5)
    same_concern = {
        "title": second["title"],
        "identified_on": second["identified_on"],
        "owner": None,
        "affects": [effect],
        "measure_codes": [MEASURE["code"]],
    }
    for path, row, patch in (
        ("concerns", second, same_concern),
        ("concerns", second, {}),
        ("pips", plan, {"concern_ids": plan["concern_ids"], "title": plan["title"]}),
    ):
        answer = await changed(admin, f"/v1/{path}", row, **patch)
        assert (answer.status_code, answer.headers["etag"], answer.json()) == (200, V1, row)
        assert len(await versions_of(admin, f"/v1/{path}/{row['id']}")) == 1


async def test_the_same_number_with_other_digits_is_no_change(admin: httpx.AsyncClient) -> None:
    measure = await made(admin, "/v1/measures", **MEASURE, target=61.4)
    assert (await changed(admin, "/v1/measures", measure, target="61.40")).json()["version"] == 1
    assert (await changed(admin, "/v1/measures", measure, target="61.41")).json()["version"] == 2


async def test_what_children_do_leaves_the_version_of_the_parent(lead: httpx.AsyncClient, plan: Record) -> None:
    action = await an_action(lead, plan)
    await changed(lead, "/v1/actions", action, status="in_progress")
    assert (await lead.get(f"/v1/pips/{plan['id']}")).headers["etag"] == V1


async def test_what_is_withdrawn_is_gone_but_not_forgotten(
    service: Service, lead: httpx.AsyncClient, concern: Record
) -> None:
    other = await a_concern(lead, title="Another")
    path = f"/v1/concerns/{concern['id']}"
    assert refused(await lead.delete(path), 428, "precondition_required")["current_etag"] == V1
    refused(await lead.delete(path, headers=at(2)), 412, "version_mismatch")
    service.clock.forward(minutes=10)
    answer = await lead.delete(path, params={"reason": "Raised twice"}, headers=at(1))
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (204, b"", V2)

    document = refused(await lead.get(path), 410, "withdrawn")
    assert (document["withdrawn_at"], document["versions"]) == ("2026-11-21T12:10:00Z", f"{path}/versions")
    refused(await lead.patch(path, json={"owner": "x"}, headers=at(2)), 410, "withdrawn")
    refused(await lead.delete(path, headers=at(2)), 410, "withdrawn")
    listed = (await lead.get("/v1/concerns")).json()["items"]
    assert [each["id"] for each in listed] == [other["id"]]
    everything = (await lead.get("/v1/concerns?include_withdrawn=true")).json()["items"]
    assert {each["id"]: each["withdrawn_at"] for each in everything} == {
        concern["id"]: "2026-11-21T12:10:00Z",
        other["id"]: None,
    }
    refused(await lead.get(document["versions"] + "?limit=0"), 400, "invalid_parameter")
    newest, first = await versions_of(lead, path)
    assert (newest["act"], newest["reason"], first["act"]) == ("concern.withdrawn", "Raised twice", "concern.created")
    assert newest["state"]["withdrawn_at"] == newest["at"] == "2026-11-21T12:10:00Z"
    assert first["state"] == concern


async def test_nothing_new_can_rest_on_what_is_withdrawn(lead: httpx.AsyncClient, concern: Record) -> None:
    await lead.delete(f"/v1/concerns/{concern['id']}", headers=at(1))
    answer = await lead.post("/v1/pips", json={"force_code": AVON, "title": "x", "concern_ids": [concern["id"]]})
    refused(answer, 422, "validation_failed")
    assert codes(answer) == [("unknown_reference", "#/concern_ids/0")]


async def test_what_has_children_is_in_use(lead: httpx.AsyncClient, plan: Record) -> None:
    action = await an_action(lead, plan)
    refusal = await lead.delete(f"/v1/pips/{plan['id']}", headers=at(1))
    assert refused(refusal, 409, "in_use")["detail"] == "It is still named by actions."
    assert (await lead.delete(f"/v1/actions/{action['id']}", headers=at(1))).status_code == 204
    assert (await lead.delete(f"/v1/pips/{plan['id']}", headers=at(1))).status_code == 204


async def test_what_others_name_is_in_use(admin: httpx.AsyncClient) -> None:
    measure = await made(admin, "/v1/measures", **MEASURE)
    cause = await a_concern(admin)
    effect = await a_concern(
        admin, measure_codes=[measure["code"]], affects=[{"concern_id": cause["id"], "how": "The same officers."}]
    )
    plan = await a_plan(admin, effect)
    level = {
        "force_code": AVON,
        "level_code": "level-3",
        "starts_on": "2026-01-01",
        "decided_by": "PPMG",
        "reason": "x",
    }
    await made(admin, "/v1/support-level-assignments", **level)
    for path, users in (
        (f"concerns/{effect['id']}", "pips"),
        (f"concerns/{cause['id']}", "concerns"),
        (f"measures/{measure['id']}", "concerns"),
        ("support-levels/level-3", "support level assignments"),
        (f"forces/{AVON}", "concerns"),
        ("regions/south-west", "forces"),
    ):
        refusal = refused(await admin.delete(f"/v1/{path}", headers=at(1)), 409, "in_use")
        assert refusal["detail"] == f"It is still named by {users}.", path
    assert (await admin.delete(f"/v1/pips/{plan['id']}", headers=at(1))).status_code == 204
    assert (await admin.delete(f"/v1/concerns/{effect['id']}", headers=at(1))).status_code == 204
    assert (await admin.delete(f"/v1/concerns/{cause['id']}", headers=at(1))).status_code == 204
    assert (await admin.delete(f"/v1/measures/{measure['id']}", headers=at(1))).status_code == 204


async def test_the_key_that_is_taken_is_the_one_named(admin: httpx.AsyncClient) -> None:
    taken = (await admin.get("/v1/regions/south-west")).json()["gss_code"]
    answer = await admin.post("/v1/regions", json={"code": "far-west", "name": "Far West", "gss_code": taken})
    assert refused(answer, 409, "duplicate_reference")["detail"] == "There is a region with this gss code already."
    assert codes(answer) == [("duplicate_reference", "#/gss_code")]


async def test_what_was_reported_of_a_plan_does_not_keep_it_in_use(lead: httpx.AsyncClient, plan: Record) -> None:
    update = {"pip_id": plan["id"], "reported_on": "2026-11-20", "reported_by": "Lead", "narrative": "A false start."}
    said = await made(lead, "/v1/progress-updates", **update)
    assert (await lead.delete(f"/v1/pips/{plan['id']}", headers=at(1))).status_code == 204
    assert (await lead.get(f"/v1/progress-updates/{said['id']}")).json() == said


async def test_the_checks_come_in_the_order_of_the_contract(service: Service, concern: Record) -> None:
    path, text = f"/v1/concerns/{concern['id']}", {"Content-Type": "text/plain"}
    reader = await service.caller("force_reader", f"force:{AVON}")
    lead = await service.caller("force_lead", f"force:{AVON}")
    refused(await reader.patch(path, content="{", headers=text), 403, "permission_denied")
    refused(await lead.patch(f"/v1/concerns/{uuid4()}", content="{", headers=text), 404, "not_found")
    refused(await lead.patch(path, content="{", headers=text | at(7)), 415, "unsupported_media_type")
    patch = {"Content-Type": "application/merge-patch+json"}
    refused(await lead.patch(path, content="{", headers=patch | at(7)), 412, "version_mismatch")
    refused(await lead.patch(path, content="{", headers=patch | at(1)), 400, "malformed_json")
    refused(await lead.patch(path, content='{"title": 1}', headers=patch | at(1)), 422, "validation_failed")


async def test_a_key_is_given_once(admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    answer = await admin.post("/v1/measures", json=MEASURE)
    refused(answer, 409, "duplicate_reference")
    assert codes(answer) == [("duplicate_reference", "#/code")]
    assert (await admin.delete("/v1/measures/ref:answered-in-time", headers=at(1))).status_code == 204
    again = await admin.post("/v1/measures", json=MEASURE)
    refused(again, 409, "duplicate_reference")


async def test_a_task_number_is_given_once_in_a_plan(lead: httpx.AsyncClient, plan: Record) -> None:
    await an_action(lead, plan, task_number="1.7")
    body = {"pip_id": plan["id"], "concern_id": plan["concern_ids"][0], "title": "x", "task_number": "1.7"}
    refused(await lead.post("/v1/actions", json=body), 409, "duplicate_reference")
    assert (await an_action(lead, plan))["task_number"] == "1.8"


async def test_versions_tell_who_made_what_of_it_and_why(
    service: Service, lead: httpx.AsyncClient, concern: Record
) -> None:
    path = f"/v1/concerns/{concern['id']}"
    service.clock.forward(minutes=10)
    answer = await lead.patch(
        path,
        params={"reason": "Agreed at triage"},
        json={"owner": "Supt Hill", "title": "Calls wait"},
        headers=at(1) | {"X-Request-Id": "triage-2026-11"},
    )
    newest, first = await versions_of(lead, path)
    assert first["patch"] == [{"op": "add", "path": "", "value": concern}]
    assert newest["state"] == answer.json()
    assert [each["path"] for each in newest["patch"]] == ["/title", "/owner", "/version", "/updated_at"]
    assert patched(first["state"], newest["patch"]) == newest["state"]
    assert newest | {"state": None, "patch": None, "entry": None} == {
        "version": 2,
        "act": "concern.changed",
        "at": "2026-11-21T12:10:00Z",
        "actor": {"type": "service", "name": "force-lead-1", "client_id": "force-lead-1"},
        "reason": "Agreed at triage",
        "request_id": "triage-2026-11",
        "overridden": False,
        "entry": None,
        "patch": None,
        "state": None,
    }


async def test_versions_come_in_pages(lead: httpx.AsyncClient, concern: Record) -> None:
    row = concern
    for turn in range(3):
        row = (await changed(lead, "/v1/concerns", row, title=f"Title {turn}")).json()
    for size in (1, 2, 3, 4, 500):
        following, seen, pages = f"/v1/concerns/{concern['id']}/versions?limit={size}", [], 0
        while following:
            answer = (await lead.get(following)).json()
            seen += [each["version"] for each in answer["items"]]
            pages += 1
            following = answer["links"].get("next")
            assert answer["page"]["has_more"] is bool(following)
        assert seen == [4, 3, 2, 1]
        assert pages == -(-4 // size)


async def test_what_is_held_is_not_sent_again(lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    for tag in (V1, f"W/{V1}", f'"x", {V1}', "*", '"v1-gzip"'):
        answer = await lead.get(path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", V1), tag
        assert answer.headers["cache-control"] == "private, no-cache"
        assert "Authorization" in answer.headers["vary"]
    await changed(lead, "/v1/concerns", concern, owner="Supt Hill")
    answer = await lead.get(path, headers={"If-None-Match": V1})
    assert (answer.status_code, answer.headers["etag"]) == (200, V2)


async def test_some_members_are_a_representation_of_their_own(lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    answer = await lead.get(f"{path}?fields=id,title")
    assert answer.json() == {"id": concern["id"], "title": concern["title"]}
    tag = answer.headers["etag"]
    assert tag.startswith('"v1.')
    assert tag != (await lead.get(f"{path}?fields=id")).headers["etag"]
    assert (await lead.get(f"{path}?fields=id,title", headers={"If-None-Match": tag})).status_code == 304
    assert (await lead.get(path, headers={"If-None-Match": tag})).status_code == 200
    assert (await lead.get(f"{path}?fields=id,title", headers={"If-None-Match": V1})).status_code == 200
    refusal = await lead.get(f"{path}?fields=id,titel")
    fault = refused(refusal, 400, "invalid_parameter")["errors"][0]
    assert (fault["parameter"], fault["suggestion"]) == ("fields", "title")
    assert "title" in fault["allowed"]
    listed = (await lead.get("/v1/concerns?fields=title")).json()["items"]
    assert listed == [{"title": concern["title"]}]
    edited = await lead.patch(path, json={"owner": "Supt Hill"}, headers={"If-Match": tag})
    assert edited.status_code == 200


async def test_references_must_be_there_and_of_the_same_force(admin: httpx.AsyncClient, concern: Record) -> None:
    elsewhere = await a_concern(admin, force_code=KENT)
    nobody = "01890000-0000-7000-8000-000000000000"
    body = {"force_code": AVON, "title": "x", "concern_ids": [concern["id"], nobody, elsewhere["id"]]}
    answer = await admin.post("/v1/pips", json=body)
    document = refused(answer, 422, "validation_failed")
    assert codes(answer) == [("unknown_reference", "#/concern_ids/1"), ("unknown_reference", "#/concern_ids/2")]
    assert document["errors"][0]["detail"] == document["errors"][1]["detail"]


async def test_what_the_caller_may_not_see_is_refused_like_what_is_missing(
    service: Service, lead: httpx.AsyncClient, concern: Record, admin: httpx.AsyncClient
) -> None:
    theirs = await a_concern(admin, force_code=KENT)
    their_plan = await a_plan(admin, theirs)
    nobody = "01890000-0000-7000-8000-000000000000"
    same = {"X-Request-Id": "the-same-request"}
    ours = {"title": "x", "force_code": AVON}
    for path, hidden, missing in (
        ("/v1/pips", ours | {"concern_ids": [theirs["id"]]}, ours | {"concern_ids": [nobody]}),
        (
            "/v1/actions",
            {"title": "x", "concern_id": concern["id"], "pip_id": their_plan["id"]},
            {"title": "x", "concern_id": concern["id"], "pip_id": nobody},
        ),
        ("/v1/pips", {"title": "x", "force_code": KENT}, {"title": "x", "force_code": "nowhere"}),
        (
            "/v1/concerns",
            CONCERN | {"affects": [{"concern_id": theirs["id"], "how": "x"}]},
            CONCERN | {"affects": [{"concern_id": nobody, "how": "x"}]},
        ),
    ):
        answers = [await lead.post(path, json=body, headers=same) for body in (hidden, missing)]
        refused(answers[0], 422, "validation_failed")
        assert len(codes(answers[0])) == 1
        assert answers[0].content == answers[1].content, path
    for patch in ({"concern_ids": [theirs["id"]]}, {"concern_ids": [nobody]}):
        plan = (await lead.get("/v1/pips")).json()["items"] or [await a_plan(lead, concern)]
        answer = await changed(lead, "/v1/pips", plan[0], **patch)
        assert codes(answer) == [("unknown_reference", "#/concern_ids/0")]


async def test_an_unknown_force_is_one_fault(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/v1/concerns", json=CONCERN | {"force_code": "atlantis"})
    refused(answer, 422, "validation_failed")
    assert codes(answer) == [("unknown_reference", "#/force_code")]


async def test_a_reference_of_a_list_of_objects_is_pointed_at(lead: httpx.AsyncClient, concern: Record) -> None:
    nobody = "01890000-0000-7000-8000-000000000000"
    effects = [{"concern_id": concern["id"], "how": "x"}, {"concern_id": nobody, "how": "x"}]
    answer = await lead.post("/v1/concerns", json=CONCERN | {"affects": effects})
    refused(answer, 422, "validation_failed")
    assert codes(answer) == [("unknown_reference", "#/affects/1/concern_id")]


async def test_a_reason_is_said_in_a_few_words(lead: httpx.AsyncClient) -> None:
    for reason in ("", "x" * 1001, "a\0b"):
        answer = await lead.post("/v1/concerns", params={"reason": reason}, json=CONCERN)
        refused(answer, 400, "invalid_parameter")
        assert codes(answer) == [("invalid_parameter", "reason")]
    assert (await lead.get("/v1/concerns")).json()["items"] == []


async def test_what_was_wrong_already_keeps_nobody_from_a_change(service: Service, lead: httpx.AsyncClient) -> None:
    """P15: only what is changed, and what follows from it, is judged anew."""
    concern = await a_concern(lead, identified_on="2026-11-21")
    service.clock.forward(days=-3)  # as if the rule were newer than the row
    lead = await service.caller("force_lead", f"force:{AVON}")
    path = f"/v1/concerns/{concern['id']}"
    assert (await lead.patch(path, json={"owner": "Supt Hill"}, headers=at(1))).status_code == 200
    touched = await lead.patch(path, json={"identified_on": "2026-11-20"}, headers=at(2))
    assert codes(touched) == [("in_the_future", "#/identified_on")]
