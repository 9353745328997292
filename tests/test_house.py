"""Are the rules of the house kept? Each is read from the code or from the OpenAPI document."""

import ast
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from pip_api.access.permissions import OVERRIDE, PERMISSIONS, ROLES
from pip_api.app import describe
from pip_api.db.columns import to_json
from pip_api.resources.inspections import GRADES
from pip_api.rules.lifecycle import ANSWERS, MOVING
from tests.matrix.world import one_of_each
from tests.plans import AVON, MEASURE, a_concern, a_plan, an_action, made, put
from tests.service import Record, Service

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "pip_api"
DOCUMENT: Record = json.loads(to_json(describe()))
REGISTRY = Registry().with_resource("urn:openapi", DRAFT202012.create_resource(DOCUMENT))


def operations() -> Iterator[tuple[str, str, Record]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method, path, whole(operation)


def whole(operation: Record) -> Record:
    """An operation with its parameters and answers in place of the references to them."""
    parameters = [resolved(each["$ref"]) if "$ref" in each else each for each in operation.get("parameters", ())]
    answers = {
        status: resolved(answer["$ref"]) if "$ref" in answer else answer
        for status, answer in operation["responses"].items()
    }
    return {**operation, "parameters": parameters, "responses": answers}


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


LOG = "/v1/audit-log"
OURS = [pytest.param(path, each, id=each["operationId"]) for _, path, each in operations() if path.startswith("/v1/")]


def contents(operation: Record) -> Iterator[tuple[str, Record]]:
    """The bodies of an operation, in and out."""
    yield from operation.get("requestBody", {}).get("content", {}).items()
    for answer in operation["responses"].values():
        yield from answer.get("content", {}).items()


def within(schema: Any) -> Iterator[Record]:
    """A schema and all that stands in it."""
    if isinstance(schema, dict):
        yield schema
        for each in schema.values():
            yield from within(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from within(each)


# The document


@pytest.mark.parametrize(("path", "operation"), OURS)
def test_an_operation_names_exactly_one_permission(path: str, operation: Record) -> None:
    permission = operation["x-permission"]
    assert permission in PERMISSIONS
    assert operation["security"] == [{"oauth2": [permission]}, {"bearer": []}]
    assert permission in DOCUMENT["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"]
    assert {"401", "403", "503"} <= set(operation["responses"])


def test_no_permission_is_dead() -> None:
    named = {operation["x-permission"] for _, path, operation in operations() if path.startswith("/v1/")}
    assert named | {OVERRIDE, *ANSWERS.values(), *GRADES.values()} | MOVING == PERMISSIONS  # asked for beside others


def test_only_the_door_is_open() -> None:
    open_to_all = {path for _, path, operation in operations() if "x-permission" not in operation}
    assert open_to_all == {
        "/v1", "/version", "/healthz", "/readyz", "/problems", "/problems/{name}",
        "/oauth2/token", "/oauth2/revoke", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json",
    }  # fmt: skip


def test_names_of_operations_are_unique_and_made_by_hand() -> None:
    names = Counter(operation["operationId"] for _, _, operation in operations())
    assert [name for name, times in names.items() if times > 1] == []
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z0-9]*)+", name) for name in names)


def test_every_parameter_in_a_path_is_described() -> None:
    for _, path, operation in operations():
        described = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
        assert described == set(re.findall(r"{(\w+)}", path)), path
        names = Counter((each["in"], each["name"]) for each in operation.get("parameters", []))
        assert set(names.values()) <= {1}, path


@pytest.mark.parametrize(("path", "operation"), OURS)
def test_every_body_has_a_schema(path: str, operation: Record) -> None:
    for status, answer in operation["responses"].items():
        assert status in ("204", "304") or answer["content"], status
        assert status not in ("204", "304") or "content" not in answer
    for _, content in contents(operation):
        assert content["schema"]


def test_every_reference_resolves_and_every_component_is_used() -> None:
    references = {each["$ref"] for each in within(DOCUMENT) if isinstance(each.get("$ref"), str)}
    for reference in references:
        assert resolved(reference)
    for kind in ("schemas", "parameters", "headers", "responses"):
        assert {f"#/components/{kind}/{name}" for name in DOCUMENT["components"][kind]} <= references
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_a_patch_has_no_defaults_and_needs_nothing() -> None:
    patches = {name: each for name, each in DOCUMENT["components"]["schemas"].items() if name.endswith("Patch")}
    assert len(patches) >= 8
    for name, schema in patches.items():
        assert [each for each in within(schema["properties"]) if "default" in each] == [], name
        assert "required" not in schema, name
        assert schema["additionalProperties"] is False, name


