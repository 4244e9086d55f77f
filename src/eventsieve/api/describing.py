"""The pages that describe the interfaces, with scripts of the server's own and a policy that lets in no other.

FastAPI's pages load theirs from a network of copies: they stay blank where there is no way to it, and tell it who
reads them. fastapi-offline brings the same files as a package.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse

__all__ = ["PATHS", "add_pages"]

_ASSETS: Final = ("/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/redoc/redoc.standalone.js")
_CSS, _SWAGGER, _REDOC = _ASSETS
PATHS: Final = ("/docs", "/redoc", "/openapi.json", *_ASSETS)
"""Where an application with these pages is described."""

_FOLDER: Final = Path(str(files("fastapi_offline"))) / "static"
_ICON: Final = "data:,"
_INLINE: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_POLICY: Final = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_pages(app: FastAPI) -> None:
    """Put `/docs` and `/redoc` of an application in place of FastAPI's own, which must have been turned off."""

    async def swagger(request: Request) -> HTMLResponse:
        root = _root(request)
        return _guarded(
            get_swagger_ui_html(
                openapi_url=f"{root}{app.openapi_url}",
                title=app.title,
                swagger_js_url=root + _SWAGGER,
                swagger_css_url=root + _CSS,
                swagger_favicon_url=_ICON,
            )
        )

    async def redoc(request: Request) -> HTMLResponse:
        root = _root(request)
        return _guarded(
            get_redoc_html(
                openapi_url=f"{root}{app.openapi_url}",
                title=app.title,
                redoc_js_url=root + _REDOC,
                redoc_favicon_url=_ICON,
                with_google_fonts=False,
            )
        )

    app.add_route("/docs", swagger, include_in_schema=False)
    app.add_route("/redoc", redoc, include_in_schema=False)
    for path in _ASSETS:
        app.add_route(path, _asset, include_in_schema=False)


async def _asset(request: Request) -> FileResponse:
    name = request.scope["path"].rpartition("/")[2]  # one of ours: no other path leads here
    return FileResponse(_FOLDER / name, headers={"Cache-Control": "private, max-age=3600"})


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")


def _guarded(page: HTMLResponse) -> HTMLResponse:
    """The page with a policy that lets in the server's own files and the page's own lines."""
    text = bytes(page.body)
    own = [base64.b64encode(hashlib.sha256(lines).digest()).decode() for lines in _INLINE.findall(text)]
    policy = _POLICY.format(scripts=" ".join(f"'sha256-{digest}'" for digest in own))
    return HTMLResponse(text, headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"})
