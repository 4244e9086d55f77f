#!/usr/bin/env python3
"""Check, without a network, that `requirements/*.txt` say what `pyproject.toml` asks for, and nothing about where from.

Every requirement is pinned once, with hashes, within its bounds, and to one version in all files; no file of the
repository names a package registry, and none is a lock file: where packages come from is the business of who installs.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<hashes>(?:.*\\\n +--hash=\S+)*)", re.MULTILINE)
LOCK_FILE = re.compile(r"(^|/)(uv|poetry|pdm|Pipfile|conda|pixi|yarn|pnpm|package)(-lock)?\.(lock|json|ya?ml)$")
REGISTRY = re.compile(rb"(pypi|python[h]osted|registry[.]npm[j]s|npm[j]s|anaconda|debian)[.](org|com|net)\b")


def wanted() -> dict[str, list[Requirement]]:
    """Return the requirements that each file must meet, by the file's stem."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = {name: [r for r in group if isinstance(r, str)] for name, group in project["dependency-groups"].items()}
    groups["run"] = project["project"]["dependencies"]
    return {name: [Requirement(line) for line in lines] for name, lines in groups.items() if lines}


def faults_of_file(stem: str, requirements: list[Requirement], versions: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with one file of pins; `versions` gathers those of all files."""
    path = ROOT / "requirements" / f"{stem}.txt"
    if not path.exists():
        yield f"requirements/{stem}.txt is missing"
        return
    text = path.read_text(encoding="utf-8")
    if "://" in text or re.search(r"^--?[a-z]", text, re.MULTILINE):
        yield f"{path.name} names an address or an option"
    pins = {canonicalize_name(pin["name"]): pin for pin in PIN.finditer(text)}
    for name, pin in pins.items():
        if not pin["hashes"]:
            yield f"{path.name} has no hash for {name}"
        if versions.setdefault(name, pin["version"]) != pin["version"]:
            yield f"{path.name} pins {name} to {pin['version']}, another file to {versions[name]}"
    for requirement in requirements:
        pinned = pins.get(canonicalize_name(requirement.name))
        if pinned is None or not requirement.specifier.contains(pinned["version"]):
            yield f"{path.name} does not meet {requirement}"


def faults_of_tree() -> Iterator[str]:
    """Yield the files, tracked or about to be, that are lock files or name a package registry."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - the developer's git
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if LOCK_FILE.search(name):
            yield f"{name} is a lock file"
        if path.is_file() and (host := REGISTRY.search(path.read_bytes())):
            yield f"{name} names a package registry: {host[0].decode()}"


def main() -> int:
    """Print all faults, and fail where there are any."""
    versions: dict[str, str] = {}
    faults = [fault for stem, needs in wanted().items() for fault in faults_of_file(stem, needs, versions)]
    faults += faults_of_tree()
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    sys.stdout.write(f"Pins: {len(versions)} packages, {len(faults)} faults.\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
