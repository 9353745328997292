"""What of a framework is covered by the plans and the tags of forces, and what is not?"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import FromClause, bindparam, select

from pip_api.db.columns import Uid, to_json
from pip_api.db.constructs import Uids, any_of, is_one_of
from pip_api.db.statements import Record, Statement
from pip_api.http.preconditions import content_etag
from pip_api.http.query import several
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, IF_NONE_MATCH, Operation, query
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import tagged
from pip_api.kernel.query import commas
from pip_api.kernel.resource import Resource, visible
from pip_api.kernel.verbs import find
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.resources import nouns
from pip_api.resources.actions import actions
from pip_api.resources.concerns import concerns
from pip_api.resources.frameworks import framework_items, frameworks
from pip_api.resources.pips import pips
from pip_api.resources.supporting_plans import supporting_plans
from pip_api.resources.tags import tags
from pip_api.rules import coverage as rules
from pip_api.rules.lifecycle import ENDED, ActionStatus

MADE_OF = (tags, pips, concerns, actions, supporting_plans)
"""The answer is made of all of these, so it is given for the forces for which all may be read."""


class CoveredItem(BaseModel):
    code: str
    title: str
    subjects: int = Field(description="How many tagged things bear on it.")


class CoveredArea(CoveredItem):
    """A row of the matrix: a capability area, by approach."""

    approaches: list[CoveredItem]


class EvidenceShares(BaseModel):
    """Of the measures and diagnostics of the framework."""

    quantitative: int
    qualitative: int
    both: int
    not_said: int
    quantitative_share: float | None = Field(description="Those with numbers, of those of which it is said.")
    qualitative_share: float | None = Field(description="Those with judgements, of those of which it is said.")


class FrameworkNamed(BaseModel):
    id: str
    code: str
    edition: str
    title: str


class ItemNamed(BaseModel):
    code: str
    kind: str
    title: str


class PlanOrStrategy(BaseModel):
    """A performance improvement plan, or a strategy, plan or statement that supports the framework."""

    noun: str
    id: str
    title: str
    force_code: str


class PlanLevels(PlanOrStrategy):
    missing_levels: list[str] = Field(description="The organisational levels that nothing of the plan is tagged with.")


class Coverage(BaseModel):
    """What of a framework is covered, as far as the caller may see."""

    framework: FrameworkNamed
    as_of: str
    matrix: list[CoveredArea] = Field(description="Capability areas by approaches; empty where there are none.")
    levels: list[CoveredItem] = Field(description="The organisational levels.")
    levels_without_element: list[str]
    plans_missing_levels: list[PlanLevels]
    evidence: EvidenceShares
    measures_without_plan: list[ItemNamed]
    plans_without_measure: list[PlanOrStrategy]
    areas_without_measure: list[ItemNamed] = Field(description="Capability areas under which nothing is measured.")
    areas_without_board: list[ItemNamed] = Field(description="Capability areas that no board is tagged with.")
    areas_without_stakeholder: list[ItemNamed] = Field(description="The same of stakeholders.")


def _select(of: Resource, kind: MarkKind, *names: str) -> Any:
    """These columns of what is in use and in reach: of no plan that has ended, and of no action that was cancelled."""
    rows = of.rows(kind)
    query = select(*(rows.c[name] for name in ("id", *names))).where(rows.c.withdrawn_at.is_(None), *visible(rows))
    if of is pips:
        return query.where(~is_one_of(rows.c.status, *ENDED))
    if of is actions:
        query = query.where(~is_one_of(rows.c.status, ActionStatus.cancelled))
    if of.parent_field != "pip_id":
        return query
    plan = pips.rows(kind).alias("plan")
    ended = select(plan.c.id).where(plan.c.id == rows.c.pip_id, is_one_of(plan.c.status, *ENDED))
    return query.where(~ended.exists())


@lru_cache
def _items(kind: MarkKind) -> Statement:
    rows = framework_items.rows(kind)
    names = ("code", "kind", "title", "parent_code", "evidence_kind", "measure_code")
    return Statement(
        _select(framework_items, kind, *names)
        .where(rows.c.framework_id == bindparam("framework_id", type_=Uid()))
        .order_by(rows.c.kind, rows.c.position, rows.c.code)
    )


@lru_cache
def _rows(of: Resource, kind: MarkKind, *names: str) -> Statement:
    return Statement(_select(of, kind, *names).order_by(*_home_first(of.rows(kind))))


def _home_first(rows: FromClause) -> tuple[Any, ...]:
    return rows.c.force_code, rows.c.id


@lru_cache
def _subjects(of: Resource, kind: MarkKind) -> Statement:
    """Which of these things are still in use, and of which plan each is."""
    names = ("pip_id",) if "pip_id" in of.table.c else ()
    return Statement(_select(of, kind, *names).where(any_of(of.rows(kind).c.id, bindparam("ids", type_=Uids()))))


async def get_coverage(call: Call) -> Answer:
    """What of a framework is covered: from a few statements, whatever it holds."""
    known = {"forces": _asked_forces(call)}
    framework, mark = await find(frameworks, call, call.path["id"]), Mark(call.moment)
    items = await call.session.fetch(_items(mark.kind), framework_id=framework["id"], **mark.params)
    code_of = {item["id"]: item["code"] for item in items}

    async def rows(of: Resource, *names: str) -> list[Record]:
        return await call.session.fetch(_rows(of, mark.kind, *names), **known, **mark.params)

    tagged_with: dict[str, dict[Any, set[str]]] = defaultdict(lambda: defaultdict(set))
    for tag in await rows(tags, "subject_noun", "subject_id", "framework_item_id"):
        if (code := code_of.get(tag["framework_item_id"])) is not None:
            tagged_with[tag["subject_noun"]][tag["subject_id"]].add(code)
    bearing, of_plan, of_noun = [], defaultdict[Any, set[str]](set), defaultdict[str, set[str]](set)
    for noun, subjects in sorted(tagged_with.items()):
        of = nouns()[noun]
        reach = {"forces": sorted(set(known["forces"]).intersection(of.reached(call.by)))}
        found = await call.session.fetch(_subjects(of, mark.kind), ids=list(subjects), **reach, **mark.params)
        for subject in found:
            codes = subjects[subject["id"]]
            bearing.append(rules.reached(items, codes))
            of_noun[noun] |= bearing[-1]
            of_plan[subject.get("pip_id") or subject["id"]] |= codes  # a plan, or a concern, is itself
    plans = [
        *_with_measures(
            await rows(pips, "title", "force_code", "concern_ids"),
            await rows(concerns, "force_code", "measure_codes"),
            await rows(actions, "force_code", "pip_id", "measure_codes"),
            of_plan,
        ),
        *_supporting(await rows(supporting_plans, "title", "force_code", "framework_item_ids"), code_of, of_plan),
    ]
    body = _told(framework, items, bearing, plans) | {
        "areas_without_measure": _items_named(rules.areas_without_measure(items)),
        "areas_without_board": _items_named(rules.areas_without(items, of_noun["board"])),
        "areas_without_stakeholder": _items_named(rules.areas_without(items, of_noun["stakeholder"])),
    }
    return tagged(call, content_etag(to_json(body)), body | {"as_of": call.moment or call.now})


def _asked_forces(call: Call) -> list[str]:
    reach = set(call.by.reach_of_all(*(of.reads for of in MADE_OF)))
    asked = several("force", call.query["force"]) if "force" in call.query else reach
    return sorted(reach.intersection(asked))


def _with_measures(
    plans: list[Record], of_force: list[Record], doing: list[Record], of_plan: Mapping[Any, set[str]]
) -> Iterator[Record]:
    """Each plan with the measures of its concerns and actions, and with the items that it, its parts and they are
    tagged with."""
    concern = {str(each["id"]): each for each in of_force}
    moved: dict[Any, set[str]] = defaultdict(set)
    for action in doing:
        moved[action["pip_id"]].update(action["measure_codes"])
    for plan in plans:
        covered = [concern[id] for id in plan["concern_ids"] if id in concern]
        codes = of_plan.get(plan["id"], set()).union(*(of_plan.get(each["id"], ()) for each in covered))
        measures = moved[plan["id"]].union(*(each["measure_codes"] for each in covered))
        yield _named("pip", plan) | {"codes": codes, "measures": measures}


def _supporting(rows: list[Record], code_of: Mapping[Any, str], of_plan: Mapping[Any, set[str]]) -> Iterator[Record]:
    """Strategies and plans that name an item of this framework."""
    codes = {str(id): code for id, code in code_of.items()}
    for row in rows:
        named = {codes[id] for id in row["framework_item_ids"] if id in codes} | of_plan.get(row["id"], set())
        if named:
            yield _named("supporting_plan", row) | {"codes": named, "measures": set()}


def _named(noun: str, row: Record) -> Record:
    return {"noun": noun} | {name: row[name] for name in ("id", "title", "force_code")}


def _items_named(items: Iterable[rules.Item]) -> list[Record]:
    return [{name: item[name] for name in ItemNamed.model_fields} for item in items]


def _told(framework: Record, items: list[Record], bearing: list[frozenset[str]], plans: list[Record]) -> Record:
    shown = PlanOrStrategy.model_fields
    lacking = [(plan, rules.missing_levels(items, rules.reached(items, plan["codes"]))) for plan in plans]
    counted = rules.levels(items, bearing)
    return {
        "framework": {name: framework[name] for name in FrameworkNamed.model_fields},
        "matrix": rules.matrix(items, bearing),
        "levels": counted,
        "levels_without_element": [level["code"] for level in counted if not level["subjects"]],
        "plans_missing_levels": [
            {name: plan[name] for name in shown} | {"missing_levels": missing} for plan, missing in lacking if missing
        ],
        "evidence": rules.evidence(items),
        "measures_without_plan": _items_named(rules.measures_without_plan(items, plans)),
        "plans_without_measure": [
            {name: plan[name] for name in shown} for plan in rules.plans_without_measure(items, plans)
        ],
    }


operations = [
    Operation(
        "GET", "/v1/frameworks/{id}/coverage", "getFrameworkCoverage", "frameworks",
        "Read what of a framework is covered", "coverage:read", get_coverage, {200: Coverage, 304: None},
        [ID, query("force", "Only these forces, with commas.", commas({"type": "string"})), *MOMENT, IF_NONE_MATCH],
    )
]  # fmt: skip
