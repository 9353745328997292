"""How do stories become routes, and how does the OpenAPI document come to say the same?"""

import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO, Literal, cast

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field, create_model
from pydantic.json_schema import models_json_schema
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random

from pip_api.access.permissions import PERMISSIONS
from pip_api.access.principals import Principal
from pip_api.db.columns import to_json
from pip_api.http.body import chunks, json_object, received, require_media_type
from pip_api.http.problems import CATALOGUE, Problem
from pip_api.http.query import parameters
from pip_api.kernel import verbs
from pip_api.kernel.call import Answer, Call, Services, Upload
from pip_api.kernel.query import DEFAULT_LIMIT, MOST_LIMIT, Listing
from pip_api.kernel.resource import Resource

Story = Callable[[Call], Awaitable[Answer]]
Schema = dict[str, Any]

JSON = ("application/json",)
MERGE_PATCH = ("application/merge-patch+json", "application/json")


def query(name: str, describes: str, schema: Schema | None = None) -> Schema:
    """A query parameter in the words of OpenAPI."""
    return {"name": name, "in": "query", "description": describes, "schema": schema or {"type": "string"}}


def path_parameter(name: str, describes: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "description": describes, "schema": {"type": "string"}}


def header(name: str, describes: str) -> Schema:
    return {"name": name, "in": "header", "description": describes, "schema": {"type": "string"}}


FIELDS = query("fields", "Only these members, with commas.")
LIMIT = query(
    "limit", "Items on a page.", {"type": "integer", "minimum": 1, "maximum": MOST_LIMIT, "default": DEFAULT_LIMIT}
)
CURSOR = query("cursor", "The `next_cursor` of the page before.")
SORT = query("sort", "Columns with commas; a leading '-' turns the order round.")
WITHDRAWN = query("include_withdrawn", "Also what was withdrawn.", {"type": "boolean", "default": False})
REASON = query("reason", "Why; kept in the ledger.", {"type": "string", "maxLength": 1000})
ID = path_parameter("id", "The id, or `ref:` and the reference.")
IF_MATCH = header("If-Match", "The ETag that you last read.")
IF_NONE_MATCH = header("If-None-Match", "The ETag that you hold; 304 when it is still current.")


@dataclass(frozen=True)
class Operation:
    """One operation of the document: a story, where it is found, and the one permission that it needs."""

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: str
    id: str
    tag: str
    summary: str
    permission: str
    story: Story
    answers: Mapping[int, type[BaseModel] | None]
    parameters: Sequence[Schema] = ()
    body: type[BaseModel] | None = None
    accepts: Sequence[str] = JSON
    upload: bool = False
    also: Mapping[str, Schema] = field(default_factory=dict)
    """Other media types of the successful answer, with their schemas."""

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset(each["name"] for each in self.parameters if each["in"] == "query")


def bind(app: FastAPI, operation: Operation) -> None:
    """Adds an operation to the application."""
    perform = partial(_perform, operation) if operation.method == "GET" else _racing(partial(_perform, operation))
    allowed, has_body = operation.allowed, operation.body is not None

    async def endpoint(request: Request) -> Response:
        services: Services = request.app.state.services
        by: Principal = request.scope["principal"]
        by.require(operation.permission)
        asked = parameters(request.scope["query_string"], allowed)
        # The whole body is here before a transaction begins, so that a slow sender holds no connection.
        if operation.upload:
            with tempfile.TemporaryFile() as file:
                upload = await _spooled(request, operation, cast(BinaryIO, file), services.settings.max_import_bytes)
                return render(await _perform(operation, request, services, asked, b"", upload))
        body = await received(request, services.settings.max_body_bytes) if has_body else b""
        return render(await perform(request, services, asked, body))

    app.add_api_route(
        operation.path,
        endpoint,
        methods=[operation.method],
        operation_id=operation.id,
        name=operation.id,
        tags=[operation.tag],
        summary=operation.summary,
        status_code=min(operation.answers),
        response_model=None,
        response_class=Response,
        openapi_extra=_described(operation),
    )
    operations: list[Operation] = app.state.operations
    operations.append(operation)


