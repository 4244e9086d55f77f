"""The command that looks for what is wrong."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from eventsieve.cli.connection import AsJson, Store
from eventsieve.cli.console import failures, out, print_json

if TYPE_CHECKING:
    from eventsieve.service.diagnosis import Finding
    from eventsieve.settings import Settings

__all__ = ["doctor"]

PREFIX: Final = "EVENTSIEVE_"
OF_COMMANDS: Final = frozenset({"URL", "KEY"})
"""What the command line reads besides the settings."""
ANSWER_SECONDS: Final = 10.0
STYLES: Final = {"ok": "green", "warning": "yellow", "fault": "bold red"}


def doctor(
    url: Annotated[
        str | None, typer.Option("--url", help="A server to look at from here; default: the set-up on this machine.")
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read all of every file, and compare it with its digest.")
    ] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Look for what is wrong with the set-up, and say the cure; nothing is changed, and a server may run."""
    if url is not None and (deep or store is not None):
        raise typer.BadParameter("--deep and --model-dir are for the set-up on this machine; leave --url out")
    with failures():
        findings = []
        for finding in _of_server(url) if url is not None else _of_machine(store, deep=deep):
            findings.append(finding)
            if not as_json:
                _print(finding)
    if as_json:
        print_json(
            [{"place": each.place, "level": each.level, "says": each.says, "cure": each.cure} for each in findings]
        )
    if any(each.level == "fault" for each in findings):
        raise typer.Exit(1)


def _print(finding: Finding) -> None:
    out.print(f"[{STYLES[finding.level]}]{finding.level:8}[/]", end="")
    cure = f"; {finding.cure}" if finding.cure else ""
    out.print(f"{finding.place}: {finding.says}{cure}", markup=False, highlight=False, soft_wrap=True)


def _of_machine(store: Path | None, *, deep: bool) -> Iterator[Finding]:
    from eventsieve.service.diagnosis import diagnose  # noqa: PLC0415 - --help must not wait for it

    settings, findings = _settings(store)
    yield from findings
    yield from _unknown_names()
    yield from _listening(settings)
    yield from diagnose(settings, deep=deep)


def _settings(store: Path | None) -> tuple[Settings, list[Finding]]:
    """The settings, with defaults in the place of those that are wrong, and a finding for each of these."""
    from eventsieve.service.diagnosis import Finding, Level  # noqa: PLC0415

    findings: list[Finding] = []
    given: dict[str, Any] = {} if store is None else {"MODEL_DIR": store}
    while True:
        settings, faults = _try(given)
        if settings is not None:
            return settings, findings or [Finding("settings", Level.OK, "all can be used")]
        for name, says in faults.items():
            findings.append(Finding("settings", Level.FAULT, f"{PREFIX}{name}: {says}", "correct it; docs/settings.md"))


def _try(given: dict[str, Any]) -> tuple[Settings | None, dict[str, str]]:
    """The settings, or what is wrong with which; those are left at their defaults at the next try."""
    from pydantic import ValidationError  # noqa: PLC0415
    from pydantic_settings import SettingsError  # noqa: PLC0415

    from eventsieve.settings import Settings  # noqa: PLC0415

    try:
        return Settings(**given), {}
    except SettingsError as error:
        found = re.search(r'field "(\w+)"', str(error))
        if found is None or not (at := [each for each in os.environ if each.upper() == PREFIX + found[1]]):
            given["_env_file"] = None  # it is there
            return None, {found[1] if found else "": "it is not written as JSON"}
        for each in at:
            del os.environ[each]  # of this process alone
        return None, {found[1]: "it is not written as JSON"}
    except ValidationError as error:
        faults = {str(fault["loc"][0]) if fault["loc"] else "": fault["msg"] for fault in error.errors()}
        for name in faults:
            field = Settings.model_fields.get(name)
            if field is None:
                raise
            given[name] = field.get_default(call_default_factory=True)
        return None, faults


