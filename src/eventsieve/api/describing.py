"""The pages that describe the interfaces: of files that are known to the byte, and with a policy that lets in no other.

The scripts come from where FastAPI has them, in a fixed version: a browser checks their digest, so that whoever could
change them there gets nothing run here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse

__all__ = ["FILES", "add_pages"]

_SWAGGER: Final = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5.35.0"
_REDOC: Final = "https://cdn.jsdelivr.net/npm/redoc@2.5.4/bundles/redoc.standalone.js"

# To take newer ones: `npm pack PACKAGE@VERSION`, then `openssl dgst -sha384 -binary FILE | base64` of each file.
FILES: Final[dict[str, str]] = {
    f"{_SWAGGER}/swagger-ui-bundle.js": "sha384-gjRm0bEPMeTmMh5jT2cHccIwCUZSTd8YC+j0d0sXw0MdGEfScduGpSyF3ZSSLkX9",
    f"{_SWAGGER}/swagger-ui.css": "sha384-WlYgdmXYOOBWL5apwjDEZwN+U3HmXSSu5R6V5aGxEcf7z+KuRNwBhoxKVN1i3D5I",
    _REDOC: "sha384-w447zOpYfw/1Tv/5AK9NfHTlQIqE3RVR6KY62jCyy9zNDgO64cMwGGP1Fj0zJVf5",
}
"""What the pages load, and the digest of each."""

_ICON: Final = "data:,"
_INLINE: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_POLICY: Final = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline' {styles}; img-src 'self' data:; "
    "connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_pages(app: FastAPI) -> None:
    """Put `/docs` and `/redoc` of an application in place of FastAPI's own, which must have been turned off."""

    async def swagger(request: Request) -> HTMLResponse:
        css, script = f"{_SWAGGER}/swagger-ui.css", f"{_SWAGGER}/swagger-ui-bundle.js"
        page = get_swagger_ui_html(
            openapi_url=_description(app, request),
            title=app.title,
            swagger_js_url=script,
            swagger_css_url=css,
            swagger_favicon_url=_ICON,
        )
        return _checked(page, script, css)

    async def redoc(request: Request) -> HTMLResponse:
        page = get_redoc_html(
            openapi_url=_description(app, request),
            title=app.title,
            redoc_js_url=_REDOC,
            redoc_favicon_url=_ICON,
            with_google_fonts=False,
        )
        return _checked(page, _REDOC)

    app.add_route("/docs", swagger, include_in_schema=False)
    app.add_route("/redoc", redoc, include_in_schema=False)


def _description(app: FastAPI, request: Request) -> str:
    return f"{str(request.scope.get('root_path', '')).rstrip('/')}{app.openapi_url}"


def _checked(page: HTMLResponse, script: str, style: str = "") -> HTMLResponse:
    """The page with the digests of its files, and a policy that lets in these and the page's own lines."""
    text = bytes(page.body)
    own = [base64.b64encode(hashlib.sha256(lines).digest()).decode() for lines in _INLINE.findall(text)]
    for url in filter(None, (script, style)):
        checked = f'"{url}" integrity="{FILES[url]}" crossorigin="anonymous"'
        text = text.replace(f'"{url}"'.encode(), checked.encode())
    policy = _POLICY.format(scripts=" ".join([script, *(f"'sha256-{digest}'" for digest in own)]), styles=style)
    return HTMLResponse(text, headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"})
