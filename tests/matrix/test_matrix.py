"""Who is answered what? Every operation x everybody who may ask x everywhere the thing asked for may be."""

import httpx
import pytest

from tests.matrix.asking import RULES, asked
from tests.matrix.table import FORCE_AT, NOUNS, OWN, TABLE, Caller, Rule, covers, expected
from tests.matrix.trying import Tried
from tests.matrix.world import World, sentinel
from tests.soak import LONG, WHOLE

PROVING = ("everything", "own", "same_region", "other_region", "withdrawn_elsewhere")
"""The positions at which the quick form looks whether one wall is enough."""


def _first_of_their_kind() -> list[str]:
    """The operations of one noun of each shape, and all that are of no such noun: nouns of one shape go the same ways
    through the kernel."""
    first = {noun.shape: noun.name for noun in reversed(NOUNS.values())}
    alike = {name for noun in NOUNS.values() if noun.name != first[noun.shape] for name in noun.lines()}
    return [name for name in RULES if name not in alike]


FIRST = _first_of_their_kind()
BOTH = list(RULES) if WHOLE else FIRST
"""What is asked for on both databases; the others on SQLite only."""
OTHERS = [name for name in RULES if name not in BOTH]


def test_the_table_has_each_operation_and_no_other() -> None:
    assert set(RULES) == set(TABLE["operations"])
    named = {role for rule in RULES.values() for role in rule.may}
    assert named == {*TABLE["roles"], "account"}


@pytest.mark.parametrize("name", BOTH)
async def test_everybody_is_answered_what_the_table_says(tried: Tried, name: str) -> None:
    await _answers(tried, name)


@pytest.mark.skipif(not OTHERS, reason="all of them are asked for on both databases")
@pytest.mark.parametrize("settled", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", OTHERS)
async def test_and_for_nouns_of_one_shape_alike(tried: Tried, name: str) -> None:
    await _answers(tried, name)


async def _answers(tried: Tried, name: str) -> None:
    wrong: list[str] = []
    for caller, client in tried.clients.items():
        wrong += await _faults(tried.world, client, RULES[name], caller, _tried(RULES[name], caller))
    assert not wrong, "\n".join([f"{len(wrong)} cells are wrong", *wrong[:20]])


@pytest.mark.parametrize("settled", ["postgresql"], indirect=True)
@pytest.mark.parametrize("name", RULES if LONG else FIRST)
async def test_one_wall_is_enough(breached: Tried, name: str) -> None:
    """With the first off, what is left goes by force and not by role: who holds two is for the first wall to hold."""
    rule, doors, wrong = RULES[name], breached.first_wall, []
    for caller, client in breached.clients.items():
        if not caller.unknown and caller.holds(rule) and (doors or len(caller.grants) == 1):
            positions = [each for each in rule.positions if LONG or each in PROVING]
            wrong += await _faults(breached.world, client, rule, caller, positions, doors=doors)
    assert not wrong, "\n".join([f"{len(wrong)} cells are wrong", *wrong[:20]])


async def _faults(
    world: World, client: httpx.AsyncClient, rule: Rule, caller: Caller, positions: list[str], *, doors: bool = True
) -> list[str]:
    """The cells in which one caller is answered otherwise than the table says. Without the doors of the kernel the
    database refuses what it does not let in, but in other words.
    """
    wrong: list[str] = []
    refusals: dict[int, set[tuple[str, tuple[tuple[str, str], ...]]]] = {}
    for position in positions:
        status = expected(rule, RULES[rule.sees], caller, position)
        answer = await asked(client, world, rule, position)
        got = 200 if answer.is_success else answer.status_code
        if not doors and rule.of_force and (got, status) == (200, 404):
            signs = [row.sign for row in world.live.get(rule.of, []) if row.sign in answer.text]
            wrong += [f"{caller.name} {position}: shows {sign}" for sign in signs]
        elif got != status and (doors or min(got, status) < 400 or got >= 500):
            wrong.append(f"{caller.name} {position}: {answer.status_code}, not {status}: {answer.text[:300]}")
        elif got == 200:
            wrong += _shown(answer, world, rule, caller, position)
        wrong += _told(answer, caller, position)
        if got == status == 404 or (got == status == 422 and _out_of_sight(caller, position)):
            refusals.setdefault(got, set()).add(_comparable(answer))
    if doors:
        differ = [kinds for kinds in refusals.values() if len(kinds) > 1]
        wrong += [f"{caller.name}: refusals that differ: {kinds}"[:2_000] for kinds in differ]
    return wrong


def _comparable(answer: httpx.Response) -> tuple[str, tuple[tuple[str, str], ...]]:
    """All of a refusal, byte by byte; of an import's, what does not tell the file's own rows and size back."""
    if "problem_groups" in answer.text:
        return str(answer.json()["problem_groups"]), ()
    return answer.text, tuple(answer.headers.multi_items())


def _out_of_sight(caller: Caller, position: str) -> bool:
    return position == "missing" or (position in FORCE_AT and not caller.reaches(FORCE_AT[position]))


def _tried(rule: Rule, caller: Caller) -> list[str]:
    """The positions for one caller; in the quick form two are enough where they are all refused alike."""
    alike = caller.unknown or not caller.holds(rule)
    return [rule.positions[0], rule.positions[-1]] if alike and not LONG else rule.positions


def _shown(answer: httpx.Response, world: World, rule: Rule, caller: Caller, position: str) -> list[str]:
    """What is wrong with the rows that a success shows."""
    rows = world.live.get(rule.of, [])
    shown = {row.sign for row in rows if row.sign in answer.text}
    if rule.shape == "create" or rule.method != "GET" or "/diff" in rule.address:
        return []
    if rule.shape == "one":
        right = {world.at[rule.of, position].sign}
        shown |= {row.sign for row in [world.at[rule.of, position]] if row.sign in answer.text}
    else:
        places = caller.holds(rule)
        asked = None if position == "everything" else world.filled("$force", position)
        right = {
            row.sign
            for row in rows
            if rule.scope == "reference"
            or (any(covers(place, row.force) for place in places) and asked in (None, row.force))
        }
    return [] if shown == right else [f"{caller.name} {position}: shows {shown}, not {right}"]


def _told(answer: httpx.Response, caller: Caller, position: str) -> list[str]:
    """Words of forces that the caller does not reach, anywhere in the answer."""
    whole = f"{answer.headers}{answer.text}"
    words = [sentinel(force) for force in OWN.values() if caller.unknown or not caller.reaches(force)]
    return [f"{caller.name} {position}: is told of {word}" for word in words if word in whole]
