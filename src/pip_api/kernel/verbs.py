"""How is a request to a resource answered? The stories that every resource shares, each read from top to bottom."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from pip_api.access.permissions import OVERRIDE
from pip_api.access.places import force_in
from pip_api.db.columns import to_json
from pip_api.db.statements import Record
from pip_api.http.preconditions import content_etag, etag, expected
from pip_api.http.problems import Problem, fault, pointer
from pip_api.http.query import several, unknown
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.changes import since
from pip_api.kernel.endings import parent_of, require_going_on
from pip_api.kernel.expand import Tree, expand, require_bounded, wanted
from pip_api.kernel.pages import list_page, tagged
from pip_api.kernel.resource import Resource, RuleContext
from pip_api.kernel.validation import identified, invalid
from pip_api.kernel.writing import changes, following, fresh, write
from pip_api.ledger import entries
from pip_api.ledger.as_of import Mark

MOST_TOLD = 100
"""Changes that a refusal tells of, at most."""


async def list_(of: Resource, call: Call) -> Answer:
    """A page of the rows that the caller may see."""
    fields, tree = asked_fields(of.names, call), wanted(of, call.query.get("expand"))

    async def shaped(rows: list[Record], mark: Mark) -> list[Record]:
        await expand(of, rows, tree, call, mark)
        require_bounded(rows, tree)
        return [_only(row, fields, tree) for row in rows] if fields else rows

    return await list_page(of.listing, call, of.path, {"forces": of.reached(call.by)}, shaped, plain=not tree)


async def read(of: Resource, call: Call) -> Answer:
    """One row."""
    fields, tree = asked_fields(of.names, call), wanted(of, call.query.get("expand"))
    if tree:
        return await _read_expanded(of, call, fields, tree)
    row = await find(of, call, call.path["id"])
    tag = etag(row["version"], ",".join(fields) if fields else "")
    timemap = {} if call.moment is None else {"Link": f'<{of.path}/{row["id"]}/versions>; rel="timemap"'}
    return tagged(call, tag, _only(row, fields, {}), timemap)


async def _read_expanded(of: Resource, call: Call, fields: list[str], tree: Tree) -> Answer:
    """One row with what it is related to, all of one moment. Its tag is of all that it shows."""
    mark = Mark(call.moment, await call.session.snapshot(), call.now)
    row = await find(of, call, call.path["id"], mark=mark)
    await expand(of, [row], tree, call, mark)
    require_bounded([row], tree)
    body = to_json(_only(row, fields, tree))
    return tagged(call, etag(row["version"], content_etag(body)), body)


async def create(of: Resource, call: Call, hidden: Mapping[str, Any] | None = None) -> Answer:
    """A new row, with its ledger entry. A story that knows its hidden columns gives them."""
    new = of.accepted(call.body(), call.ignored)
    parent, related, errors = await _related(of, call, new, new)
    home = None if of.home is None else (new if parent is None else parent).get(of.home)
    # Where it would belong is looked at first: a force, a place or a parent that there is not, or that the caller does
    # not see, is told as a fault of the body (422), and not as a want of permission.
    if of.home is None or (home is not None and all(each["pointer"] != pointer(of.home) for each in errors)):
        await require_permitted(of, call, new, None, home)
        _require_writer(of, call, new, home)
        require_going_on(of, None, parent)
    errors += [] if of.home is not None and home is None else _rules(of, call, new, None, parent, related)
    if errors:
        raise invalid(errors)
    row = of.with_derived(fresh(of, call, new) | ({} if of.home is None else {of.home: home}))
    row |= hidden or {}
    sent = dict(row)
    if of.complete is not None:
        await of.complete(call.session, row, RuleContext(call.by, call.now, call.today, None, parent, related))
    given = [name for name in of.names if row[name] != sent[name]]
    await write(of, call, "created", row, changes(of, row, None), given)
    shown = {name: row[name] for name in of.names} if of.hidden else row
    return Answer(201, shown, {"ETag": etag(1), "Location": f"{of.path}/{row['id']}"})


async def change(of: Resource, call: Call) -> Answer:
    """A merge patch on the version that the caller has seen."""
    before = await find(of, call, call.path["id"], hold=True)
    _require_writer(of, call, before, _home(of, before))
    call.check_media_type()
    await require_current(of, call, before, call.body)
    patch = of.accepted_patch(call.body(), call.ignored)
    changed = {name: value for name, value in patch.items() if value != before[name]}
    if not changed:
        return Answer(200, before, {"ETag": etag(before["version"])})
    after = of.with_derived(before | changed)
    parent, related, errors = await _related(of, call, changed, after)
    require_going_on(of, before, parent)
    if broken := _rules(of, call, after, before, parent, related):
        # What was wrong already, and is not touched, keeps nobody from mending something else.
        already = {_place(each) for each in _rules(of, call, before, before, parent, related)}
        touched = {pointer(name) for name in changed}
        errors += [each for each in broken if _place(each) not in already or _member(each) in touched]
    context = RuleContext(call.by, call.now, call.today, before, parent, related)
    errors += [problem for rule in of.rests async for problem in rule(call.session, after, context)]
    await require_permitted(of, call, after, before, _home(of, after))
    _require_writer(of, call, after, _home(of, after))
    if errors:
        raise invalid(errors)
    after |= following(call, before)
    moved = [name for name in of.changeable if after[name] != before[name]]
    await write(of, call, "changed", after, changes(of, after, moved))
    return Answer(200, after, {"ETag": etag(after["version"])})


async def withdraw(of: Resource, call: Call) -> Answer:
    """Takes a row out of use. It stays readable in its versions: rows are never deleted."""
    before = await find(of, call, call.path["id"], hold=True)
    _require_writer(of, call, before, _home(of, before))
    await require_current(of, call, before, None)
    require_going_on(of, before, await parent_of(of, call.session, before))
    context = RuleContext(call.by, call.now, call.today, before)
    for refusal in (stay(before, context) for stay in of.stays):
        if refusal is not None:
            raise refusal
    for referrer in of.referrers:
        if await referrer.names(call.session, before):
            raise Problem("in_use", f"It is still named by {referrer.of.plural.replace('_', ' ')}.")
    after = before | following(call, before)
    after["withdrawn_at"] = after["updated_at"]
    await write(of, call, "withdrawn", after, changes(of, after, ["withdrawn_at"]))
    return Answer(204, headers={"ETag": etag(after["version"])})


async def require_current(
    of: Resource, call: Call, before: Record, body: Callable[[], Mapping[str, Any]] | None
) -> None:
    """Raises 428 for a change that names no version, and 412 for one that names another than the current one.

    Whoever may override changes a row whatever its version is; the ledger says so.
    """
    if call.if_match is not None and call.if_match.strip() == "*":
        call.require_for(OVERRIDE, _home(of, before))
        call.overrides = True
        return
    try:
        expected(call.if_match, None if body is None else lambda: _body_version(body()), before["version"])
    except Problem as refusal:
        seen = refusal.extra.get("expected_version", 0)
        if 0 < seen < before["version"]:
            most = min(before["version"] - seen, MOST_TOLD) + 1
            states = await entries.versions(call.session, before["id"], before["version"] + 1, most)
            refusal.extra |= since(states, seen, _sent_in(body))
        raise


def _sent_in(body: Callable[[], Mapping[str, Any]] | None) -> Collection[str]:
    """The members of a body, if it can be read: what is wrong with it is not looked at yet."""
    try:
        return () if body is None else body()
    except Problem:
        return ()


async def find(
    of: Resource, call: Call, name: str, *, withdrawn: bool = False, hold: bool = False, mark: Mark | None = None
) -> Record:
    """The row of an id or a reference. Raises 404, the same for what is missing and for what the caller may not see.

    To `hold` it is to let nobody else change it, or rest anything on it, until the transaction ends.
    """
    column, value = identified(name, of.key)
    row, mark = None, mark or Mark(call.moment)
    known = {"name": value, "forces": of.reached(call.by)}
    if value is not None:
        row = await call.session.one(of.one_by(column, mark.kind, hold=hold), **known, **mark.params)
    if row is None and value is not None and call.moment is not None:
        later = await call.session.one(of.one_by(column), **known)
        if later is not None:
            created = {"created_at": later["created_at"]}
            raise Problem("not_yet_created", f"The {of.label} was created after this moment.", extra=created)
    if row is None:
        raise Problem("not_found", f"There is no {of.label} with this id.")
    if row["withdrawn_at"] is not None and not withdrawn:
        versions = f"{of.path}/{row['id']}/versions"
        raise Problem(
            "withdrawn",
            "Its versions can still be read.",
            extra={"withdrawn_at": row["withdrawn_at"], "versions": versions},
        )
    return row


async def _related(
    of: Resource, call: Call, sent: Record, after: Record
) -> tuple[Record | None, dict[str, list[Record]], list[Record]]:
    """The parent and the rows referred to, as far as the caller may see them; and a fault for each that is not there.

    What is invisible is refused in the words of what is missing.
    """
    errors: list[Record] = []
    parent = None
    related: dict[str, list[Record]] = {}
    if of.parent is not None and (field := of.parent_field) is not None:
        rows = await call.session.fetch(of.parent.lookup("id"), names=[after[field]], forces=of.parent.reached(call.by))
        parent = rows[0] if rows else None
        if parent is None:
            errors.append(_missing(pointer(field), of.parent))
    for reference, to in of.named:
        named = reference.names(sent if reference.field in sent else after if reference.looked_at else {})
        if not named:
            continue
        names = sorted({str(name) for _, name in named})
        asked: list[Any] = [UUID(name) for name in names] if reference.by == "id" else names
        rows = await call.session.fetch(to.lookup(reference.by), names=asked, forces=to.reached(call.by))
        shared = reference.within
        home = None if shared is None else after.get(shared) or (parent or {}).get(shared)
        found = {str(row[reference.by]) for row in rows if shared is None or home in (None, row[shared])}
        if reference.field == "force_code":  # anybody may know a force, but what it owns is only for those who reach it
            found.intersection_update(call.by.reach(of.reads))
        if reference.field in sent:
            errors += [_missing(place, to) for place, name in named if str(name) not in found]
        related[reference.field] = rows
    return parent, related, errors


def _home(of: Resource, row: Record) -> str | None:
    """Where a permission has to be held for this row."""
    return None if of.home is None else row[of.home]


def _missing(place: str, to: Resource) -> Record:
    return fault("unknown_reference", f"There is no such {to.label} here.", pointer=place)


def _rules(
    of: Resource,
    call: Call,
    after: Record,
    before: Record | None,
    parent: Record | None,
    related: Mapping[str, list[Record]],
) -> list[Record]:
    context = RuleContext(call.by, call.now, call.today, before, parent, related)
    return [problem for rule in of.rules for problem in rule(after, context)]


def _require_writer(of: Resource, call: Call, row: Record, home: str | None) -> None:
    """Raises 403 for who may not write such a row here."""
    call.require_for(of.writes, home)
    if of.takes is not None:
        call.require_for(of.takes(row), home)


async def require_permitted(of: Resource, call: Call, after: Record, before: Record | None, home: str | None) -> None:
    """Raises 403 for what this caller may not bring about."""
    context = RuleContext(call.by, call.now, call.today, before)
    if broken := [problem for rule in of.permits async for problem in rule(call.session, after, context)]:
        raise Problem("grant_denied", broken[0]["detail"], errors=broken, unsaid=force_in(home))


def _place(problem: Record) -> tuple[str, str]:
    return problem["rule"], problem["pointer"]


def _member(problem: Record) -> str:
    return "/".join(problem["pointer"].split("/")[:2])


def _body_version(body: Mapping[str, Any]) -> int | None:
    version = body.get("version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or abs(version) >= 10**18):
        raise invalid([fault("int_type", "The version is a whole number of at most 18 digits.", pointer="#/version")])
    return version


def asked_fields(names: Sequence[str], call: Call) -> list[str]:
    """The members asked for, of these. Raises 400 for one that there is not."""
    asked = several("fields", call.query["fields"]) if "fields" in call.query else []
    if wrong := [unknown(name, names, "fields", "member") for name in asked if name not in names]:
        raise Problem("invalid_parameter", "The list of fields names one that there is not.", errors=wrong)
    return asked


def _only(row: Record, fields: list[str], tree: Tree) -> Record:
    return {name: row[name] for name in (*fields, *tree)} if fields else row
