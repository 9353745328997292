"""Which related rows does an answer carry along, and how are they found, one statement for each kind?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

from sqlalchemy import bindparam, func, select

from pip_api.db.columns import Uid
from pip_api.db.constructs import Texts, Uids, any_of
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem, bad_parameter
from pip_api.http.query import several, unknown
from pip_api.kernel.call import Call
from pip_api.kernel.resource import Resource, visible
from pip_api.ledger.as_of import Mark, MarkKind

DEEPEST = 3
MOST = 100
"""Rows of one relation of one row."""
MOST_IN_ALL = 10_000

Tree = dict[str, "Tree"]


@dataclass(frozen=True)
class Relation:
    """How rows of one resource lead to rows of another: by one name, by a list of them, or as what belongs to them."""

    name: str
    kind: Literal["one", "many", "children"]
    field: str
    to: Resource
    by: str


@lru_cache
def relations(of: Resource) -> dict[str, Relation]:
    """What can be expanded in a resource, by name."""
    found = []
    if of.parent is not None and of.parent_field is not None:
        found.append(Relation(of.parent.noun, "one", of.parent_field, of.parent, "id"))
    for reference, to in of.named:
        if reference.path is None and reference.field in of.lists:
            found.append(Relation(to.plural, "many", reference.field, to, reference.by))
        elif reference.path is None:
            name = reference.field.removesuffix("_id").removesuffix("_code")
            found.append(Relation(name, "one", reference.field, to, reference.by))
    found += [Relation(child.plural, "children", "id", child, child.parent_field or "") for child in of.children]
    return {each.name: each for each in found}


def wanted(of: Resource, text: str | None) -> Tree:
    """The expansions that a parameter asks for, such as actions.concern. Raises 400."""
    tree: Tree = {}
    errors = []
    for path in several("expand", text) if text else ():
        here, branch, names = of, tree, path.split(".")
        for depth, name in enumerate(names):
            known = relations(here) if depth < DEEPEST else {}
            if name not in known:
                kind = "relation" if depth < DEEPEST else f"relation below the depth of {DEEPEST}"
                errors.append(unknown(name, known, "expand", kind))
                break
            here, branch = known[name].to, branch.setdefault(name, {})
    if errors:
        raise Problem("invalid_parameter", "The expansion names what there is not.", errors=errors)
    return tree


async def expand(of: Resource, rows: Sequence[Record], tree: Tree, call: Call, mark: Mark) -> None:
    """Adds to each row what it is related to, as far as the caller may see it: what is hidden is counted nowhere."""
    for name, deeper in tree.items():
        relation = relations(of)[name]
        found = await _found(relation, rows, call, mark)
        await expand(relation.to, [row for group in found.values() for row in group], deeper, call, mark)
        for row in rows:
            row[name] = _told(relation, row, found)


def require_bounded(rows: Iterable[Record], tree: Tree) -> None:
    """Raises 400 when more rows would come along than an answer should have, each as often as it is written."""
    if sum(islice(_along(rows, tree), MOST_IN_ALL + 1)) > MOST_IN_ALL:
        detail = f"More than {MOST_IN_ALL} rows would come along: ask for a smaller 'limit', or expand less."
        raise bad_parameter("expand", detail)


def _along(rows: Iterable[Record], tree: Tree) -> Iterator[int]:
    """One for each row that is written below these."""
    for row in rows:
        for name, deeper in tree.items():
            found = row[name]
            below = [] if found is None else found["items"] if found.keys() == {"items", "total", "href"} else [found]
            for each in below:
                yield 1
                yield from _along([each], deeper)


async def _found(relation: Relation, rows: Sequence[Record], call: Call, mark: Mark) -> dict[str, list[Record]]:
    """The related rows by the name that leads to them."""
    names = list(dict.fromkeys(name for row in rows for name in _names(relation, row)))
    if not names:
        return {}
    forces = relation.to.reached(call.by)
    related = await call.session.fetch(_statement(relation, mark.kind), names=names, forces=forces, **mark.params)
    groups: dict[str, list[Record]] = {}
    for row in related:
        groups.setdefault(str(row[relation.by]), []).append(row)
    return groups


def _names(relation: Relation, row: Mapping[str, Any]) -> list[str]:
    value = row[relation.field]
    return [] if value is None else [str(name) for name in value] if relation.kind == "many" else [str(value)]


def _told(relation: Relation, row: Mapping[str, Any], found: Mapping[str, list[Record]]) -> Record | None:
    names = _names(relation, row)
    related = [each for name in names for each in found.get(name, ())]
    if relation.kind == "one":
        return _shown(related[0]) if related else None
    href = f"{relation.to.path}?{relation.by}={','.join(names)}" if names else None
    total = len(related)
    if relation.kind == "children":
        href = f"{relation.to.path}?{relation.by.removesuffix('_id')}={row['id']}"
        total = related[0]["_total"] if related else 0
    return {"items": [_shown(each) for each in related[:MOST]], "total": total, "href": href}


def _shown(row: Record) -> Record:
    return {name: value for name, value in row.items() if not name.startswith("_")}


@lru_cache
def _statement(relation: Relation, kind: MarkKind) -> Statement:
    """The related rows; of children at most so many for each parent, and how many there are."""
    of = relation.to
    rows = of.rows(kind)
    by = rows.c[relation.by]
    names = bindparam("names", type_=Uids() if isinstance(of.table.c[relation.by].type, Uid) else Texts())
    query = select(*(rows.c[name] for name in of.names)).where(
        any_of(by, names), rows.c.withdrawn_at.is_(None), *visible(rows)
    )
    if relation.kind != "children":
        return Statement(query)
    place = func.row_number().over(partition_by=by, order_by=rows.c.id).label("_place")
    placed = query.add_columns(place, func.count().over(partition_by=by).label("_total")).subquery("placed")
    return Statement(select(*placed.c).where(placed.c["_place"] <= bindparam("most", MOST)).order_by(placed.c.id))