def test_a_create_shape_refuses_what_it_does_not_know() -> None:
    for _, path, operation in operations():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if path.startswith("/v1/") and "$ref" in content["schema"]:
                assert resolved(content["schema"]["$ref"])["additionalProperties"] is False, path


async def test_the_committed_document_is_that_of_the_service(service: Service) -> None:
    served = (await service.http().get("/openapi.json")).json()
    assert served == DOCUMENT
    older = (await service.http().get("/openapi-3.0.json")).json()
    for name, document in (("openapi.json", DOCUMENT), ("openapi-3.0.json", older)):
        assert json.loads((ROOT / "openapi" / name).read_text()) == document, "run: make openapi"


# The answers


async def test_answers_are_as_described(service: Service, admin: httpx.AsyncClient) -> None:
    """Each answer of a whole story is held against the schema of its operation and status."""
    seen: set[tuple[str, int]] = set()

    async def check(answer: httpx.Response) -> None:
        await answer.aread()
        method, path = answer.request.method.lower(), answer.request.url.path
        names = [name for name in DOCUMENT["paths"] if re.fullmatch(re.sub(r"{\w+}", "[^/]+", name), path)]
        name = min(names, key=lambda each: each.count("{"))
        operation = whole(DOCUMENT["paths"][name][method])
        described = operation["responses"][str(answer.status_code)]
        seen.add((operation["operationId"], answer.status_code))
        promised = [
            name
            for name, each in described["headers"].items()
            if resolved(each["$ref"]).get("required") or (name == "ETag" and answer.status_code < 400)
        ]
        assert [name for name in promised if name not in answer.headers] == [], operation["operationId"]
        if "content" not in described:
            assert answer.content == b""
            return
        kind = answer.headers["content-type"].partition(";")[0]
        schema = described["content"][kind]["schema"]
        schema = {"$ref": f"urn:openapi{schema['$ref']}"} if "$ref" in schema else schema
        validator = Draft202012Validator(schema, registry=REGISTRY)
        body = json.loads(answer.content) if kind.endswith("json") and kind != "application/x-ndjson" else answer.text
        assert [
            f"{operation['operationId']} {each.json_path}: {each.message}" for each in validator.iter_errors(body)
        ] == []

    admin.event_hooks["response"] = [check]
    await one_of_each(service, admin)
    await made(admin, "/v1/measures", **MEASURE, target=61.4)
    concern = await a_concern(admin, measure_codes=[MEASURE["code"]])
    plan = await a_plan(admin, concern)
    plan_entry = (await admin.get(f"/v1/pips/{plan['id']}/versions/1")).json()["entry"]
    action = await an_action(admin, plan, due_on="2026-11-01")
    for value in ("61.40", "61.40", "62"):
        await put(admin, (AVON, str(MEASURE["code"]), "2026-10"), value)
    await admin.patch(f"/v1/actions/{action['id']}", json={"status": "in_progress"}, headers={"If-Match": '"v1"'})
    renamed = await a_concern(admin)
    await admin.patch(f"/v1/concerns/{renamed['id']}", json={"title": "x"}, headers={"If-Match": '"v1"'})
    erased = {"force_code": AVON, "noun": "concern", "subject_id": renamed["id"], "members": ["/title"]}
    redactor = await service.caller("redactor", f"force:{AVON}")
    await made(redactor, "/v1/redactions", **erased, legal_basis="UK GDPR, article 17", why="By mistake")
    await service.seal()
    reads = {path for method, path, _ in operations() if method == "get" and path.startswith("/v1/")}
    callers = {"national_admin": admin}
    unpaged: dict[str, dict[str, str]] = {"/v1/triage": {}, f"{LOG}/consistency": {"from": "1"}, "/v1/me": {}}
    unpaged |= {f"{LOG}/{name}": {} for name in ("checkpoint", "keys", "export")}
    unpaged["/v1/me/access"] = {"action": "pip:write", "resource": f"pip/{plan['id']}"}
    for path in sorted(path for path in reads if "{" not in path):
        permission = DOCUMENT["paths"][path]["get"]["x-permission"]
        role = next((role for role in ("national_admin", *ROLES) if permission in ROLES[role]), "national_admin")
        if (caller := callers.get(role)) is None:
            caller = callers[role] = await service.caller(role)
            caller.event_hooks["response"] = [check]
        listed = await caller.get(path, params=unpaged.get(path, {"limit": "1"}))
        if f"{path}/{{id}}" in reads:
            one = f"{path}/{listed.json()['items'][0]['id']}"
            await caller.get(one)
            await caller.get(one, headers={"If-None-Match": "*"})
            await caller.get(f"{path}/none")
            await caller.get(f"{path}?limit=0")
        if f"{path}/{{id}}/proof" in reads:
            await caller.get(f"{path}/{plan_entry}/proof")
        if f"{path}/{{id}}/versions" in reads:
            await caller.get(f"{one}/versions")
            await caller.get(f"{one}/versions/1")
            await caller.get(f"{one}/diff?from=1")
    for noun, row in (("concerns", concern), ("pips", plan)):
        await admin.patch(f"/v1/{noun}/{row['id']}", json={"titel": "x"})
        await admin.patch(f"/v1/{noun}/{row['id']}", json={"titel": "x", "version": 1})
        await admin.patch(f"/v1/{noun}/{row['id']}", json={"title": "x", "version": 9})
    for told in ("status", "document", "readiness", "smart", "calendar", "obligations", "risk-register", "transitions"):
        await admin.get(f"/v1/pips/{plan['id']}/{told}")
    await admin.get("/v1/readiness/rulesets/cop-2026.1")
    await admin.get("/v1/frameworks/national-improvement-strategy/coverage")
    await admin.get(f"/v1/measures/{MEASURE['code']}/leaders")
    await admin.get(f"/v1/forces/{AVON}/product-use")
    await admin.get(f"/v1/pips/{plan['id']}/dashboard")
    await admin.get(f"/v1/forces/{AVON}/dashboard")
    await admin.get(f"/v1/forces/{AVON}/calendar")
    await admin.get(f"/v1/forces/{AVON}/obligations")
    await callers["people_lead"].get(f"/v1/forces/{AVON}/skills-gaps")
    presentation = (await admin.get("/v1/presentations", params={"limit": 1})).json()["items"][0]
    await admin.get(f"/v1/presentations/{presentation['id']}/document")
    await admin.get("/v1/triage", headers={"Accept": "text/csv"})
    figure = f"/v1/forces/{AVON}/measures/{MEASURE['code']}/figures/2026-10"
    await admin.get(figure)
    await admin.get(f"{figure}/revisions")
    await admin.get(f"/v1/forces/{AVON}/measures/{MEASURE['code']}/comparison")
    await admin.delete(f"/v1/actions/{action['id']}", headers={"If-Match": '"v2"'})
    await admin.get(f"/v1/actions/{action['id']}")
    rows = "code,name,unit,cadence\ncalls,Calls,count,month\n"
    headers = {"Content-Type": "text/csv"}
    report = await admin.post("/v1/imports", params={"kind": "measures"}, content=rows, headers=headers)
    await admin.get(f"/v1/imports/{report.json()['id']}")
    answered = {name for name, status in seen if status == 200}
    asked = {operation["operationId"] for method, path, operation in operations() if method == "get" and path in reads}
    assert asked - answered == set()
    assert {status for _, status in seen} == {200, 201, 204, 304, 400, 404, 410, 412, 422, 428}


