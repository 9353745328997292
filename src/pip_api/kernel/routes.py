"""How do stories become routes, and how does the OpenAPI document come to say the same?"""

import copy
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, cast

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute

from pip_api.access.principals import Principal
from pip_api.db.columns import to_json
from pip_api.http.body import chunks, received, require_media_type
from pip_api.http.query import parameters
from pip_api.kernel import verbs
from pip_api.kernel.call import Answer, Services, Upload
from pip_api.kernel.document import (
    CURSOR,
    ID,
    IF_MATCH,
    IF_NONE_MATCH,
    LIMIT,
    MERGE_PATCH,
    REASON,
    Operation,
    Schema,
    VersionRead,
    fields_parameter,
    listing_parameters,
    page_shape,
)
from pip_api.kernel.openapi import assembled, described
from pip_api.kernel.performing import Asked, perform
from pip_api.kernel.resource import Resource


class _Route(APIRoute):
    """Hands the request to the endpoint as it is: FastAPI's own reading of it is not used, and costs 0.1 ms."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


def bind(app: FastAPI, operation: Operation) -> None:
    """Adds an operation to the application."""
    allowed, longest, has_body = operation.allowed, operation.longest, operation.body is not None

    async def endpoint(request: Request) -> Response:
        services: Services = request.app.state.services
        by: Principal = request.scope["principal"]
        by.require(operation.permission)
        query = parameters(request.scope["query_string"], allowed, longest)
        if operation.admit is not None:
            operation.admit(by, query)
        asked = Asked(by, request.scope["request_id"], request.path_params, query, request.headers)
        if operation.upload:
            with tempfile.TemporaryFile() as file:
                upload = await _spooled(request, operation, cast(BinaryIO, file), services.settings.max_import_bytes)
                answer = await perform(operation, services, replace(asked, upload=upload))
        else:
            body = await received(request, services.settings.max_body_bytes) if has_body else b""
            answer = await perform(operation, services, replace(asked, body=body))
        if operation.changes_access:
            request.app.state.authentication.forget()
        return render(answer)

    app.router.add_api_route(
        operation.path,
        endpoint,
        methods=[operation.method],
        name=operation.id,
        response_model=None,
        response_class=Response,
        openapi_extra=described(operation),
        route_class_override=_Route,
    )


async def _spooled(request: Request, operation: Operation, file: BinaryIO, limit: int) -> Upload:
    """A file on disk: its digest and size are known before a row of it is read, and memory stays flat."""
    require_media_type(request.headers, operation.accepts, ("gzip",))
    async for chunk in chunks(request, limit):
        file.write(chunk)
    gzip = request.headers.get("content-encoding", "").lower() == "gzip"
    return Upload(file, request.headers["content-type"], gzip)


def render(answer: Answer) -> Response:
    """The answer on the wire."""
    body = answer.body
    if body is not None and not isinstance(body, bytes):
        body = to_json(body)
    return Response(body, answer.status, dict(answer.headers), None if body is None else answer.media_type)


def operations(of: Resource) -> list[Operation]:
    """The operations of a resource, from its declaration."""
    plural = of.plural.replace("_", " ")
    many = "".join(part.capitalize() for part in of.plural.split("_"))
    one, tag, read_one = f"{of.path}/{{id}}", of.plural, of.read_shape
    fields = fields_parameter(of.names)
    listed = [*listing_parameters(of.listing), fields]
    made = {
        "list": Operation(
            "GET", of.path, f"list{many}", tag, f"List {plural}", of.reads, partial(verbs.list_, of),
            {200: page_shape(of.stem, read_one)}, listed,
        ),
        "read": Operation(
            "GET", one, f"get{of.stem}", tag, f"Read one {of.label}", of.reads, partial(verbs.read, of),
            {200: read_one, 304: None}, [ID, fields, IF_NONE_MATCH],
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
    history = Operation(
        "GET", f"{one}/versions", f"list{of.stem}Versions", tag, f"List the versions of {of.a_label}", of.reads,
        partial(verbs.versions, of), {200: page_shape("Version", VersionRead)}, [ID, LIMIT, CURSOR],
    )  # fmt: skip
    return [*(made[verb] for verb in of.verbs), history]


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
