"""What is there to be seen? Three forces with rows of each noun, each marked by a word in every text of it."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.matrix.accounts import add_account, sign_in
from tests.matrix.table import FORCE_AT, OWN, Caller
from tests.plans import made
from tests.service import Record, Service

MISSING = "01890000-0000-7000-8000-000000000000"


def sentinel(force: str) -> str:
    """The word that stands in every text of a force's rows, and nowhere else."""
    return f"sentinel{force.replace('-', '')}"


@dataclass(frozen=True)
class Row:
    id: str
    version: int
    force: str | None
    sign: str
    """What an answer has that shows the row, and no other."""


@dataclass
class World:
    at: dict[tuple[str, str], Row] = field(default_factory=dict)
    """By kind and position."""
    live: dict[str, list[Row]] = field(default_factory=dict)
    """All of a kind that a list shows to those who reach their force."""

    def add(self, kind: str, position: str, row: Row, *, lists: str = "") -> None:
        self.at[kind, position] = row
        if not position.startswith("withdrawn"):
            self.live.setdefault(lists or kind, []).append(row)

    def add_made(self, kind: str, position: str, made: Record, *, lists: str = "") -> None:
        row = Row(made["id"], made["version"], made.get("force_code"), made.get("ref") or made["id"])
        self.add(kind, position, row, lists=lists)

    def filled(self, template: Any, position: str) -> Any:
        """A template with what stands at a position in place of its $words."""
        if isinstance(template, dict):
            return {name: self.filled(each, position) for name, each in template.items()}
        if isinstance(template, list):
            return [self.filled(each, position) for each in template]
        if not isinstance(template, str) or "$" not in template:
            return template
        if "$force" in template and template != "$force":
            return template.replace("$force", self._named("force", position))
        return self._named(template.removeprefix("$"), position)

    def _named(self, word: str, position: str) -> str:
        if position == "malformed":
            return "no such name!"
        if word == "force":
            return FORCE_AT.get(position, "atlantis")
        return MISSING if position == "missing" else self.at[word, position].id


async def seed(service: Service) -> World:
    """Makes the world, by the requests that its people would send."""
    world, admin = World(), await service.caller("national_admin")
    warden = await service.caller("access_admin")
    await _seed_national(world, admin)
    for position, force in OWN.items():
        writer = Caller(f"writer-{position}".replace("_", "-"), (("force_lead", f"force:{force}"),))
        lead = sign_in(service, writer, await add_account(service, f"{sentinel(force)} writer", writer))
        await _seed_force(world, admin, warden, lead, position, force)
        await _seed_redaction(world, lead, await service.caller("redactor", f"force:{force}"), position, force)
    await service.seal()
    service.clock.forward(hours=26)  # until then nothing is redacted
    world.add("log_head", "national", Row("", 1, None, '"log_id":"2026"'))
    world.add("log_key", "national", Row("", 1, None, service.app.state.sealer.key.kid))
    return world


async def _seed_redaction(
    world: World, lead: httpx.AsyncClient, redactor: httpx.AsyncClient, position: str, force: str
) -> None:
    word = sentinel(force)
    concern = {"force_code": force, "source": "ppmg", "identified_by": word, "identified_on": "2026-10-01"}
    row = await made(lead, "/v1/concerns", title=f"{word} title", **concern)
    current = {"If-Match": '"v1"'}
    assert (await lead.patch(f"/v1/concerns/{row['id']}", json={"title": word}, headers=current)).status_code == 200
    world.add("redacted_concern", position, Row(row["id"], 2, force, row["id"]), lists="concern")
    asked = {"force_code": force, "noun": "concern", "subject_id": row["id"], "members": ["/title"]}
    world.add_made("redaction", position, await made(redactor, "/v1/redactions", **asked, legal_basis=word, why=word))


async def _seed_national(world: World, admin: httpx.AsyncClient) -> None:
    measure = {"name": "Calls", "unit": "count", "cadence": "month"}
    await made(admin, "/v1/measures", code="shared-measure", **measure)
    flags = dict.fromkeys(("pip_expected", "shared_with_partners", "presented_to_ppmg"), False)
    force = {"name": "x", "short_name": "x", "kind": "territorial", "nation": "England"}
    for position in ("national", "withdrawn"):
        code = f"{position}-one"
        gss = {"national": "E12000097", "withdrawn": "E12000098"}[position]
        level = {"level": 8, "name": "x", "definition": "x", **flags}
        for kind, noun, body in (
            ("measure", "measures", measure),
            ("support_level", "support-levels", level),
            ("region", "regions", {"name": "x", "gss_code": gss}),
            ("police_force", "forces", force),
        ):
            await _made_or_withdrawn(world, admin, kind, noun, position, {"code": code, **body})
    rows = "code,name,unit,cadence\nimported,Imported,count,month\n"
    csv = {"Content-Type": "text/csv"}
    report = (await admin.post("/v1/imports", params={"kind": "measures"}, content=rows, headers=csv)).json()
    world.add("import", "national", Row(report["id"], 1, None, report["id"]))