async def _perform(
    operation: Operation,
    request: Request,
    services: Services,
    asked: Mapping[str, str],
    body: bytes,
    upload: Upload | None = None,
) -> Answer:
    """Runs a story in its own unit of work, which is committed before the answer is rendered."""
    reading = operation.method == "GET"
    unit = services.database.read() if reading else services.database.transaction(bulk=operation.upload)
    async with unit as session:
        headers = request.headers
        call = Call(
            services=services,
            session=session,
            by=request.scope["principal"],
            request_id=request.scope["request_id"],
            path=request.path_params,
            query=asked,
            body=partial(json_object, headers, body, operation.accepts),
            upload=upload,
            accept=headers.get("accept", "*/*"),
            if_match=headers.get("if-match"),
            if_none_match=headers.get("if-none-match"),
        )
        return await operation.story(call)


async def _spooled(request: Request, operation: Operation, file: BinaryIO, limit: int) -> Upload:
    """A file on disk: its digest and size are known before a row of it is read, and memory stays flat."""
    require_media_type(request.headers, operation.accepts, ("gzip",))
    async for chunk in chunks(request, limit):
        file.write(chunk)
    gzip = request.headers.get("content-encoding", "").lower() == "gzip"
    return Upload(file, request.headers["content-type"], gzip)


def _lost_a_race(error: BaseException) -> bool:
    return isinstance(error, Problem) and error.code == "concurrent_write"


_racing = retry(
    retry=retry_if_exception(_lost_a_race), stop=stop_after_attempt(3), wait=wait_random(0, 0.05), reraise=True
)


def render(answer: Answer) -> Response:
    """The answer on the wire."""
    body = answer.body
    if body is not None and not isinstance(body, bytes):
        body = to_json(body)
    return Response(body, answer.status, dict(answer.headers), None if body is None else answer.media_type)


def operations(of: Resource) -> list[Operation]:
    """The operations of a resource, from its declaration."""
    noun, plural = of.noun.replace("_", " "), of.plural.replace("_", " ")
    many = "".join(part.capitalize() for part in of.plural.split("_"))
    one, tag, read_one = f"{of.path}/{{id}}", of.plural, of.read_shape
    listed = [*listing_parameters(of.listing), FIELDS]
    made = {
        "list": Operation(
            "GET", of.path, f"list{many}", tag, f"List {plural}", of.reads, partial(verbs.list_, of),
            {200: page_shape(of.stem, read_one)}, listed,
        ),
        "read": Operation(
            "GET", one, f"get{of.stem}", tag, f"Read one {noun}", of.reads, partial(verbs.read, of),
            {200: read_one, 304: None}, [ID, FIELDS, IF_NONE_MATCH],
        ),
        "create": Operation(
            "POST", of.path, f"create{of.stem}", tag, f"Create a {noun}", of.writes, partial(verbs.create, of),
            {201: read_one}, [REASON], of.create_shape,
        ),
        "change": Operation(
            "PATCH", one, f"change{of.stem}", tag, f"Change a {noun} (merge patch)", of.writes,
            partial(verbs.change, of), {200: read_one}, [ID, IF_MATCH, REASON], of.patch_shape, MERGE_PATCH,
        ),
        "withdraw": Operation(
            "DELETE", one, f"withdraw{of.stem}", tag, f"Withdraw a {noun}", of.writes, partial(verbs.withdraw, of),
            {204: None}, [ID, IF_MATCH, REASON],
        ),
    }  # fmt: skip
    history = Operation(
        "GET", f"{one}/versions", f"list{of.stem}Versions", tag, f"List the versions of a {noun}", of.reads,
        partial(verbs.versions, of), {200: page_shape("Version", VersionRead)}, [ID, LIMIT, CURSOR],
    )  # fmt: skip
    return [*(made[verb] for verb in of.verbs), history]


def listing_parameters(listing: Listing) -> list[Schema]:
    """The query parameters of a list."""
    filters = [query(each.name, each.describes, each.schema()) for each in listing.filters.values()]
    return [*filters, SORT, LIMIT, CURSOR, *([WITHDRAWN] if "withdrawn_at" in listing.columns else [])]


