"""Rivals from the package index, each in a virtual environment of its own, with pinned versions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["RIVALS", "Rival", "RivalMissing", "make_rival"]

RIVALS = Path(__file__).parent / "rivals"
"""``NAME.txt``: what to install; ``SCRIPT.py``: what to run there. The scripts import nothing of ours."""
INSTALL_SECONDS = 900
PROGRAMS = {"h2o": ("java",)}
"""What a rival needs that pip does not bring."""


class RivalMissing(Exception):
    """Raised when a rival cannot be installed or started here; the message is the reason that the results name."""


@dataclass(frozen=True)
class Rival:
    """An environment with a rival in it.

    Attributes:
        name: of the rival, and of its list of requirements.
        python: its interpreter.
        versions: of what was pinned, by names as they are on the package index.
    """

    name: str
    python: Path
    versions: dict[str, str]

    def label(self, package: str, name: str = "") -> str:
        """How the results name it: ``MLflow 3.18.0``."""
        return f"{name or package} {self.versions[package]}"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for its processes: ours, less what would lead to our libraries."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return kept | {"PATH": os.pathsep.join([str(self.python.parent), kept.get("PATH", os.defpath)])}

    def script(self, name: str) -> list[str]:
        """The command that runs ``benchmarks/rivals/NAME.py`` there; arguments may be added."""
        return [str(self.python), str(RIVALS / f"{name}.py")]

    def run(self, script: str, *arguments: object, timeout: float = 900) -> Any:
        """Run ``benchmarks/rivals/SCRIPT.py`` there, and read the last line of JSON that it prints.

        Raises:
            RivalMissing: it fails, with the last lines of what it says.
        """
        # Imported late: processes.py is imported by fresh processes whose time is taken.
        from benchmarks.processes import held  # noqa: PLC0415

        command = [*self.script(script), *map(str, arguments)]
        with held(command, environment=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                raise RivalMissing(f"{script} took more than {timeout:.0f} s") from None
        if process.returncode:
            raise RivalMissing(f"{script} ended with {process.returncode}: {_end(err)}")
        # Some libraries have a last word of their own.
        return json.loads(next(line for line in reversed(out.decode().splitlines()) if line.startswith("{")))


def make_rival(name: str, folder: Path) -> Rival:
    """The rival's environment, made anew where its list of requirements is not the one that was installed.

    Raises:
        RivalMissing: there is no such list, or it cannot be installed, with pip's own words.
    """
    for program in PROGRAMS.get(name, ()):
        if shutil.which(program) is None:
            raise RivalMissing(f"it needs {program}, which is not on this machine")
    wanted = RIVALS / f"{name}.txt"
    if not wanted.exists():
        raise RivalMissing(f"there is no {wanted.name}")
    home = folder / name
    installed = home / "installed.txt"
    python = home / "bin" / "python"
    if not installed.exists() or installed.read_text() != wanted.read_text() or not python.exists():
        _install(wanted, home)
        shutil.copyfile(wanted, installed)
    return Rival(name, python, _pinned(wanted))


def _install(wanted: Path, home: Path) -> None:
    sys.stderr.write(f"installing {wanted.name} into {home}\n")
    shutil.rmtree(home, ignore_errors=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(wanted)]
    for command in ([sys.executable, "-m", "venv", str(home)], pip):
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
        except subprocess.CalledProcessError as error:
            raise RivalMissing(f"{wanted.name} cannot be installed: {_end(error.stderr)}") from None
        except subprocess.TimeoutExpired:
            raise RivalMissing(f"{wanted.name} was not installed within {INSTALL_SECONDS} s") from None


def _pinned(wanted: Path) -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in wanted.read_text().splitlines()]
    pairs = [line.partition("==") for line in lines if "==" in line]
    return {name.partition("[")[0]: version for name, _, version in pairs}


def _end(output: bytes) -> str:
    """The last words of a program that failed, on one line."""
    return " ".join(output.decode(errors="replace").split())[-400:]
