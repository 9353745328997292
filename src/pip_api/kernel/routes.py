"""How do stories become routes, and how does the OpenAPI document come to say the same?"""

import copy
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import BinaryIO, Literal, cast

from fastapi import FastAPI, Response
from fastapi.routing import APIRoute

from pip_api.access.permissions import is_personal
from pip_api.access.principals import Principal
from pip_api.http.acceptance import require_acceptable
from pip_api.http.body import chunks, received, require_media_type
from pip_api.http.manners import require_no_date, require_writable
from pip_api.http.messages import Endpoint, Incoming, Reply
from pip_api.http.paths import Paths
from pip_api.http.problems import Problem
from pip_api.http.query import parameters
from pip_api.kernel import history, verbs
from pip_api.kernel.answer_shapes import DiffRead, VersionRead, page_shape
from pip_api.kernel.call import Answer, Services, Upload
from pip_api.kernel.document import (
    CURSOR,
    FROM,
    ID,
    IF_MATCH,
    IF_NONE_MATCH,
    JSON,
    LIMIT,
    MERGE_PATCH,
    NUMBER,
    REASON,
    TO,
    Operation,
    Schema,
    expand_parameter,
    fields_parameter,
    listing_parameters,
)
from pip_api.kernel.expand import relations
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.noting import counted_as, is_denial, note_denial, note_read
from pip_api.kernel.openapi import assembled, described
from pip_api.kernel.performing import Asked, perform, rendered
from pip_api.kernel.resource import Resource


def bind(app: FastAPI, operation: Operation) -> None:
    """Adds an operation to the application, for the document only: the edge answers it, from `table`."""

    async def endpoint() -> None: ...

    app.router.add_api_route(
        operation.path,
        endpoint,
        methods=[operation.method],
        name=operation.id,
        response_model=None,
        response_class=Response,
        openapi_extra=described(operation),
    )


def table(operations: Iterable[Operation], services: Services, forget: Callable[[], None]) -> Paths[Endpoint]:
    """The operations as the edge finds them. `forget` is called when one has changed who reaches what."""
    paths: Paths[Endpoint] = Paths()
    for operation in operations:
        answer = answering(operation, services, forget)
        policy = "import" if operation.upload else "default"
        takes = operation.accepts if operation.upload or operation.body is not None else ()
        paths.add(operation.method, operation.path, Endpoint(operation.id, answer, takes, policy))
    return paths


def answering(
    operation: Operation, services: Services, forget: Callable[[], None]
) -> Callable[[Incoming], Awaitable[Reply]]:
    """How an operation is answered: permission (403), query string (400), body (413), and then its story."""
    longest = operation.longest
    allowed, has_body, reading = operation.allowed, operation.body is not None, operation.method == "GET"

    async def answer(incoming: Incoming) -> Reply:
        try:
            return await permitted(incoming)
        except Problem as refusal:
            if is_denial(operation, refusal):
                await note_denial(operation, services, incoming, refusal)
            raise

    async def permitted(incoming: Incoming) -> Reply:
        by: Principal = incoming.by
        by.require(operation.permission)
        query = parameters(incoming.query_string, allowed, longest)
        if not reading:
            require_no_date(incoming.headers)
            require_writable(services.settings.read_only)
        if operation.admit is not None:
            operation.admit(by, query)
        asked = partial(Asked, by, incoming.request_id, incoming.path, query, headers=incoming.headers)
        if operation.upload:
            with tempfile.TemporaryFile() as file:
                upload = await _spooled(incoming, operation, cast(BinaryIO, file), services.settings.max_import_bytes)
                answered = await perform(operation, services, asked(upload=upload))
        elif has_body:
            body = await received(incoming.receive, incoming.headers, services.settings.max_body_bytes)
            if operation.may_be_empty and not body:
                asked, body = partial(asked, headers={"content-type": JSON[0], **incoming.headers}), b"{}"
            answered = await perform(operation, services, asked(body=body))
        else:
            answered = await perform(operation, services, asked())
        if reading:  # what is not there, or not for this caller, was refused before (404)
            require_acceptable(operation.offers, incoming.headers.get("accept"))
            if (counts := counted_as(operation, query, answered)) is not None:
                await note_read(operation, services, incoming, query, answered, counts)
        if operation.changes_access:
            forget()
        return render(answered)

    return answer