def _unknown_names() -> Iterator[Finding]:
    from dotenv import dotenv_values  # noqa: PLC0415
    from pydantic_settings import BaseSettings  # noqa: PLC0415

    from eventsieve.service.diagnosis import Finding, Level  # noqa: PLC0415
    from eventsieve.settings import Settings  # noqa: PLC0415
    from eventsieve.web.settings import WebSettings  # noqa: PLC0415

    kinds: Iterable[type[BaseSettings]] = (Settings, WebSettings)
    known = sorted({name for kind in kinds for name in kind.model_fields} | OF_COMMANDS)
    for each in sorted({*os.environ, *dotenv_values(".env")}):
        name = each.upper().removeprefix(PREFIX)
        if each.upper().startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            cure = f"did you mean {PREFIX}{near[0]}?" if near else "remove it; docs/settings.md has those there are"
            yield Finding("settings", Level.WARNING, f"there is no setting {each}", cure)


def _listening(settings: Settings) -> Iterator[Finding]:
    from eventsieve.cli.ports import address, refuse_open, refuse_taken  # noqa: PLC0415
    from eventsieve.errors import BadConfiguration  # noqa: PLC0415
    from eventsieve.service.diagnosis import Finding, Level  # noqa: PLC0415

    where = address(settings.HOST, settings.PORT)
    try:
        refuse_open(settings.HOST, settings.AUTH, settings.OPEN)
    except BadConfiguration as error:
        yield Finding("access", Level.FAULT, str(error), "set AUTH, or OPEN where everybody who reaches it is meant to")
    try:
        refuse_taken(settings.HOST, settings.PORT)
    except BadConfiguration as error:
        if _is_ours(where):
            yield Finding("port", Level.OK, f"a server of Eventsieve answers at {where}")
        else:
            yield Finding("port", Level.FAULT, str(error))
    else:
        yield Finding("port", Level.OK, f"{where} is free")


def _is_ours(where: str) -> bool:
    import httpx2  # noqa: PLC0415

    try:
        return httpx2.get(f"{where}/livez", trust_env=False, timeout=ANSWER_SECONDS).is_success
    except httpx2.HTTPError:
        return False


def _of_server(url: str) -> Iterator[Finding]:
    import httpx2  # noqa: PLC0415

    import eventsieve  # noqa: PLC0415
    from eventsieve.service.diagnosis import Finding, Level  # noqa: PLC0415

    base = url.rstrip("/")
    try:
        with httpx2.Client(base_url=base, timeout=ANSWER_SECONDS) as http:
            ready, described = http.get("/readyz"), http.get("/openapi.json")
            yield Finding("server", Level.OK, f"{base} answers")
            yield from _readiness(ready)
            theirs = _version(described)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        yield Finding(
            "server", Level.FAULT, f"no answer from {base}: {error}", "see that it runs there and can be reached"
        )
        return
    if theirs == eventsieve.__version__:
        yield Finding("version", Level.OK, f"{theirs}, as here")
    else:
        says = f"{theirs or 'none that it tells'} there, {eventsieve.__version__} here"
        yield Finding("version", Level.WARNING, says, "install the same on both sides")


def _readiness(answer: Any) -> Iterator[Finding]:
    from eventsieve.service.diagnosis import Finding, Level  # noqa: PLC0415

    if answer.is_success:
        yield Finding("readyz", Level.OK, "it is ready")
    elif answer.status_code == 404:
        yield Finding("readyz", Level.FAULT, "what answers is no server of Eventsieve", "correct the URL")
    else:
        said = answer.text[:500].strip()
        yield Finding("readyz", Level.FAULT, f"it is not ready ({answer.status_code}): {said}", "its log says more")


def _version(answer: Any) -> str:
    try:
        return str(answer.json()["info"]["version"])
    except (ValueError, KeyError, TypeError):
        return ""