# The statements


async def test_no_answer_needs_more_statements_than_it_should(admin: httpx.AsyncClient, counted: list[str]) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    concerns = [await a_concern(admin, measure_codes=[MEASURE["code"]], title=f"Concern {n}") for n in range(4)]
    plan = await a_plan(admin, *concerns)
    for concern in concerns:
        action = await an_action(admin, plan, concern_id=concern["id"])

    async def needed(method: str, path: str, **sent: Any) -> int:
        counted.clear()
        answer = await admin.request(method, path, **sent)
        assert answer.is_success, answer.text
        return len([each for each in counted if "ledger_unsealed" not in each])  # which is looked at beside requests

    update = {"reported_on": "2026-11-01", "reported_by": "Insp Green", "narrative": "Shifts moved."}
    effect = [{"concern_id": concern["id"], "how": "x"}]
    full = {name: concern[name] for name in ("force_code", "title", "source", "identified_by", "identified_on")}
    most = {
        ("GET", f"/v1/pips/{plan['id']}/status"): 1,
        ("GET", f"/v1/pips/{plan['id']}/document"): 1,
        ("GET", "/v1/triage"): 1,
        ("GET", "/v1/actions?sort=-due_on&force=kent"): 1,
        ("GET", f"/v1/actions/{action['id']}"): 1,
        ("GET", f"/v1/actions/{action['id']}/versions"): 2,
        ("GET", "/v1/figures/totals"): 1,
        ("GET", "/v1/pips?expand=actions,concerns.measures"): 4,
    }
    for (method, path), limit in most.items():
        assert await needed(method, path) == limit, path
    for path, body in (
        ("concerns", full | {"measure_codes": [MEASURE["code"]], "affects": effect}),
        ("pips", {"force_code": AVON, "title": "x", "concern_ids": [each["id"] for each in concerns]}),
        ("actions", {"pip_id": plan["id"], "concern_id": concern["id"], "title": "x"}),
        ("progress-updates", {"pip_id": plan["id"], "action_id": action["id"], **update}),
    ):
        assert await needed("POST", f"/v1/{path}", json=body) <= 5, path
    change = {"json": {"title": "x"}, "headers": {"If-Match": '"v1"'}}
    assert await needed("PATCH", f"/v1/concerns/{concern['id']}", **change) <= 3


