"""How are the parts of a plan found: which rows of which noun belong to it, as JSON lists of one statement?

What is a child of plans belongs to a plan by that; a noun that is added as one is part of the document without a word
here. What a force owns beside its plans, and what is national, is joined below, each by a condition of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, func, or_, select, true

from pip_api.db.constructs import as_json, as_uid, constant, each, is_one_of, json_list, json_text
from pip_api.db.json_rows import json_flag, json_row
from pip_api.kernel.resource import Resource
from pip_api.ledger.as_of import MarkKind
from pip_api.resources import nouns
from pip_api.resources.concerns import concerns
from pip_api.resources.forces import forces
from pip_api.resources.pips import pips
from pip_api.resources.presentations import presentations
from pip_api.rules.lifecycle import ENDED
from pip_api.rules.plan_document import LISTS

Condition = Callable[[FromClause, FromClause, MarkKind], ColumnElement[bool]]
BELOW: Mapping[str, str] = {"assurance_checks": "checks"}
"""What the children of a part are called in it, where not by their plural."""


def _names(list_of: ColumnElement[Any], name: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a JSON list of ids has this one."""
    member = each(list_of)
    return select(member.c.value).where(as_uid(member.c.value) == name).correlate_except(member).exists()


def _shares_a_concern(row: FromClause, pip: FromClause, kind: MarkKind) -> ColumnElement[bool]:
    own, theirs = each(pip.c.concern_ids), each(row.c.concern_ids)
    shared = select(own.c.value).where(own.c.value == theirs.c.value).correlate_except(own, theirs).exists()
    return (row.c.force_code == pip.c.force_code) & shared


def _is_of_the_force(row: FromClause, pip: FromClause, kind: MarkKind) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = row.c.force_code == pip.c.force_code
    return condition


def _is_tag(row: FromClause, pip: FromClause, kind: MarkKind) -> ColumnElement[bool]:
    return (row.c.force_code == pip.c.force_code) & (row.c.subject_id == pip.c.id)


def _is_met_during(row: FromClause, pip: FromClause, kind: MarkKind) -> ColumnElement[bool]:
    """A national or regional meeting while the plan lasts, or one that it was presented to."""
    force = forces.rows(kind)
    region = select(force.c.region_code).where(force.c.code == pip.c.force_code).scalar_subquery()
    starts, ends = (func.coalesce(pip.c[name], row.c.held_on) for name in ("starts_on", "ends_on"))
    shown = presentations.rows(kind)
    saw = select(shown.c.id).where(shown.c.pip_id == pip.c.id, shown.c.national_meeting_id == row.c.id)
    near = or_(row.c.region_code.is_(None), row.c.region_code == region)
    return or_(near & row.c.held_on.between(starts, ends), saw.correlate_except(shown).exists())


def _by_pip(row: FromClause, pip: FromClause, kind: MarkKind) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = row.c.pip_id == pip.c.id
    return condition


BESIDE: Mapping[str, Condition] = {
    "concerns": lambda row, pip, kind: _names(pip.c.concern_ids, row.c.id),
    "root_cause_analyses": _shares_a_concern,
    "risk_scales": _is_of_the_force,
    "boards": lambda row, pip, kind: _names(pip.c.board_ids, row.c.id),
    "meetings": lambda row, pip, kind: _names(row.c.pip_ids, pip.c.id),
    "national_meetings": _is_met_during,
    "lessons": _by_pip,
    "measure_assessments": _by_pip,
    "tags": _is_tag,
}
"""By which condition rows that are no children of a plan are part of it."""


def parts() -> dict[str, Resource]:
    """The nouns that a plan is made of, by the names of their lists."""
    known = {of.plural: of for of in nouns().values()}
    return {name: known[name] for name in LISTS if name in known and (name in BESIDE or known[name].parent is pips)}


def needs() -> tuple[str, ...]:
    """The permissions without which the document of a plan cannot be read."""
    every = [*parts().values()]
    every += [child for of in every for child in of.children]
    beside = ("pip:read", "concern:read", "support_level_assignment:read")
    return tuple(dict.fromkeys((*beside, *(of.reads for of in every))))


def listed(name: str, of: Resource, pip: FromClause, kind: MarkKind) -> ColumnElement[str]:
    """The rows of a noun that are part of a plan, each with its children, as the text of a JSON list."""
    row = of.rows(kind).alias(f"of_{of.noun}")
    condition = BESIDE[name](row, pip, kind) if name in BESIDE else row.c.pip_id == pip.c.id
    query = _told(of, row, kind).where(condition, row.c.withdrawn_at.is_(None)).correlate(pip)
    return _as_list(_in_order(of, query, row))


def _told(of: Resource, row: FromClause, kind: MarkKind) -> Select[Any]:
    below = [(BELOW.get(child.plural, child.plural), as_json(_children(of, child, row, kind))) for child in of.children]
    columns = [row.c[name] for name in of.names]
    return select(json_row(columns, *below).label("told")).select_from(row)


def _children(of: Resource, child: Resource, parent: FromClause, kind: MarkKind) -> ColumnElement[Any]:
    row = child.rows(kind).alias(f"of_{child.noun}")
    belongs = row.c[f"{of.noun}_id"] == parent.c.id
    shown = json_row([row.c[name] for name in child.names]).label("told")
    query = select(shown).select_from(row).where(belongs, row.c.withdrawn_at.is_(None)).correlate(parent)
    found = _in_order(child, query, row).subquery()
    return select(json_list(as_json(found.c.told), true())).select_from(found).scalar_subquery()


def _in_order(of: Resource, query: Select[Any], row: FromClause) -> Select[Any]:
    """By what the noun is sorted by where nothing is said, and then as they were made."""
    first = [of.sort_as[name](row.c[name]) if name in of.sort_as else row.c[name] for name in of.sorts[:1]]
    return query.order_by(*first, row.c.id)


def _as_list(query: Select[Any]) -> ColumnElement[str]:
    found = query.subquery()
    return select(json_text(json_list(as_json(found.c.told), true()))).select_from(found).scalar_subquery()


def left_out(pip: FromClause, kind: MarkKind) -> ColumnElement[str]:
    """The open concerns of the force that the plan does not answer, each with whether another live plan does."""
    row, other = concerns.rows(kind).alias("known_concern"), pips.rows(kind).alias("other_pip")
    ended = is_one_of(other.c.status, *map(str, ENDED))
    elsewhere = (
        select(other.c.id)
        .where(other.c.force_code == row.c.force_code, other.c.withdrawn_at.is_(None), ~ended)
        .where(_names(other.c.concern_ids, row.c.id))
        .correlate(row)
        .exists()
    )
    columns = [row.c[name] for name in concerns.names]
    query = (
        select(json_row(columns, ("covered_elsewhere", json_flag(elsewhere))).label("told"))
        .select_from(row)
        .where(
            row.c.force_code == pip.c.force_code,
            row.c.withdrawn_at.is_(None),
            row.c.status == constant("open"),
            ~_names(pip.c.concern_ids, row.c.id),
        )
        .correlate(pip)
        .order_by(row.c.identified_on, row.c.id)
    )
    return _as_list(query)
