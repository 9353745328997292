"""Where do people read the contract? Swagger UI and Redoc, from files of the service, under a strict policy.

Nothing is asked of another host: the policy of each page forbids it, and a browser without a network shows them whole.
"""

import gzip
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pip_api.http.preconditions import unchanged
from pip_api.http.problems import Problem

_OURS = Path(__file__).with_name("reference")
_SCRIPT, _STYLE, _PAGE = "text/javascript; charset=utf-8", "text/css; charset=utf-8", "text/html; charset=utf-8"
_FILES = {
    "favicon.png": "image/png",
    "redoc-start.js": _SCRIPT,
    "redoc.standalone.js": _SCRIPT,
    "swagger-ui-bundle.js": _SCRIPT,
    "swagger-ui-start.js": _SCRIPT,
    "swagger-ui.css": _STYLE,
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Redoc makes two kinds of style elements: empty ones, whose rules it then adds as objects, and one with this text. Only
# these two are let in, by their digests; `make contract` looks at the page in a browser and notices when they change.
_OF_REDOC = (
    " 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"
)
_PAGES = {"/docs": ("swagger-ui.html", ""), "/redoc": ("redoc.html", _OF_REDOC)}
_LOGO_OF_OTHERS = b"https://cdn.redoc.ly/redoc/logo-mini.svg"  # Redoc asks for it; where it fails, it shows none


class File:
    """What is served as it is, compressed once."""

    def __init__(self, body: bytes, media_type: str) -> None:
        self.body = body
        self.media_type = media_type
        self.compressed = gzip.compress(body, mtime=0)
        self.digest = hashlib.sha256(body).hexdigest()[:16]

    def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        tag = f'"{self.digest}"'
        sent = {"ETag": tag, "Vary": "Accept-Encoding", **headers}
        if unchanged(request.headers.get("if-none-match"), tag):
            return Response(status_code=304, headers=sent)
        if "gzip" in request.headers.get("accept-encoding", ""):
            sent |= {"Content-Encoding": "gzip", "ETag": f'"{self.digest}-gzip"'}
            return Response(self.compressed, headers=sent, media_type=self.media_type)
        return Response(self.body, headers=sent, media_type=self.media_type)


@cache
def _file(name: str) -> File:
    path = _OURS / name
    if not path.exists():
        package = find_spec("fastapi_offline")
        if package is None or package.origin is None:
            raise FileNotFoundError(name)
        path = Path(package.origin).with_name("static") / name
    body = path.read_bytes().replace(_LOGO_OF_OTHERS, b"data:,") if name == "redoc.standalone.js" else path.read_bytes()
    return File(body, _FILES.get(name, _PAGE))


def reference_pages(documents: Mapping[str, Callable[[], bytes]]) -> list[Route]:
    """The routes of the pages and of the documents; each document is made when it is first asked for."""

    @cache
    def made(path: str) -> File:
        return File(documents[path](), "application/json")

    async def document(request: Request) -> Response:
        return made(request.url.path).response(request, {"Cache-Control": "no-cache"})

    async def page(request: Request) -> Response:
        name, styles = _PAGES[request.url.path]
        policy = {"Content-Security-Policy": _POLICY.format(styles=styles), "Cache-Control": "no-cache"}
        return _file(name).response(request, policy)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _FILES:
            raise Problem("not_found", "There is no such file.")
        return _file(name).response(request, {"Cache-Control": "max-age=86400"})

    return [
        *(Route(path, document, methods=["GET"]) for path in documents),
        *(Route(path, page, methods=["GET"]) for path in _PAGES),
        Route("/reference/{name}", file, methods=["GET"]),
    ]
