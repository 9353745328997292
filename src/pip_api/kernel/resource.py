"""What is a resource? The declaration from which everything that a noun can do is made."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy import ColumnElement, FromClause, Table, bindparam, insert, select, update

from pip_api.access.places import force_in
from pip_api.access.principals import Principal
from pip_api.db.columns import Code, Instant, Json, Uid, from_json, to_json
from pip_api.db.constructs import Texts, Uids, any_of
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem, fault, pointer
from pip_api.kernel.query import Filter, Listing, Shown, after, equal
from pip_api.kernel.referrers import Referrer
from pip_api.kernel.shapes import Row, Shape, patch_shape, read_shape
from pip_api.kernel.validation import validated
from pip_api.ledger.as_of import NOW, MarkKind, as_of

Verb = Literal["list", "read", "create", "change", "withdraw"]
ALL_VERBS: tuple[Verb, ...] = ("list", "read", "create", "change", "withdraw")


@dataclass(frozen=True)
class Reference:
    """A field that names rows of another resource, or with no `to` of its own: one, or a list of them.

    A row that is named so cannot be withdrawn. `by` is the column it names them with. `within` is a column that both
    sides must have in common, such as force_code. `path` goes from the members of a list to the name, for lists of
    objects. A `prefix` goes before each name: what does not start with it names nothing here. `looked_at` says that
    rules look at the row that is named, whether the name changes or not.
    """

    field: str
    to: "Resource | None"
    by: str = "id"
    within: str | None = None
    path: str | None = None
    prefix: str = ""
    looked_at: bool = False

    def names(self, values: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """Each pointer with the name that stands there."""
        value = values.get(self.field)
        if value is None:
            return []
        if not isinstance(value, list):
            named = not self.prefix or value.startswith(self.prefix)
            return [(pointer(self.field), value.removeprefix(self.prefix) if self.prefix else value)] if named else []
        if self.path is None:
            return [(pointer(self.field, i), each) for i, each in enumerate(value)]
        return [(pointer(self.field, i, self.path), each[self.path]) for i, each in enumerate(value)]


@dataclass(frozen=True)
class RuleContext:
    """What a rule may look at beside the new state: the old one, the rows referred to, who asks, the moment, and the
    day (London)."""

    by: Principal
    now: datetime
    today: date
    before: Record | None = None
    parent: Record | None = None
    related: Mapping[str, list[Record]] = field(default_factory=dict)

    def problem(self, rule: str, path: str, detail: str, code: str = "rule_broken") -> Record:
        return fault(code, detail, rule=rule, pointer="#" + path)


Rule = Callable[[Record, RuleContext], Iterable[Record]]
Permit = Callable[[Session, Record, RuleContext], AsyncIterator[Record]]
Stay = Callable[[Record, RuleContext], Problem | None]
Completion = Callable[[Session, Record, RuleContext], Awaitable[None]]


@dataclass(eq=False)  # each is declared once, and is itself only
class Resource:
    """A noun of the service.

    `create` is the shape of a new one, `fields` the part of it that can be changed afterwards. `key` is the column that
    people know it by; it never changes. A resource with a `parent` belongs to its parent's force. `complete` fills in,
    at creation, what the service assigns, such as a number; `derived` are columns worked out from the others at every
    write. `sort_as` makes of a column what to sort by instead of itself. `describes` is one sentence for the document.
    `permits` are rules of who may bring a row about at all, beside the permission to write; what breaks one is refused
    with 403. `takes` gives for a row the permission that it takes beside that to write, where not everybody who writes
    the noun writes all of it. `rests` are rules that ask the database, when a row is changed, for what rests on it.
    `moved` are columns that no patch changes, but stories of the noun's own.
    `changes_access` says that its rows decide who reaches what. `known_as` is the member by which sentences speak of a
    row: its key, where nothing else is said. `hidden` are columns that are in no answer and in no entry. What a row
    names is in use, and is not withdrawn, unless its rows keep nothing so (`keeps_in_use`), as those of a report.
    `stays` say of a row why this caller does not withdraw it now. `over` says whether a row has ended: then neither it
    nor what belongs to it is written any more, but for children that outlive it (`outlives`).
    """

    noun: str
    plural: str
    row: type[Row]
    create: type[Shape]
    fields: type[Shape]
    describes: str
    key: str | None = None
    parent: "Resource | None" = None
    filters: Sequence[Filter] = ()
    sorts: Sequence[str] = ()
    references: Sequence[Reference] = ()
    permits: Sequence[Permit] = ()
    takes: Callable[[Record], str] | None = None
    rests: Sequence[Permit] = ()
    rules: Sequence[Rule] = ()
    verbs: Sequence[Verb] = ALL_VERBS
    complete: Completion | None = None
    moved: Sequence[str] = ()
    changes_access: bool = False
    known_as: str = ""
    hidden: Sequence[str] = ()
    keeps_in_use: bool = True
    stays: Sequence[Stay] = ()
    over: Callable[[Record], bool] | None = None
    outlives: bool = False
    derived: Mapping[str, Callable[[Record], Any]] = field(default_factory=dict)
    sort_as: Mapping[str, Callable[[ColumnElement[Any]], ColumnElement[Any]]] = field(default_factory=dict)
    referrers: list[Referrer] = field(default_factory=list, init=False)
    children: list["Resource"] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.table: Table = self.row.__table__  # type: ignore[attr-defined]
        self._rows: dict[MarkKind, FromClause] = {}
        self.home = home_of(self.table)
        self.reads, self.writes = f"{self.noun}:read", f"{self.noun}:write"
        self.names = tuple(name for name in _in_order(self.row, self.create) if name not in self.hidden)
        self.changeable = (*self.fields.model_fields, *self.moved, *self.derived)
        self.label = self.noun.replace("_", " ")
        self.a_label = f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.label}"
        self.known_as = self.known_as or self.key or "id"
        self.lists = frozenset(name for name in self.names if isinstance(self.table.c[name].type, Json))
        stem = "".join(part.capitalize() for part in self.noun.split("_"))
        self.create_shape = self.create
        self.patch_shape = patch_shape(f"{stem}Patch", self.fields)
        self.read_shape: type[BaseModel] = read_shape(f"{stem}Read", self.row, self.names)
        self.stem = stem
        sorts = (*self.sorts, "created_at", "updated_at")
        filters = (equal("id", kind="id"), *self.filters, after("updated_after", "updated_at", "moment"))
        self.listing = Listing(self.rows, self.names, filters, sorts, self._seen, sort_as=self.sort_as)
        self._prepare_statements()
        self.named = [(reference, reference.to or self) for reference in self.references]
        if self.parent is not None:
            self.parent.children.append(self)
            self.parent.children.sort(key=lambda child: child.plural)
        if self.keeps_in_use:
            if self.parent is not None:
                self.parent.referrers.append(Referrer(self, Reference(f"{self.parent.noun}_id", self.parent)))
            for reference, to in self.named:
                to.referrers.append(Referrer(self, reference))

    @property
    def parent_field(self) -> str | None:
        return f"{self.parent.noun}_id" if self.parent is not None else None

    def reached(self, by: Principal) -> tuple[str, ...]:
        """The forces, or the places, whose rows a caller may see."""
        return by.places(self.reads) if self.home == "place" else by.reach(self.reads)

    def force_of(self, row: Record) -> str | None:
        """The force that a row is about, if it is about one."""
        if self.home is None:
            return None
        return force_in(row.get(self.home))

    @property
    def path(self) -> str:
        return "/v1/" + self.plural.replace("_", "-")

    def rows(self, kind: MarkKind = NOW) -> FromClause:
        """The rows as they are, or as they stood."""
        if (found := self._rows.get(kind)) is None:
            found = self._rows[kind] = as_of(self.table, self.noun, kind)
        return found

    def _seen(self, rows: FromClause, shown: Shown) -> Sequence[ColumnElement[Any]]:
        return visible(rows, shown.one_force)

    def one_by(self, name: str, kind: MarkKind = NOW, *, hold: bool = False) -> Statement:
        """The visible row of an id or key. To `hold` it is to let nobody else change it until the transaction ends."""
        if (statement := self._one_by.get((name, kind, hold))) is None:
            rows = self.rows(kind)
            one = select(*(rows.c[each] for each in self.names)).where(
                rows.c[name] == bindparam("name", type_=self.table.c[name].type), *visible(rows)
            )
            one = one.with_for_update(key_share=True) if hold else one
            statement = self._one_by[name, kind, hold] = Statement(one)
        return statement

    def _prepare_statements(self) -> None:
        table = self.table
        self.insert = Statement(insert(table).values({c.name: bindparam(c.name, type_=c.type) for c in table.c}))
        written = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in self.changeable}
        kept = (table.c.id == bindparam("id", type_=Uid()), table.c.version == bindparam("seen"))
        raised = {"version": table.c.version + 1, "updated_at": bindparam("now", type_=Instant())}
        self.update = Statement(update(table).where(*kept).values({**written, **raised}))
        self.withdraw = Statement(
            update(table).where(*kept).values({**raised, "withdrawn_at": bindparam("now", type_=Instant())})
        )
        self._lookups: dict[tuple[str, bool], Statement] = {}
        self._one_by: dict[tuple[str, MarkKind, bool], Statement] = {}

    def lookup(self, by: str, *, withdrawn: bool = False) -> Statement:
        """The visible rows that a list of names means; `by` is the column that holds the names.

        Those in use are held as they are until the transaction ends, so that none is withdrawn meanwhile.
        """
        if (statement := self._lookups.get((by, withdrawn))) is None:
            names = bindparam("names", type_=Uids() if by == "id" else Texts())
            query = select(*(self.table.c[name] for name in self.names)).where(any_of(self.table.c[by], names))
            query = query.where(*visible(self.table))
            if not withdrawn:
                query = query.where(self.table.c.withdrawn_at.is_(None)).with_for_update(read=True)
            statement = self._lookups[by, withdrawn] = Statement(query)
        return statement

    def accepted(self, body: Mapping[str, Any], ignored: list[Record] | None = None) -> Record:
        """A new one as sent, checked. Raises 422 with every fault."""
        wanted = set(self.create_shape.model_fields)
        return self._as_read(validated(self.create_shape, body, wanted, set(self.names) - wanted, ignored))

    def accepted_patch(self, body: Mapping[str, Any], ignored: list[Record] | None = None) -> Record:
        """The members of a merge patch but for its version, checked. Raises 422 with every fault."""
        fixed = set(self.names) - set(self.patch_shape.model_fields)
        return self._as_read(validated(self.patch_shape, body, set(body) - {"version"}, fixed, ignored))

    def _as_read(self, sent: Record) -> Record:
        """What stands in a JSON column is plain JSON from the start: else the same list again would look changed."""
        return {name: from_json(to_json(value)) if name in self.lists else value for name, value in sent.items()}

    def written(self, row: Record) -> Record:
        """The parameters that bring a row from the version before to this one."""
        new = {f"new_{name}": row[name] for name in self.changeable}
        return new | {"id": row["id"], "seen": row["version"] - 1, "now": row["updated_at"]}

    def with_derived(self, row: Record) -> Record:
        """The row with the columns that follow from its others."""
        return row | {name: derive(row) for name, derive in self.derived.items()}

    def reference_of(self, row: Record) -> str | None:
        """What people call this row."""
        return str(row[self.key]) if self.key is not None else None


def home_of(table: FromClause) -> str | None:
    """The column that says where the rows of a table belong: to a force, or to a place; reference data has neither."""
    return next((name for name in ("force_code", "place") if name in table.c), None)


def visible(table: FromClause, one_force: bool = False) -> Sequence[ColumnElement[Any]]:
    """The condition that starts every select: only rows of the forces or places in the caller's reach (the parameter
    `forces`).

    Or of `one_force` in it (the parameter `force`). Reference data that no force owns has no such condition.
    """
    if (home := home_of(table)) is None:
        return ()
    if one_force and home == "force_code":
        return (table.c.force_code == bindparam("force", type_=Code),)
    return (any_of(table.c[home], bindparam("forces", type_=Texts())),)


def _in_order(row: type[Row], create: type[Shape]) -> tuple[str, ...]:
    """The columns in the order in which an answer shows them."""
    last = ("version", "created_at", "updated_at", "withdrawn_at")
    own = [name for name in create.model_fields if name in row.model_fields]
    derived = [name for name in row.model_fields if name not in own and name not in last and name != "id"]
    return ("id", *derived, *own, *last)
