"""What could be had at best? Starlette, asyncpg and orjson by hand, with no access control and no checks."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uuid_utils.compat import uuid7

STATUS = """
    SELECT id, ref, title, status, version, lead, force_code, starts_on, ends_on, updated_at,
        (SELECT json_build_object('code', level.code, 'level', level.level, 'since', held.starts_on)
            FROM support_level_assignment AS held JOIN support_level AS level ON level.code = held.level_code
            WHERE held.force_code = pip.force_code AND held.withdrawn_at IS NULL AND held.starts_on <= $2
            AND coalesce(held.ends_on, $2) >= $2 LIMIT 1)::text AS level,
        (SELECT coalesce(json_agg(found.concern) FILTER (WHERE found.concern IS NOT NULL), '[]') FROM
            (SELECT (SELECT json_build_object('id', id, 'title', title, 'status', status, 'owner', owner, 'measures',
                (SELECT coalesce(json_agg(shown.measure) FILTER (WHERE shown.measure IS NOT NULL), '[]') FROM
                    (SELECT (SELECT json_build_object('code', code, 'name', name, 'unit', unit, 'direction', direction,
                        'latest', (SELECT json_build_object(
                            'value', value, 'period_start', period_start, 'period_end', period_end)
                            FROM figure
                            WHERE force_code = pip.force_code AND measure_code = measure.code AND unit_code = ''
                            ORDER BY period_start DESC, period_end DESC, revision DESC LIMIT 1))
                        FROM measure WHERE measure.code = named.value) AS measure
                    FROM jsonb_array_elements_text(concern.measure_codes) AS named) AS shown))
                FROM concern WHERE concern.id = place.value::uuid AND withdrawn_at IS NULL) AS concern
            FROM jsonb_array_elements_text(pip.concern_ids) AS place) AS found)::text AS concerns,
        (SELECT json_build_object('total', count(*),
            'not_started', count(*) FILTER (WHERE status = 'not_started'),
            'in_progress', count(*) FILTER (WHERE status = 'in_progress'),
            'completed', count(*) FILTER (WHERE status = 'completed'),
            'cancelled', count(*) FILTER (WHERE status = 'cancelled'),
            'overdue', count(*) FILTER (WHERE status IN ('not_started', 'in_progress') AND due_on < $2),
            'overdue_refs', coalesce(json_agg(task_number ORDER BY task_number)
                FILTER (WHERE status IN ('not_started', 'in_progress') AND due_on < $2), '[]'),
            'next_due_on', min(due_on) FILTER (WHERE status IN ('not_started', 'in_progress')))
            FROM action WHERE pip_id = pip.id AND withdrawn_at IS NULL)::text AS actions,
        (SELECT json_build_object('reported_on', reported_on, 'reported_by', reported_by, 'brag', brag,
            'percent_complete', percent_complete, 'narrative', narrative)
            FROM progress_update WHERE pip_id = pip.id AND concern_id IS NULL AND action_id IS NULL
            ORDER BY reported_on DESC, id DESC LIMIT 1)::text AS progress
    FROM pip WHERE id = $1 AND withdrawn_at IS NULL
"""
PIP = """
    SELECT id, ref, title, summary, status, lead, concern_ids, starts_on, ends_on, sustainability, force_code, version,
        created_at, updated_at, withdrawn_at
    FROM pip WHERE id = $1 AND withdrawn_at IS NULL
"""
ACTIONS = """
    SELECT id, force_code, original_due_on, title, description, intended_outputs, lead, resources, starts_on, due_on,
        status, completed_on, pip_id, concern_id, task_number, version, created_at, updated_at, withdrawn_at
    FROM action WHERE force_code = $1 AND withdrawn_at IS NULL ORDER BY id LIMIT 51
"""
ENTRY = """
    INSERT INTO ledger_entry (id, at, act, noun, subject_ref, version, force_code, actor_type, actor_id, actor_name,
        client_id, request_id, state, patch)
    VALUES ($1, $2, 'figure.recorded', 'figure', $3, 1, $4, 'service', $5, 'floor', 'floor', $6, $7, '[]')
"""
FIGURE = """
    INSERT INTO figure (force_code, measure_code, period_start, period_end, revision, value, status, narrative,
        recorded_at, entry_id)
    VALUES ($1, $2, $3, $3, 1, $4, 'final', $5, $6, $7)
"""
NOBODY = UUID("00000000-0000-7000-8000-000000000000")


def answer(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value, option=orjson.OPT_UTC_Z), status, media_type="application/json")


async def read_status(request: Request) -> Response:
    row = await app.state.pool.fetchrow(STATUS, UUID(request.path_params["id"]), date.today())  # noqa: DTZ011
    plan = dict(row)
    for name in ("level", "concerns", "actions", "progress"):
        if plan[name] is not None:
            plan[name] = orjson.Fragment(plan[name])
    return answer(plan)


async def read_pip(request: Request) -> Response:
    return answer(dict(await app.state.pool.fetchrow(PIP, UUID(request.path_params["id"]))))


async def list_actions(request: Request) -> Response:
    rows = await app.state.pool.fetch(ACTIONS, request.query_params["force"])
    return answer({"items": [dict(row) for row in rows[:50]], "page": {"limit": 50, "has_more": len(rows) > 50}})


async def put_figure(request: Request) -> Response:
    force, measure = request.path_params["force"], request.path_params["measure"]
    day, now, id = date.fromisoformat(request.path_params["period"]), datetime.now(UTC), uuid7()
    figure = {"force_code": force, "measure_code": measure, "period_start": day, "period_end": day, "revision": 1}
    figure |= orjson.loads(await request.body()) | {"recorded_at": now}
    async with app.state.pool.acquire() as connection, connection.transaction():
        await connection.execute(ENTRY, id, now, f"{force}/{measure}/{day}", force, NOBODY, str(id), figure)
        await connection.execute(FIGURE, force, measure, day, figure["value"], figure["narrative"], now, id)
    return answer(figure, 201)


async def _prepare(connection: Any) -> None:
    # asyncpg's own UUID is not one that orjson knows, and the answer wants text anyway.
    await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str)
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind,
            schema="pg_catalog",
            encoder=lambda value: orjson.dumps(value, option=orjson.OPT_UTC_Z).decode(),
            decoder=orjson.loads,
        )


async def _keep(connection: Any) -> None:
    """Instead of the pool's reset query, which costs half a millisecond."""


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        os.environ["BENCH_DATABASE_URL"],
        min_size=10,
        max_size=10,
        init=_prepare,
        reset=_keep,
        server_settings={"jit": "off"},
    ) as pool:
        app.state.pool = pool
        yield


app = Starlette(
    routes=[
        Route("/v1/pips/{id}/status", read_status),
        Route("/v1/pips/{id}", read_pip),
        Route("/v1/actions", list_actions),
        Route("/v1/forces/{force}/measures/{measure}/figures/{period}", put_figure, methods=["PUT"]),
    ],
    lifespan=_lifespan,
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), http="httptools", loop="uvloop", access_log=False, log_level="warning")
