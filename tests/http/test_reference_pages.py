"""Do the pages of the contract come whole from the service, and does their policy let nothing else in?"""

import gzip
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

import pip_api.http
from pip_api.http.reference_pages import reference_pages

REFERENCE = Path(pip_api.http.__file__).with_name("reference")


@pytest.fixture
def reader() -> httpx.AsyncClient:
    app = Starlette(routes=reference_pages({"/openapi.json": lambda: b'{"openapi": "3.1.0"}'}))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pip-api.test")


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_a_page_has_all_that_it_names_and_nothing_inline(reader: httpx.AsyncClient, path: str) -> None:
    page = await reader.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "unsafe" not in policy
    assert not re.search(r"<style|style=|<script>|https?://", page.text)
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) >= 4
    for each in named:
        asset = await reader.get(f"/{each}")
        assert asset.status_code == 200, each
        assert "cdn." not in asset.text, each


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("redoc-start.js", "text/javascript; charset=utf-8"),
        ("favicon.png", "image/png"),
    ],
)
async def test_a_file_has_its_type_is_compressed_and_kept(
    reader: httpx.AsyncClient, name: str, media_type: str
) -> None:
    answer = await reader.get(f"/reference/{name}")
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "max-age=86400"
    assert answer.headers["content-encoding"] == "gzip"
    plain = await reader.get(f"/reference/{name}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == answer.content
    assert int(answer.headers["content-length"]) == len(gzip.compress(plain.content))
    for tag in (plain.headers["etag"], answer.headers["etag"]):
        again = await reader.get(f"/reference/{name}", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")


async def test_the_document_is_made_once(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/openapi.json")
    assert answer.json() == {"openapi": "3.1.0"}
    assert answer.headers["cache-control"] == "no-cache"
    assert (await reader.head("/openapi.json")).headers["etag"] == answer.headers["etag"]


def test_our_files_are_all_served() -> None:
    pages = {path.name for path in REFERENCE.glob("*.html")}
    assert pages == {"redoc.html", "swagger-ui.html"}
