"""Does a statement, compiled once, say the same on both databases?"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Date, Integer, String, bindparam, cast, func, literal, null, select, union_all

from pip_api.db.columns import Amount, Instant, Json, Uid, from_json, to_json
from pip_api.db.constructs import (
    Texts,
    Uids,
    any_of,
    as_json,
    as_uid,
    constant,
    decimal_sum,
    differs,
    each,
    json_record,
    json_text,
)
from pip_api.db.session import Database
from pip_api.db.statements import Statement

ONE, TWO = UUID("01890000-0000-7000-8000-000000000001"), UUID("01890000-0000-7000-8000-000000000002")
AWKWARD = ["a'b", 'c"d', "{e}", "f,g", "back\\slash", "\\", " ", "", "NULL", "é\U0001f600", "new\nline"]


async def asked(database: Database, clause: Any, **params: Any) -> list[dict[str, Any]]:
    async with database.read() as session:
        return await session.fetch(Statement(clause), **params)


async def test_parameters_may_be_used_twice_and_have_types(database: Database) -> None:
    day, number = bindparam("day", type_=Date()), bindparam("n", type_=Integer())
    clause = select(day.label("day"), (number + 1).label("more"), (number * 2).label("twice"), literal("x").label("x"))
    assert await asked(database, clause, day=date(2026, 10, 5), n=4) == [
        {"day": date(2026, 10, 5), "more": 5, "twice": 8, "x": "x"}
    ]


async def test_a_statement_is_compiled_once_for_each_database(database: Database) -> None:
    statement = Statement(select(bindparam("n", type_=Integer()).label("n")))
    assert statement.on(database.dialect) is statement.on(database.dialect)
    async with database.read() as session:
        for n in range(10):  # also after the driver has prepared it
            assert await session.fetch(statement, n=n) == [{"n": n}]


async def test_a_list_has_any_length(database: Database) -> None:
    code = cast("kent", String)
    for word in AWKWARD:
        clause = select(literal(1).label("one")).where(any_of(literal(word), bindparam("names", type_=Texts())))
        assert len(await asked(database, clause, names=["x", *AWKWARD])) == 1, word
        assert await asked(database, clause, names=[each for each in AWKWARD if each != word]) == [], word
    for names, found in (([], 0), (["kent"], 1), (["essex", "kent", *AWKWARD], 1), ([*AWKWARD], 0), (["essex"], 0)):
        clause = select(literal(1).label("one")).where(any_of(code, bindparam("names", type_=Texts())))
        assert len(await asked(database, clause, names=names)) == found
    rows = union_all(*(select(literal(id, Uid()).label("id")) for id in (ONE, TWO))).subquery()
    clause = select(rows.c.id).where(any_of(rows.c.id, bindparam("ids", type_=Uids())))
    assert await asked(database, clause, ids=[TWO]) == [{"id": TWO}]


async def test_a_list_inside_a_statement_has_no_fixed_text(database: Database) -> None:
    one_of_two = select(literal(1).label("one")).where(literal(1).in_([1, 2]))
    with pytest.raises(TypeError, match="any_of"):
        await asked(database, one_of_two)


async def test_a_json_list_is_a_table(database: Database) -> None:
    value = bindparam("value", type_=Json())
    if database.dialect.name == "postgresql":
        value = cast(value, Json())  # type: ignore[assignment]
    member = each(value)
    found = await asked(database, select(as_uid(member.c.value).label("id")).select_from(member), value=[ONE, TWO])
    assert [row["id"] for row in found] == [ONE, TWO]


async def test_a_record_and_a_sum_are_exact(database: Database) -> None:
    rows = union_all(*(select(literal(Decimal(n), Amount()).label("n")) for n in ("0.1", "0.20"))).subquery()
    total = decimal_sum(rows.c.n)
    shown = json_text(json_record(("sum", as_json(total)), ("word", constant("word")), ("none", null())))
    (row,) = await asked(database, select(total.label("total"), shown.label("shown")))
    assert str(row["total"]) == "0.30"
    record = from_json(row["shown"])
    assert (str(record["sum"]), record["word"], record["none"]) == ("0.30", "word", None)
    nothing = select(decimal_sum(rows.c.n).label("total")).where(func.length(cast(rows.c.n, String)) == 99)
    assert await asked(database, nothing) == [{"total": None}]


async def test_an_answer_is_the_same_however_its_values_are_read(database: Database) -> None:
    values: dict[str, tuple[Any, Any]] = {
        "id": (Uid(), ONE),
        "share": (Amount(), Decimal("61.40")),
        "list": (Json(), ["a", Decimal("0.10"), {"b": None}, "é\U0001f600"]),
        "day": (Date(), date(2026, 10, 5)),
        "at": (Instant(), datetime(2026, 10, 5, 9, 30, tzinfo=UTC)),
        "then": (Instant(), datetime(2026, 10, 5, 9, 30, 0, 120, tzinfo=UTC)),
        "n": (Integer(), 5),
        "word": (String(), 'a"b'),
    }
    clause: Any = select(*(bindparam(name, type_=type_).label(name) for name, (type_, _) in values.items()))
    for params in ({name: value for name, (_, value) in values.items()}, dict.fromkeys(values)):
        async with database.read() as session:
            (row,) = await session.fetch(Statement(clause), **params)
            (piece,) = await session.fetch(Statement(clause, for_answer=True), **params)
        assert row == params
        assert to_json(piece).replace(b": ", b":").replace(b", ", b",") == to_json(row)
        assert isinstance(piece["id"], str | None)


async def test_amounts_differ_by_their_value(database: Database) -> None:
    left, right = bindparam("left", type_=Amount()), bindparam("right", type_=Amount())
    clause = select(literal(1).label("one")).where(differs(left, right))
    for first, second, expected in (
        ("61.4", "61.40", False),
        ("61.4", "61.41", True),
        ("999999999999999", "999999999999998", True),
        ("0.123456789012345", "0.123456789012346", True),
        (None, "0", True),
        (None, None, False),
    ):
        params = {"left": first and Decimal(first), "right": second and Decimal(second)}
        assert bool(await asked(database, clause, **params)) is expected, (first, second)