class Actor(BaseModel):
    type: str
    name: str
    client_id: str


class VersionRead(BaseModel):
    """One version of a row: what it was, what changed, who changed it, when and why."""

    version: int
    act: str
    at: str
    actor: Actor
    reason: str | None
    request_id: str
    entry: str
    patch: list[dict[str, Any]] = Field(description="JSON Patch (RFC 6902) from the version before.")
    state: dict[str, Any] = Field(description="The version as a whole.")


class Page(BaseModel):
    limit: int
    has_more: bool
    next_cursor: str | None


class Links(BaseModel):
    self: str
    next: str | None = None


_PAGES: dict[str, type[BaseModel]] = {}


def page_shape(stem: str, item: type[BaseModel]) -> type[BaseModel]:
    """The shape of a page of items."""
    name = f"{stem}Page"
    if name not in _PAGES:
        members: dict[str, Any] = {
            "items": (list[item], ...),  # type: ignore[valid-type]
            "page": (Page, ...),
            "applied": (dict[str, Any], ...),
            "links": (Links, ...),
        }
        _PAGES[name] = create_model(name, **members)
    return _PAGES[name]


class Fault(BaseModel):
    code: str
    severity: str
    detail: str
    rule: str | None = None
    pointer: str | None = Field(default=None, description="JSON Pointer as a URI fragment, into the request.")
    parameter: str | None = None


class ProblemDocument(BaseModel):
    """RFC 9457. Further members depend on the code; GET /problems lists the codes."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[Fault] = Field(default_factory=list)
    errors_total: int = 0
    errors_truncated: bool = False


_READING = (400, 401, 403, 404, 503)
_WRITING = (400, 401, 403, 404, 409, 410, 412, 413, 415, 422, 428, 503)


def _described(operation: Operation) -> Schema:
    """The operation in the words of OpenAPI."""
    extra: Schema = {
        "parameters": list(operation.parameters),
        "security": [{"oauth2": [operation.permission]}],
        "x-permission": operation.permission,
        "responses": {},
    }
    for status, shape in operation.answers.items():
        described: Schema = {"description": "As asked." if status < 300 else "Unchanged."}
        if shape is not None:
            described["content"] = {"application/json": {"schema": _ref(shape)}}
            described["content"] |= {kind: {"schema": schema} for kind, schema in operation.also.items()}
        extra["responses"][str(status)] = described
    for status in _READING if operation.method == "GET" else _WRITING:
        codes = ", ".join(f"`{code}`" for code, kind in CATALOGUE.items() if kind.status == status)
        content = {"application/problem+json": {"schema": _ref(ProblemDocument)}}
        extra["responses"].setdefault(str(status), {"description": f"Refused: {codes}.", "content": content})
    if operation.body is not None:
        content = {kind: {"schema": _ref(operation.body)} for kind in operation.accepts}
        extra["requestBody"] = {"required": True, "content": content}
    elif operation.upload:
        content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in operation.accepts}
        extra["requestBody"] = {"required": True, "content": content}
    return extra


def _ref(shape: type[BaseModel]) -> Schema:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def document(app: FastAPI) -> Schema:
    """The OpenAPI document: FastAPI's paths, with our shapes as components."""
    made: Schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    shapes: dict[str, type[BaseModel]] = {"ProblemDocument": ProblemDocument}
    for operation in app.state.operations:
        for shape in (*operation.answers.values(), operation.body):
            if shape is not None:
                shapes[shape.__name__] = shape
    _, definitions = models_json_schema(
        [(shape, "validation") for shape in shapes.values()], ref_template="#/components/schemas/{model}"
    )
    components = made.setdefault("components", {})
    components["schemas"] = dict(sorted(definitions["$defs"].items()))
    flow = {"tokenUrl": "/oauth2/token", "scopes": dict.fromkeys(sorted(PERMISSIONS), "")}
    components["securitySchemes"] = {"oauth2": {"type": "oauth2", "flows": {"clientCredentials": flow}}}
    return made
