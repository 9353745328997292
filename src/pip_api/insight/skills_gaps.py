"""Which skill is missing where: by role, by team, and over the whole force? No name is told."""

import re
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel, Field
from sqlalchemy import bindparam, select

from pip_api.db.columns import Code
from pip_api.db.statements import Record, Statement
from pip_api.insight.series import asked_force
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import IF_NONE_MATCH, Operation, path_parameter, query
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import answered, one_of
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.resources.frameworks import framework_items
from pip_api.resources.job_roles import job_roles
from pip_api.resources.people import people, skill_assessments
from pip_api.resources.units import UnitKind, units
from pip_api.rules.skills import By, Gap, Person, gaps, latest

NEEDS = ("person:read", "skill_assessment:read", "job_role:read", "unit:read")
GROUPS: tuple[str, ...] = get_args(By)
_STATEMENT = re.compile(r"[a-z-]*(\d)\.(\d)")
"""How the statements of the skill are coded: statement-2.3 is the third of level 2."""


class StatementMissing(BaseModel):
    level: int
    statement: int = Field(description="Its place among those of the level.")
    people: int = Field(description="How many of whom it is asked do not fully meet it.")


class SkillsGap(BaseModel):
    """How a role, a team or the force stands."""

    group: str = Field(description="The title of the role, the code of the unit, or the code of the force.")
    people: int
    at_level: int = Field(description="How many are at the level that their role asks for, or above.")
    mean_gap: float = Field(description="Levels between what is asked for and what was assessed, on average.")
    missing: list[StatementMissing] = Field(description="The most common first.")


class SkillsGaps(BaseModel):
    """The gaps, the widest first. Only people whose role asks for a level are counted."""

    force_code: str
    by: str
    items: list[SkillsGap]


@lru_cache
def _people(kind: MarkKind) -> Statement:
    person, role = people.rows(kind), job_roles.rows(kind)
    unit, above = units.rows(kind).alias("stands_in"), units.rows(kind).alias("above")
    asked = role.c.required_skill_level.is_not(None)
    where = person.join(role, role.c.id == person.c.job_role_id).outerjoin(unit, unit.c.id == person.c.unit_id)
    return Statement(
        select(
            person.c.id,
            role.c.title.label("role"),
            role.c.required_skill_level.label("required"),
            unit.c.kind.label("unit_kind"),
            unit.c.code.label("unit"),
            above.c.code.label("above"),
        )
        .select_from(where.outerjoin(above, above.c.id == unit.c.parent_unit_id))
        .where(person.c.force_code == bindparam("force", type_=Code), person.c.withdrawn_at.is_(None), asked)
    )


@lru_cache
def _assessments(kind: MarkKind) -> Statement:
    row, item = skill_assessments.rows(kind), framework_items.rows(kind)
    told = [row.c[name] for name in ("person_id", "met", "assessed_on", "assessed_by")]
    return Statement(
        select(*told, item.c.code)
        .join(item, item.c.id == row.c.statement_item_id)
        .where(row.c.force_code == bindparam("force", type_=Code), row.c.withdrawn_at.is_(None))
        .order_by(row.c.id)
    )


async def get_skills_gaps(call: Call) -> Answer:
    """The gaps between what roles ask for and what was last assessed."""
    force, by = asked_force(call, *NEEDS), one_of("by", call.query, GROUPS)
    mark = Mark(call.moment)
    asked = {"force": force, **mark.params}
    assessed: dict[Any, list[Record]] = {}
    for row in await call.session.fetch(_assessments(mark.kind), **asked):
        if (coded := _STATEMENT.fullmatch(row["code"])) is not None:
            statement = int(coded[1]), int(coded[2])
            assessed.setdefault(row["person_id"], []).append({**row, "statement": statement})
    found = [
        Person(row["role"], _team(row), force, row["required"], latest(assessed.get(row["id"], ())))
        for row in await call.session.fetch(_people(mark.kind), **asked)
    ]
    return answered(call, {"force_code": force, "by": by, "items": [_shown(each) for each in gaps(found, by)]})  # type: ignore[arg-type]


def _team(row: Record) -> str:
    """Somebody's own post is in a team; of whom nobody said where they are, none is told."""
    return (row["above"] if row["unit_kind"] == UnitKind.individual else row["unit"]) or "none"


def _shown(gap: Gap) -> Record:
    missing = [{"level": level, "statement": place, "people": count} for (level, place), count in gap.missing]
    return {**gap._asdict(), "missing": missing}


operations = [
    Operation(
        "GET", "/v1/forces/{force}/skills-gaps", "getSkillsGaps", "people", "Read which skill is missing where",
        "skill_assessment:read", get_skills_gaps, {200: SkillsGaps, 304: None},
        [
            path_parameter("force", "The code of the force."),
            query("by", "What to group by.", {"type": "string", "enum": list(GROUPS), "default": GROUPS[0]}),
            *MOMENT,
            IF_NONE_MATCH,
        ],
    )
]  # fmt: skip