# The code


def modules() -> Iterator[tuple[str, str]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), path.read_text()


def test_every_module_says_which_question_it_answers() -> None:
    for name, text in modules():
        assert (ast.get_docstring(ast.parse(text)) or "").strip(), name


def test_no_source_file_is_too_long_to_read() -> None:
    assert {name: lines for name, text in modules() if (lines := len(text.splitlines())) > 300} == {}


def test_the_id_of_a_rule_means_one_rule() -> None:
    """The letters of an id are those of one noun, and what it says is said in one place."""
    said = [(id, name) for name, text in modules() for id in re.findall(r'"([A-Z]{3}-[0-9]{3})"', text)]
    of_letters: dict[str, set[str]] = defaultdict(set)
    for id, name in said:
        of_letters[id[:3]].add(name)
    apart = {letters: names for letters, names in of_letters.items() if len(names) > 1}
    assert apart == {
        "CRD": {"resources/credentials.py", "resources/credential_operations.py"},
        "FIG": {"resources/figure_operations.py", "exchange/figures.py"},  # of a single figure, and of a file
    }
    times = Counter(id for id, _ in said)
    several_ways_to_break_one = {"ACC-001", "CRD-003", "FIG-001"}
    assert {id for id, count in times.items() if count > 1} == several_ways_to_break_one


def test_only_the_database_commits() -> None:
    committing = {name for name, text in modules() if re.search(r'\.commit\(|"COMMIT|\.transaction\(\)\s*as\s*_', text)}
    assert committing == {"db/migrate.py", "db/postgres.py", "db/sqlite.py", "db/wire.py"}


def test_rows_are_written_in_few_places() -> None:
    """The kernel writes every resource; figures, clients, rates and the ledger itself have statements of their own."""
    imported = r"from sqlalchemy[.\w]* import [^\n]*\b(insert|update|delete)\b|(?m:^    (insert|update|delete),$)"
    writing = {name for name, text in modules() if re.search(imported, text)}
    assert writing == {
        "access/leases.py",
        "access/spent.py",
        "exchange/figures.py",
        "kernel/idempotency.py",
        "kernel/redacting.py",
        "kernel/resource.py",
        "ledger/entries.py",
        "ledger/retiring.py",
        "ledger/sealing.py",
        "ledger/striking.py",
        "resources/figure_operations.py",
    }


def test_the_rules_of_a_noun_have_ids_of_their_own() -> None:
    named = ((rule, name) for name, text in modules() for rule in set(re.findall(r'"([A-Z]{3}-[0-9]{3})"', text)))
    nouns = Counter(rule for rule, name in named if name.startswith("resources/"))
    assert [rule for rule, count in nouns.items() if count > 1] == []


def test_nothing_names_a_role_but_the_one_table() -> None:
    roles = r"\b(force_reader|force_contributor|force_lead|data_submitter|regional_triage|ppmg_member|reviewer_\w+)\b"
    named = {name for name, text in modules() if re.search(rf"role[\"'\]]*\s*(==|!=|in)\s*.*{roles}", text)}
    assert named == set()


def test_the_clock_and_the_ids_are_arguments() -> None:
    calls = r"\b(datetime\.(now|utcnow)|date\.today|time\.time|uuid[147])\("
    assert {name for name, text in modules() if re.search(calls, text)} <= {"app.py", "cli.py"}


def test_no_program_is_started_and_nothing_is_unpickled() -> None:
    modules = {"subprocess", "pty", "multiprocessing", "pickle", "shelve", "marshal", "ctypes"}
    calls = {"os.system", "os.popen", "os.fork", "os.forkpty", "os.posix_spawn", "eval", "exec"}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                named = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
                assert modules.isdisjoint(each.partition(".")[0] for each in named), path
            elif isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in calls, f"{path}:{node.lineno}"
                assert "subprocess" not in called, f"{path}:{node.lineno}"
