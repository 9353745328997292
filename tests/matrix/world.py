"""What is there to be seen? Three forces with rows of each noun, each marked by a word in every text of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from pip_api.db.columns import to_json
from tests.matrix.accounts import add_account, sign_in
from tests.matrix.nouns import Noun, marked
from tests.matrix.table import FORCE_AT, NOUNS, OWN, Caller
from tests.plans import made
from tests.service import Record, Service

GONE_AT = {"own": "withdrawn", "other_region": "withdrawn_elsewhere", "national": "withdrawn"}
UNLIKE: dict[str, Callable[[int], Record]] = {
    "region": lambda n: {"gss_code": f"E1200009{n}"},
    "support_level_assignment": lambda n: {"starts_on": f"{2020 + n}-01-01", "ends_on": f"{2020 + n}-03-31"},
}
"""Members in which no two rows may be alike."""
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

    def filled(self, template: Any, position: str, *, owned: bool = False) -> Any:
        """A template with what stands at a position in place of its $words. Of what a force owns nothing is missing but
        that force's own: what is national is there for all."""
        if isinstance(template, dict):
            return {name: self.filled(each, position, owned=owned) for name, each in template.items()}
        if isinstance(template, list):
            return [self.filled(each, position, owned=owned) for each in template]
        if not isinstance(template, str) or "$" not in template:
            return template
        if "$force" in template and template != "$force":
            return template.replace("$force", self._named("force", position))
        word = template.removeprefix("$")
        national = owned and position == "missing" and (word, "national") in self.at
        return self._named(word, "national" if national else position)

    def _named(self, word: str, position: str) -> str:
        if position == "malformed":
            return "no such name!"
        if word == "force":
            return FORCE_AT.get(position, "atlantis")
        if position == "missing":
            return MISSING
        return (self.at.get((word, position)) or self.at[word, "national"]).id


async def seed(service: Service) -> World:
    """Makes the world, by the requests that its people would send."""
    world, admin = World(), await service.caller("national_admin")
    warden = await service.caller("access_admin")
    await _seed_national(world, service, admin)
    for position, force in OWN.items():
        writer = Caller(f"writer-{position}".replace("_", "-"), (("force_lead", f"force:{force}"),))
        lead = sign_in(service, writer, await add_account(service, f"{sentinel(force)} writer", writer))
        await _seed_force(world, service, admin, warden, lead, position, force)
        await _seed_redaction(world, lead, await service.caller("redactor", f"force:{force}"), position, force)
    await service.seal()
    service.clock.forward(hours=26)  # until then nothing is redacted
    world.add("ruleset", "national", Row("cop-2026.1", 1, None, '"id":"cop-2026.1"'))
    world.add("log_head", "national", Row("", 1, None, '"log_id":"2026"'))
    world.add("log_key", "national", Row("", 1, None, service.app.state.sealer.key.kid))
    return world


async def _seed_redaction(
    world: World, lead: httpx.AsyncClient, redactor: httpx.AsyncClient, position: str, force: str
) -> None:
    word = sentinel(force)
    concern = {"force_code": force, "source": "force", "identified_by": word, "identified_on": "2026-10-01"}
    row = await made(lead, "/v1/concerns", title=f"{word} title", **concern)
    current = {"If-Match": '"v1"'}
    assert (await lead.patch(f"/v1/concerns/{row['id']}", json={"title": word}, headers=current)).status_code == 200
    world.add("redacted_concern", position, Row(row["id"], 2, force, row["id"]), lists="concern")
    asked = {"force_code": force, "noun": "concern", "subject_id": row["id"], "members": ["/title"]}
    world.add_made("redaction", position, await made(redactor, "/v1/redactions", **asked, legal_basis=word, why=word))


async def _seed_national(world: World, service: Service, admin: httpx.AsyncClient) -> None:
    await seed_nouns(world, service, admin, admin, "national")
    rows = "code,name,unit,cadence\nimported,Imported,count,month\n"
    csv = {"Content-Type": "text/csv"}
    report = (await admin.post("/v1/imports", params={"kind": "measures"}, content=rows, headers=csv)).json()
    world.add("import", "national", Row(report["id"], 1, None, report["id"]))