async def _spooled(incoming: Incoming, operation: Operation, file: BinaryIO, limit: int) -> Upload:
    """A file on disk: its digest and size are known before a row of it is read, and memory stays flat."""
    headers = incoming.headers
    require_media_type(headers, operation.accepts, ("gzip",))
    require_acceptable(operation.offers, headers.get("accept"))
    async for chunk in chunks(incoming.receive, headers, limit):
        file.write(chunk)
    return Upload(file, headers["content-type"], headers.get("content-encoding", "").lower() == "gzip")


def render(answer: Answer) -> Reply:
    """The answer on the wire."""
    answer = rendered(answer)
    headers = answer.headers.items()
    if answer.body is None:
        return Reply(answer.status, headers=headers)
    return Reply(answer.status, answer.body, answer.media_type, headers)


def operations(of: Resource) -> list[Operation]:
    """The operations of a resource, from its declaration."""
    plural = of.plural.replace("_", " ")
    many = "".join(part.capitalize() for part in of.plural.split("_"))
    one, tag, read_one = f"{of.path}/{{id}}", of.plural, of.read_shape
    counts: Literal["read"] | None = "read" if is_personal(of.reads) else None  # it is known who saw what of a person
    known = list(relations(of))
    expand = [expand_parameter(known)] if known else []
    shown = [fields_parameter(of.names), *expand, *MOMENT, IF_NONE_MATCH]
    listed = [*listing_parameters(of.listing), *shown]
    made = {
        "list": Operation(
            "GET", of.path, f"list{many}", tag, f"List {plural}", of.reads, partial(verbs.list_, of),
            {200: page_shape(of.stem, read_one), 304: None}, listed, noted=counts,
        ),
        "read": Operation(
            "GET", one, f"get{of.stem}", tag, f"Read one {of.label}", of.reads, partial(verbs.read, of),
            {200: read_one, 304: None}, [ID, *shown], noted=counts,
        ),
        "create": Operation(
            "POST", of.path, f"create{of.stem}", tag, f"Create {of.a_label}", of.writes, partial(verbs.create, of),
            {201: read_one}, [REASON], of.create_shape, changes_access=of.changes_access,
        ),
        "change": Operation(
            "PATCH", one, f"change{of.stem}", tag, f"Change {of.a_label} (merge patch)", of.writes,
            partial(verbs.change, of), {200: read_one}, [ID, IF_MATCH, REASON], of.patch_shape, MERGE_PATCH,
            changes_access=of.changes_access,
        ),
        "withdraw": Operation(
            "DELETE", one, f"withdraw{of.stem}", tag, f"Withdraw {of.a_label}", of.writes, partial(verbs.withdraw, of),
            {204: None}, [ID, IF_MATCH, REASON], changes_access=of.changes_access,
        ),
    }  # fmt: skip
    past = [
        Operation(
            "GET", f"{one}/versions", f"list{of.stem}Versions", tag, f"List the versions of {of.a_label}", of.reads,
            partial(history.versions, of), {200: page_shape("Version", VersionRead), 304: None},
            [ID, LIMIT, CURSOR, IF_NONE_MATCH], noted=counts,
        ),
        Operation(
            "GET", f"{one}/versions/{{version}}", f"get{of.stem}Version", tag, f"Read a version of {of.a_label}",
            of.reads, partial(history.version, of), {200: VersionRead, 304: None}, [ID, NUMBER, IF_NONE_MATCH],
            noted=counts,
        ),
        Operation(
            "GET", f"{one}/diff", f"diff{of.stem}", tag, f"Compare {of.a_label} at two moments", of.reads,
            partial(history.diff, of), {200: DiffRead}, [ID, FROM, TO], noted=counts,
        ),
    ]  # fmt: skip
    return [*(made[verb] for verb in of.verbs), *past]


def document(app: FastAPI) -> Schema:
    """The OpenAPI document of the routes that are shown in it."""
    shown = [route for route in app.routes if isinstance(route, APIRoute) and route.include_in_schema]
    info: Schema = {"title": app.title, "version": app.version, "description": app.description}
    info |= {"contact": app.contact or {}, "license": app.license_info or {}}
    found = [
        (route.path, method, copy.deepcopy(route.openapi_extra or {}))
        for route in shown
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    return assembled(info, app.openapi_tags or [], found)
