"""The commands about the web pages."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from eventsieve.cli.connection import Store
from eventsieve.cli.console import failures, say
from eventsieve.cli.ports import address, refuse_open, refuse_taken
from eventsieve.errors import BadConfiguration

__all__ = ["up", "web"]

PACKAGES = ("streamlit", "plotly", "babel")

WebHost = Annotated[str | None, typer.Option(help="The page's address; default: EVENTSIEVE_WEB_HOST, or 127.0.0.1.")]
WebPort = Annotated[int | None, typer.Option(help="The page's port; default: EVENTSIEVE_WEB_PORT, or 8501.")]


def web(
    host: WebHost = None,
    port: WebPort = None,
    url: Annotated[
        str | None,
        typer.Option(help="The server; default: EVENTSIEVE_FASTAPI_URL, or http://127.0.0.1:8000."),
    ] = None,
) -> None:
    """Start the web pages over a server that runs."""
    with failures():
        _refuse_without_packages()
        from eventsieve.web.settings import read_settings  # noqa: PLC0415 - --help must not wait for it

        settings = read_settings(WEB_HOST=host, WEB_PORT=port, FASTAPI_URL=url)
        refuse_open(settings.WEB_HOST, settings.AUTH, settings.OPEN, what="The page")
        refuse_taken(settings.WEB_HOST, settings.WEB_PORT)
        from eventsieve.web.server import serve  # noqa: PLC0415

        serve(settings, say)


def up(
    host: Annotated[str | None, typer.Option(help="The server's address; default: as `serve`.")] = None,
    port: Annotated[int | None, typer.Option(help="The server's port; default: as `serve`.")] = None,
    web_host: WebHost = None,
    web_port: WebPort = None,
    store: Store = None,
) -> None:
    """Start server and web pages together; both end with this command, and each with the other."""
    with failures():
        _refuse_without_packages()
        from eventsieve.cli.together import GOODBYE_SECONDS, run_together  # noqa: PLC0415
        from eventsieve.settings import read_settings  # noqa: PLC0415
        from eventsieve.web.settings import read_settings as read_web_settings  # noqa: PLC0415

        server = read_settings(HOST=host, PORT=port, MODEL_DIR=store)
        page = read_web_settings(WEB_HOST=web_host, WEB_PORT=web_port)
        for chosen, option in ((server.PORT, "--port"), (page.WEB_PORT, "--web-port")):
            if chosen == 0:
                raise BadConfiguration(f"Server and page must know each other's ports; give {option} another than 0.")
        refuse_open(server.HOST, server.AUTH, server.OPEN)
        refuse_open(page.WEB_HOST, page.AUTH, page.OPEN, what="The page", option="--web-host")
        refuse_taken(server.HOST, server.PORT)
        refuse_taken(page.WEB_HOST, page.WEB_PORT, "--web-host", "--web-port")
        served, shown = address(server.HOST, server.PORT), address(page.WEB_HOST, page.WEB_PORT)
        serving = ["serve", "--host", server.HOST, "--port", str(server.PORT), "--model-dir", str(server.MODEL_DIR)]
        showing = ["web", "--host", page.WEB_HOST, "--port", str(page.WEB_PORT), "--url", served]
        code = run_together(
            {"server": (serving, f"{served}/"), "page": (showing, f"{shown}{page.base}/_stcore/health")},
            lambda: say(f"Eventsieve is at {page.PUBLIC_URL or shown}, its server at {served}; Ctrl-C ends both."),
            goodbye=GOODBYE_SECONDS + (server.STOP_SECONDS if server.ON_STOP == "finish" else 0.0),
        )
    raise typer.Exit(code)


def _refuse_without_packages() -> None:
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise BadConfiguration(
            f"The pages need packages that are not installed: {', '.join(missing)}. "
            f"Install them: pip install 'eventsieve[web]'"
        )