async def _made_or_withdrawn(
    world: World, by: httpx.AsyncClient, kind: str, path: str, position: str, body: Record, *, lists: str = ""
) -> None:
    row = await made(by, path, **json.loads(to_json(body)))
    if position.startswith("withdrawn"):
        answer = await by.delete(f"{path}/{row['id']}", headers={"If-Match": '"v1"'})
        assert answer.status_code == 204, answer.text
        row["version"] = 2
    world.add_made(kind, position, row, lists=lists)


async def _seed_force(
    world: World,
    service: Service,
    admin: httpx.AsyncClient,
    warden: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    position: str,
    force: str,
) -> None:
    word = sentinel(force)
    reason = {"reason": f"{word} reason"}
    lead.params = admin.params = httpx.QueryParams(reason)
    await seed_nouns(world, service, lead, admin, position)
    answer = await lead.put(
        f"/v1/forces/{force}/measures/shared-measure/figures/2026-09",
        json={"value": 61, "narrative": f"{word} figure", "source_system": word, "source_run": word},
    )
    assert answer.status_code == 201, answer.text
    product = await made(lead, "/v1/performance-products", force_code=force, title=f"{word} product")
    world.add_made("used_product", position, product, lists="performance_product")
    world.add("product_use", position, Row("", 1, force, f"{word} product"))
    world.add("figure", position, Row("", 1, force, f"{word} figure"))
    world.add("force_calendar", position, Row("", 1, force, f'"theme":"{word}"'))
    world.add("force_obligations", position, Row("", 1, force, f'"pip_ref":"{force}-'))
    world.add("figure_total", position, Row("", 1, force, f'"code":"{force}"'))
    lead.params = httpx.QueryParams()
    concern = world.at["concern", position].id
    first = (await lead.get(f"/v1/concerns/{concern}/versions/1")).json()
    world.add("audit_event", position, Row(first["entry"], 1, force, first["entry"]))
    await _seed_access(world, warden, position, force)


async def seed_nouns(
    world: World, service: Service, lead: httpx.AsyncClient, admin: httpx.AsyncClient, position: str
) -> None:
    """Rows of each noun that the table has an entry for: one, another that nothing rests on, and one that is gone."""
    national, force = position == "national", FORCE_AT.get(position)
    if national:
        measure = {"name": "Calls", "unit": "count", "cadence": "month"}
        await made(admin, "/v1/measures", code="shared-measure", **measure)
    else:
        world.add("skills_gap", position, Row("", 1, force, f'"group":"{sentinel(str(force))}"'))
    for noun in NOUNS.values():
        service.clock.forward(seconds=1)  # a plan is presented as it stood before
        if national == (noun.scope == "national"):
            by = lead if "force_lead" in noun.write else admin
            if not {"force_lead", "national_admin"} & set(noun.write):
                by = await service.caller(noun.write[0], f"force:{force}")
            await _seed_noun(world, by, noun, position, "x" if force is None else sentinel(force))
    if national:
        for kind, ref in (
            ("question", "peel:prevention"),
            ("grade", "peel:good"),
            ("statement", "performance-management-skill:statement-1.1"),
        ):
            world.at[kind, "national"] = Row((await admin.get(f"/v1/framework-items/{ref}")).json()["id"], 1, None, ref)


async def one_of_each(service: Service, admin: httpx.AsyncClient) -> World:
    """A row of each noun of the table, for those who want no table empty."""
    world = World()
    for position in ("national", "own"):
        await seed_nouns(world, service, admin, admin, position)
    return world


async def _seed_noun(world: World, by: httpx.AsyncClient, noun: Noun, position: str, word: str) -> None:
    lonely, gone = f"lonely_{noun.kind}", GONE_AT.get(position)
    rows = [(noun.kind, position)] + ([(f"other_{noun.kind}", position)] if noun.pair else [])
    if noun.goes:
        rows += [(lonely, position), *([(noun.kind, gone)] if gone else ())]
    for number, (kind, place) in enumerate(rows):
        body = world.filled(marked(noun.send, word, f"{kind}-{place}".replace("_", "-")), position)
        body |= UNLIKE[noun.name](number) if noun.name in UNLIKE else {}
        await _made_or_withdrawn(world, by, kind, noun.path, place, body, lists=noun.kind)
    if noun.goes and gone:
        for kind in (lonely, f"other_{noun.kind}"):
            world.at[kind, gone] = world.at[noun.kind, gone]


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
    if gone := GONE_AT.get(position):
        await _made_or_withdrawn(world, warden, "grant", "/v1/grants", gone, grant)
        await _made_or_withdrawn(world, warden, "credential", "/v1/credentials", gone, secret)
