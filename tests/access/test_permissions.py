"""Is the one table of roles and permissions whole, with nothing dead in it?"""

import re

import pytest

from pip_api.access.permissions import OVERRIDE, PERMISSIONS, ROLES
from pip_api.app import OPERATIONS
from tests.service import Service

USED = {operation.permission for operation in OPERATIONS}


def test_every_permission_of_an_operation_is_held_by_a_role() -> None:
    assert {each.permission for each in OPERATIONS} <= PERMISSIONS


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_of_a_role_opens_an_operation(role: str) -> None:
    assert ROLES[role] <= USED | {OVERRIDE}
    assert all(re.fullmatch(r"[a-z_]+:(read|write|run|rotate)", each) for each in ROLES[role] - {OVERRIDE})


def test_who_may_write_may_read() -> None:
    for role, held in ROLES.items():
        for each in held:
            noun, _, verb = each.partition(":")
            assert verb != "write" or f"{noun}:read" in held, (role, each)


def test_only_the_administrator_changes_what_is_national() -> None:
    national = {"region:write", "force:write", "support_level:write", "measure:write"}
    assert {role for role, held in ROLES.items() if held & national} == {"national_admin"}


async def test_each_role_may_call_what_its_permissions_say_and_nothing_else(service: Service) -> None:
    """Whatever is sent, 403 comes exactly when the permission is not held: it is decided before anything is read."""
    nobody = "01890000-0000-7000-8000-000000000000"
    for role, held in ROLES.items():
        caller = await service.caller(role, "national")
        for operation in OPERATIONS:
            path = re.sub(r"\{[a-z_]+\}", nobody, operation.path)
            answer = await caller.request(operation.method, path)
            denied = answer.status_code == 403
            assert denied == (operation.permission not in held), (role, operation.id, answer.text)
            if denied:
                assert answer.json()["required"] == [operation.permission]
