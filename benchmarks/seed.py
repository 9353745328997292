"""What is in the database that every server of the benchmark uses?

Rows come in by COPY and INSERT ... SELECT, for volume, but under the schema's own guards: every version has its ledger
entry, and no trigger or foreign key is switched off.
"""

import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg import sql
from uuid_utils.compat import uuid7

Row = dict[str, Any]

PLANS_A_FORCE, CONCERNS, ACTIONS, UPDATES = 10, 3, 10, 3
MEASURES, MONTHS = 681, 60  # times 49 forces: 2,002,140 figures
WRITTEN_AT = datetime(2026, 9, 1, 9, 30, 0, 123456, tzinfo=UTC)
ACTOR = UUID("00000000-0000-7000-8000-000000000000")
TOPICS = (
    "101-abandoned",
    "999-answered",
    "burglary-solved",
    "charge-rate",
    "custody-wait",
    "domestic-arrests",
    "stops",
)
PEOPLE = ("Ch Supt A. Okafor", "Det Supt R. Lindqvist", "Insp J. Pryce", "Ms T. Adeyemi", "Mr D. Hargreaves")
STATES = ("not_started", "in_progress", "in_progress", "completed", "completed", "cancelled")


def codes(connection: psycopg.Connection[Any]) -> list[str]:
    return [code for (code,) in connection.execute("SELECT code FROM force ORDER BY code").fetchall()]


def measure_codes() -> list[str]:
    return [f"bench.{TOPICS[i % len(TOPICS)]}.{i:03}" for i in range(MEASURES)]


def add_measures(url: str, names: Iterable[str]) -> None:
    """Measures counted monthly or quarterly, one for each code."""
    with psycopg.connect(url) as connection:
        _write(connection, "measure", [_measure(name) for name in names])


def add_plans_and_figures(url: str) -> None:
    """Plans with all that belongs to them, and two million figures."""
    with psycopg.connect(url) as connection:
        forces = codes(connection)
        _write(connection, "measure", [_measure(name) for name in measure_codes()])
        for noun, rows in _plans(forces, random.Random(2026)).items():
            _write(connection, noun, rows)
    with ThreadPoolExecutor(2) as pool:  # one connection for each core
        list(pool.map(lambda part: _add_figures(url, part), (forces[::2], forces[1::2])))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _versioned(**members: Any) -> Row:
    return {
        "id": uuid7(),
        "version": 1,
        "created_at": WRITTEN_AT,
        "updated_at": WRITTEN_AT,
        "withdrawn_at": None,
        **members,
    }


def _measure(code: str) -> Row:
    name = code.replace(".", " ").replace("-", " ").capitalize()
    return _versioned(
        code=code,
        name=name,
        unit="count",
        cadence="month",
        direction="increase",
        kind="measure",
        evidence="quantitative",
        target=None,
        baseline=None,
        definition="",
        source="benchmark",
    )


def _plans(forces: Iterable[str], dice: random.Random) -> dict[str, list[Row]]:
    made: dict[str, list[Row]] = {
        noun: [] for noun in ("support_level_assignment", "concern", "pip", "action", "progress_update")
    }
    known = measure_codes()
    levels = ("level-1", "level-2", "level-3", "level-4")
    for force in forces:
        made["support_level_assignment"].append(
            _versioned(
                force_code=force,
                level_code=dice.choice(levels),
                starts_on=date(2026, 1, 5),
                ends_on=None,
                decided_by="PPMG",
                reason="",
            )
        )
        for number in range(1, PLANS_A_FORCE + 1):
            for noun, row in _plan(force, number, known, dice):
                made[noun].append(row)
    return made


def _plan(force: str, number: int, known: list[str], dice: random.Random) -> Iterator[tuple[str, Row]]:
    concerns = [_concern(force, dice.sample(known, 2), dice) for _ in range(CONCERNS)]
    yield from (("concern", concern) for concern in concerns)
    pip = _versioned(
        force_code=force,
        ref=f"{force}-2026-{number:02}",
        title=f"Improving {TOPICS[number % len(TOPICS)]}",
        summary="Brings the service that the public gets back to what the force has promised. " * 3,
        status="active",
        lead=dice.choice(PEOPLE),
        concern_ids=[str(concern["id"]) for concern in concerns],
        starts_on=date(2026, 2, 2),
        ends_on=date(2027, 3, 31),
        sustainability="Owned by the performance board.",
    )
    yield "pip", pip
    for i in range(ACTIONS):
        yield "action", _action(pip, concerns[i % CONCERNS], f"{i % CONCERNS + 1}.{i // CONCERNS + 1}", dice)
    for i in range(UPDATES):
        yield (
            "progress_update",
            _versioned(
                pip_id=pip["id"],
                concern_id=concerns[0]["id"] if i == 0 else None,
                action_id=None,
                force_code=force,
                reported_on=date(2026, 5, 1) + timedelta(days=30 * i),
                reported_by=pip["lead"],
                brag=dice.choice(("green", "amber")),
                percent_complete=25 * i,
                narrative="Briefed all teams, moved two posts to the evening shift, and measured again. " * 2,
            ),
        )


