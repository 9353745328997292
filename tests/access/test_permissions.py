"""Is the one table of roles and permissions whole, with nothing dead in it?"""

import re

import pytest

from pip_api.access.permissions import (
    EVERY_ACCOUNT,
    OVERRIDE,
    OWN,
    PERMISSIONS,
    ROLES,
    is_for_people,
    is_personal,
)
from pip_api.contract import OPERATIONS
from pip_api.resources.inspections import GRADES
from pip_api.rules.lifecycle import ANSWERS, MOVING
from tests.service import Service

USED = {operation.permission for operation in OPERATIONS}
BESIDE = {OVERRIDE, *ANSWERS.values(), *GRADES.values()} | MOVING
"""Asked for beside the permission of an operation."""


def test_every_permission_of_an_operation_is_held_by_a_role() -> None:
    assert {each.permission for each in OPERATIONS} <= PERMISSIONS


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_of_a_role_opens_an_operation(role: str) -> None:
    assert ROLES[role] <= USED | BESIDE
    assert all(re.fullmatch(r"[a-z_]+:(read|write|run|rotate|approve|move)", each) for each in ROLES[role] - BESIDE)


def test_who_may_write_may_read() -> None:
    for role, held in ROLES.items():
        for each in held:
            noun, _, verb = each.partition(":")
            assert verb != "write" or f"{noun}:read" in held, (role, each)


def test_whoever_grants_neither_writes_nor_submits_plans() -> None:
    """Also not through a permission that is wider: of plans, what they rest on, and their figures."""
    for role, held in ROLES.items():
        if "grant:write" in held:
            doing = {each for each in held - OWN if not each.endswith(":read")}
            assert doing == {"account:write", "credential:write", "grant:write"}, role


def test_the_roles_are_those_of_the_contract() -> None:
    assert set(ROLES) == {
        "force_reader", "force_contributor", "force_lead", "force_approver", "data_submitter", "regional_triage",
        "ppmg_member", "reviewer_home_office", "reviewer_hmicfrs", "reviewer_college", "national_admin", "auditor",
        "access_admin", "redactor", "people_lead",
    }  # fmt: skip


def test_an_auditor_reads_the_audit_and_nothing_else() -> None:
    assert ROLES["auditor"] == {"audit:read"}
    assert {role for role, held in ROLES.items() if "audit:read" in held} == {"auditor"}


def test_what_is_for_people_is_not_mixed_with_the_work_on_plans() -> None:
    assert {role for role, held in ROLES.items() if any(map(is_for_people, held))} == {
        "auditor",
        "access_admin",
        "redactor",
    }


def test_only_the_administrator_changes_what_is_national() -> None:
    national = {"region:write", "force:write", "support_level:write", "measure:write"}
    assert {role for role, held in ROLES.items() if held & national} == {"national_admin"}


def test_what_is_known_of_single_people_is_for_those_who_lead_them() -> None:
    personal = {each for held in ROLES.values() for each in held if is_personal(each)}
    assert len(personal) == 8
    assert {role for role, held in ROLES.items() if held & personal} == {"people_lead"}


async def test_each_role_may_call_what_its_permissions_say_and_nothing_else(service: Service) -> None:
    """Whatever is sent, 403 comes exactly when the permission is not held: it is decided before anything is read."""
    nobody = "01890000-0000-7000-8000-000000000000"
    for role, held in ROLES.items():
        caller = await service.caller(role)
        for operation in OPERATIONS:
            path = re.sub(r"\{[a-z_]+\}", nobody, operation.path)
            answer = await caller.request(operation.method, path)
            denied = answer.status_code == 403
            assert denied == (operation.permission not in held | EVERY_ACCOUNT), (role, operation.id, answer.text)
            if denied:
                assert answer.json()["required"] == [operation.permission]
