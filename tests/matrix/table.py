"""What does the hand-written table say that a caller is answered?"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.matrix.nouns import nouns
from tests.plans import AVON, DEVON, KENT

TABLE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("roles.yaml").read_text())
NOUNS = nouns(TABLE["nouns"])
for _noun in NOUNS.values():
    TABLE["operations"] = _noun.lines() | TABLE["operations"]
REGION = "south-west"
OWN = {"own": AVON, "same_region": DEVON, "other_region": KENT}
"""The positions of things that a force owns, and whose they are."""
FORCE_AT = {**OWN, "withdrawn": AVON, "withdrawn_elsewhere": KENT}
HERE = {"national": "national", "region": f"region:{REGION}", "force": f"force:{AVON}"}
"""Where the callers of the matrix hold a role."""


def covers(place: str, force: str | None) -> bool:
    """Whether a place takes a force in; or, for none, what is national."""
    scope, _, code = place.partition(":")
    if force is None or scope == "national":
        return scope == "national"
    return force in (AVON, DEVON) if scope == "region" else force == code


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: what they hold, and what may be wrong with it."""

    name: str
    grants: tuple[tuple[str, str], ...] = ()
    flaw: str | None = None
    """Of the token, the account or the grants; the first two are refused with 401."""
    permissions: tuple[str, ...] | None = None
    """To which permissions the token is narrowed."""

    @property
    def person(self) -> bool:
        return any(role in TABLE["people"] for role, _ in self.grants)

    @property
    def unknown(self) -> bool:
        return self.flaw not in (None, "expired_grant")

    def holds(self, rule: "Rule") -> list[str]:
        """The places where a role is held that may do it, by a token that is good for it."""
        needed = {rule.permission, *rule.also}
        spoilt = self.unknown if "account" in rule.may else self.flaw is not None
        if spoilt or (self.permissions is not None and not needed.issubset(self.permissions)):
            return []
        if "account" in rule.may:
            return ["national"]
        return [place for role, place in self.grants if role in rule.may]

    def reaches(self, force: str) -> bool:
        """Whether anything of this force may come before this caller."""
        return any(covers(place, force) for _, place in self.grants)


def callers() -> list[Caller]:
    """Each role on each scope that it can be held on, and those who hold nothing, or too much, or something spoilt."""
    lead = (("force_lead", f"force:{AVON}"),)
    both = (*lead, ("regional_triage", f"region:{REGION}"))
    apart = (("force_lead", f"force:{KENT}"), ("force_reader", f"force:{AVON}"))
    return [
        *(
            Caller(f"{role}-{scope}".replace("_", "-"), ((role, HERE[scope]),))
            for role, scopes in TABLE["roles"].items()
            for scope in scopes
        ),
        Caller("two-roles", both),
        Caller("two-forces", apart),
        Caller(
            "narrowed",
            lead,
            permissions=("pip:read", "pip:write", "board:read", "concern:read", "figure:read", "force:read"),
        ),
        Caller("no-grants"),
        Caller("expired-grant", lead, "expired_grant"),
        Caller("disabled", lead, "disabled"),
        Caller("anonymous", lead, "anonymous"),
        Caller("expired-token", lead, "expired_token"),
        Caller("wrong-audience", lead, "wrong_audience"),
    ]


@dataclass(frozen=True)
class Rule:
    """What the table says of one operation."""

    id: str
    method: str
    address: str
    permission: str
    filtered: bool
    """Whether it takes the filter `force`."""
    changes: bool
    """Whether it changes a row of which the caller has to say the version."""
    paged: bool
    may: list[str]
    scope: str
    of: str
    sees: str
    also: tuple[str, ...] = ()
    send: Any = None
    query: dict[str, Any] | None = None
    path: dict[str, str] | None = None
    withdrawn: int | None = 410
    """None where nothing of the kind can be withdrawn."""
    people: int | None = None
    elsewhere: int | None = None
    malformed: int | None = None
    denied: int = 403
    stopped: tuple[str, ...] = ()
    """Roles that may do it, but not what the table sends."""
    stopped_with: int = 409

    @property
    def of_force(self) -> bool:
        """Whether it tells of a force in its address what its rows come to: nothing, where the database gives none."""
        return self.method == "GET" and "/{force}/" in self.address and "{period}" not in self.address

    @property
    def shape(self) -> str:
        if self.method == "POST" and "{" not in self.address:
            return "create"
        return "one" if "{" in self.address else "list"

    @property
    def positions(self) -> list[str]:
        """Where the thing asked for is."""
        if self.shape == "list":
            return ["everything", *OWN, "missing"] if self.filtered else ["everything"]
        where = [*OWN, "withdrawn_elsewhere"] if self.scope == "force" else ["national"]
        if self.shape == "create" and "$" not in str(self.send):
            return where[:1]
        rests_on_rows = self.shape == "one" or re.search(r"\$(?!force)", str(self.send))
        if self.withdrawn is None or not rests_on_rows:
            where = [each for each in where if each != "withdrawn_elsewhere"]
        else:
            where.append("withdrawn")
        return [*where, "missing", "malformed"]


def rules(document: dict[str, Any]) -> dict[str, Rule]:
    """A rule for each operation that asks for a permission; KeyError where the table has none."""
    return {
        operation["operationId"]: _rule(method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "x-permission" in operation
    }


def _rule(method: str, path: str, operation: dict[str, Any]) -> Rule:
    name = operation["operationId"]
    says = TABLE["operations"][name]
    given = {each.get("name", each.get("$ref", "").rpartition("/")[2]) for each in operation.get("parameters", ())}
    return Rule(
        name, method, path, operation["x-permission"], not given.isdisjoint({"force", "Force"}),
        method != "PUT" and any(each.startswith("IfMatch") for each in given),
        not given.isdisjoint({"limit", "Limit"}),
        **{"sees": name, **says},
    )  # fmt: skip


def expected(rule: Rule, sees: Rule, caller: Caller, position: str) -> int:
    """The status of the answer; 200 stands for any success."""
    if caller.unknown:
        return 401
    places = caller.holds(rule)
    if not places:
        return 403
    if caller.person and rule.people is not None:
        return rule.people
    if rule.shape == "list":
        return 200
    none = 422 if rule.shape == "create" else 404
    force = FORCE_AT.get(position) if rule.scope == "force" else None
    if rule.scope == "national" and rule.shape == "create" and not any(covers(place, None) for place in places):
        return none if position == "malformed" else rule.denied
    if position == "missing":
        return none
    if position == "malformed":
        return rule.malformed or none
    if not _visible(rule, sees, caller, force):
        return rule.elsewhere or none
    permitted = rule.scope == "reference" or any(covers(place, force) for place in places)
    if position.startswith("withdrawn"):
        if rule.shape == "create":
            return 422 if permitted or "force_code" not in rule.send else rule.denied
        return rule.withdrawn or 404
    held = [role for role, place in caller.grants if role in rule.may and covers(place, force)]
    if permitted and held and set(held) <= set(rule.stopped):
        return rule.stopped_with
    return 200 if permitted else rule.denied


def _visible(rule: Rule, sees: Rule, caller: Caller, force: str | None) -> bool:
    places = caller.holds(sees)
    if sees.scope == "reference":
        return bool(places)
    if rule.scope == "national" and rule.shape == "create":
        return True  # there is nothing to be seen yet
    return any(covers(place, force) for place in places)