async def _made_or_withdrawn(
    world: World, by: httpx.AsyncClient, kind: str, noun: str, position: str, body: Record
) -> None:
    row = await made(by, f"/v1/{noun}", **body)
    if position.startswith("withdrawn"):
        answer = await by.delete(f"/v1/{noun}/{row['id']}", headers={"If-Match": '"v1"'})
        assert answer.status_code == 204, answer.text
        row["version"] = 2
    world.add_made(kind, position, row)


async def _seed_force(
    world: World,
    admin: httpx.AsyncClient,
    warden: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    position: str,
    force: str,
) -> None:
    word = sentinel(force)
    reason = {"reason": f"{word} reason"}
    lead.params = admin.params = httpx.QueryParams(reason)
    concern = {
        "force_code": force, "title": f"{word} title", "description": word, "source": "ppmg", "identified_by": word,
        "identified_on": "2026-10-01", "owner": word, "evidence": word,
    }  # fmt: skip
    plan = {"force_code": force, "title": f"{word} plan", "summary": word, "lead": word, "sustainability": word}
    action = {
        "title": f"{word} action",
        "description": word,
        "intended_outputs": [word],
        "lead": word,
        "resources": word,
    }
    concerned = await made(lead, "/v1/concerns", **concern)
    world.add_made("concern", position, concerned)
    world.add_made("lonely_concern", position, await made(lead, "/v1/concerns", **concern), lists="concern")
    planned = await made(lead, "/v1/pips", concern_ids=[concerned["id"]], **plan)
    world.add_made("pip", position, planned)
    world.add_made("lonely_pip", position, await made(lead, "/v1/pips", **plan), lists="pip")
    about = {"pip_id": planned["id"], "concern_id": concerned["id"]}
    acted = await made(lead, "/v1/actions", **about, **action)
    world.add_made("action", position, acted)
    world.add_made("lonely_action", position, await made(lead, "/v1/actions", **about, **action), lists="action")
    update = {"pip_id": planned["id"], "action_id": acted["id"], "reported_on": "2026-11-01"}
    update |= {"reported_by": word, "narrative": word}
    world.add_made("progress_update", position, await made(lead, "/v1/progress-updates", **update))
    level = {"force_code": force, "level_code": "level-3", "decided_by": word, "reason": word}
    months = {"starts_on": "2026-01-01", "ends_on": "2026-03-31"}
    world.add_made("assignment", position, await made(admin, "/v1/support-level-assignments", **level, **months))
    answer = await lead.put(
        f"/v1/forces/{force}/measures/shared-measure/figures/2026-09",
        json={"value": 61, "narrative": f"{word} figure", "source_system": word, "source_run": word},
    )
    assert answer.status_code == 201, answer.text
    world.add("figure", position, Row("", 1, force, f"{word} figure"))
    world.add("figure_total", position, Row("", 1, force, f'"code":"{force}"'))
    lead.params = httpx.QueryParams()
    first = (await lead.get(f"/v1/concerns/{concerned['id']}/versions/1")).json()
    world.add("audit_event", position, Row(first["entry"], 1, force, first["entry"]))
    await _seed_access(world, warden, position, force)
    gone = {"own": "withdrawn", "other_region": "withdrawn_elsewhere"}.get(position)
    if gone is None:
        return
    earlier = {"starts_on": "2025-01-01", "ends_on": "2025-03-31"}
    for kind, noun, body in (
        ("concern", "concerns", concern),
        ("pip", "pips", plan),
        ("action", "actions", {**about, **action}),
        ("assignment", "support-level-assignments", {**level, **earlier}),
    ):
        await _made_or_withdrawn(world, admin, kind, noun, gone, body)
    world.at.update({("lonely_" + kind, gone): world.at[kind, gone] for kind in ("concern", "pip", "action")})


async def _seed_access(world: World, warden: httpx.AsyncClient, position: str, force: str) -> None:
    word, place = sentinel(force), f"force:{force}"
    person = {"kind": "person", "name": f"{word} person", "issuer": "https://id.test", "subject": word, "place": place}
    account = await made(warden, "/v1/accounts", **person)
    world.add("account", position, Row(account["id"], 1, force, f'"id":"{account["id"]}"'))
    program = {"kind": "service", "name": f"{word} program", "client_id": f"program-{force}", "place": place}
    program = await made(warden, "/v1/accounts", **program)
    world.add("program", position, Row(program["id"], 1, force, program["id"]))
    secret = {"account_id": program["id"], "kind": "secret", "expires_at": "2027-06-01T00:00:00Z"}
    issued = await made(warden, "/v1/credentials", **secret)
    world.add("credential", position, Row(issued["id"], 1, force, issued["id"]))
    grant = {"account_id": account["id"], "role": "access_admin", "place": place, "reason": word}
    granted = await made(warden, "/v1/grants", **grant)
    world.add("grant", position, Row(granted["id"], 1, force, granted["id"]))
    if gone := {"own": "withdrawn", "other_region": "withdrawn_elsewhere"}.get(position):
        await _made_or_withdrawn(world, warden, "grant", "grants", gone, grant)
        await _made_or_withdrawn(world, warden, "credential", "credentials", gone, secret)