def _concern(force: str, shown_by: list[str], dice: random.Random) -> Row:
    return _versioned(
        force_code=force,
        title=f"Too slow: {shown_by[0].replace('.', ' ')}",
        description="Found in the quarterly review. " * 4,
        source="ppmg",
        identified_by="PPMG",
        identified_on=date(2025, 12, 1),
        owner=dice.choice(PEOPLE),
        status="open",
        measure_codes=shown_by,
        affects=[],
        evidence="Quarterly review, page 14.",
    )


def _action(pip: Row, concern: Row, number: str, dice: random.Random) -> Row:
    status = dice.choice(STATES)
    due = date(2026, 6, 1) + timedelta(days=dice.randrange(300))
    return _versioned(
        pip_id=pip["id"],
        concern_id=concern["id"],
        force_code=pip["force_code"],
        task_number=number,
        status=status,
        title=f"Review and change the rota, step {number}",
        description="Ask the teams, try for a month, measure, decide. " * 3,
        intended_outputs=["A rota that follows demand", "A report to the board"],
        lead=dice.choice(PEOPLE),
        resources="Two analysts for a month.",
        starts_on=date(2026, 3, 2),
        due_on=due,
        original_due_on=due,
        completed_on=date(2026, 8, 3) if status == "completed" else None,
    )


def entry(act: str, subject: UUID, force: str | None, state: Row) -> Row:
    """A ledger entry as the service would write it for the first version of a row."""
    return {
        "id": uuid7(),
        "at": WRITTEN_AT,
        "act": act,
        "noun": act.partition(".")[0],
        "subject_id": subject,
        "subject_ref": state.get("ref"),
        "version": 1,
        "force_code": force,
        "actor_type": "service",
        "actor_id": ACTOR,
        "actor_name": "benchmark",
        "client_id": "benchmark",
        "request_id": "benchmark",
        "reason": None,
        "state": state,
        "patch": [{"op": "add", "path": "", "value": state}],
    }


def _write(connection: psycopg.Connection[Any], noun: str, rows: list[Row]) -> None:
    copy(connection, "ledger_entry", [entry(f"{noun}.created", row["id"], row.get("force_code"), row) for row in rows])
    copy(connection, noun, rows)


def copy(connection: psycopg.Connection[Any], table: str, rows: list[Row]) -> None:
    columns = list(rows[0])
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor().copy(into) as sink:
        for row in rows:
            sink.write_row([_sql(row[column]) for column in columns])


def _sql(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else value


_FIGURES = """
    INSERT INTO figure (force_code, measure_code, period_start, period_end, revision, value, status, narrative,
        source_system, recorded_at, entry_id)
    SELECT force, measure, month, (month + interval '1 month - 1 day')::date, 1,
        round((200 + 80 * sin(month_number * 0.52) + hashtext(force || measure || month_number) %% 60)::numeric, 1),
        'final', '', 'performance-mart', %(at)s, %(entry)s
    FROM unnest(%(forces)s::text[]) AS force, unnest(%(measures)s::text[]) AS measure,
        generate_series(0, %(months)s - 1) AS month_number,
        LATERAL (SELECT (date '2021-09-01' + month_number * interval '1 month')::date AS month) AS calendar
"""


def _add_figures(url: str, forces: list[str]) -> None:
    id = uuid7()
    note = {**entry("import.completed", id, None, {"received": len(forces) * MEASURES * MONTHS}), "id": id}
    with psycopg.connect(url) as connection:
        copy(connection, "ledger_entry", [note])
        params = {
            "at": WRITTEN_AT,
            "entry": id,
            "forces": forces,
            "measures": measure_codes(),
            "months": MONTHS,
        }
        connection.execute(_FIGURES, params)
