#!/usr/bin/env python3
"""Audit what is shipped: its pins still are what they were, are not withdrawn, may be used, and have no known holes.

pip is asked, with whatever index it is configured for, so nothing here names one. What cannot be asked is said loudly:
the last line is "audited" only where everything was. Ends with 1 where there is a fault, with 0 otherwise.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("web", "server")
"""The files of `requirements/` whose packages users get; between them they have those of the others too."""
SECONDS = 240

# What MIT-licensed software may be delivered beside, whole and unchanged.
ALLOWED = re.compile(
    r"(0BSD|3-Clause BSD|Apache|BSD|BSL-1\.0|CC0|CNRI|HPND|ISC|LGPL|LLVM-exception|MIT|MPL|Mozilla Public|NCSA|OFL|PSF|"
    r"Python Software Foundation|Unlicense|Zlib|zlib|Public Domain)",
)
EXCEPTIONS = {
    "daal": "Intel Simplified Software License: redistribution allowed",
    "skops": "MIT, in the text of its licence alone",
    "tbb": "Intel Simplified Software License: redistribution allowed",
    "tcmlib": "Intel Simplified Software License: redistribution allowed",
}
"""Packages whose metadata do not say what their licence is, read by a person."""


class NotAsked(Exception):
    """Raised where a question could not be asked; says why."""


def pinned(path: Path) -> Any:
    """What pip would install of a file of pins: found, with the right bytes.

    Raises:
        NotAsked: the index cannot be reached.
        ValueError: a pin is not to be had any more, or has other bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
        command += ["--require-hashes", "--only-binary", ":all:", "--timeout", "15", "--retries", "1"]
        try:
            done = subprocess.run(  # noqa: S603 - our own words
                [*command, "--report", str(report), "-r", str(path)],
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NotAsked(f"the index did not answer within {SECONDS} s") from error
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR") or "sha256" in line]
        if done.returncode == 0:
            return json.loads(report.read_text(encoding="utf-8"))["install"]
        text = " ".join(said)[:600] or done.stderr[-300:].strip()
        if "from versions: none" in text or ("onnection" in done.stderr and "HASHES" not in text):
            raise NotAsked(f"the index does not answer ({text[:200]})")
        raise ValueError(text)


def faults_of_pins(name: str, found: Any) -> list[str]:
    """What is wrong with packages by their own metadata."""
    faults = []
    for each in found:
        about = each["metadata"]
        title = f"{name}: {about['name']} {about['version']}"
        if each.get("is_yanked"):
            faults.append(f"{title} has been withdrawn by its authors; pin another version")
        if "Development Status :: 7 - Inactive" in about.get("classifier", ()):
            faults.append(f"{title} is not maintained any more; find another")
        if not may_be_used(about):
            faults.append(f"{title} has the licence {licence(about)!r}, which is not on the list; read it")
    return faults


def licence(about: dict[str, Any]) -> str:
    """The licence that a package's metadata name, in the newest form that they have."""
    known = [line.rpartition(" :: ")[2] for line in about.get("classifier", ()) if line.startswith("License :: ")]
    told = str(about.get("license") or "").partition("\n")[0][:60]
    return str(about.get("license_expression") or " OR ".join(known) or told)


def may_be_used(about: dict[str, Any]) -> bool:
    """Whether a licence is on the list: one of alternatives, all of what holds together."""
    if canonicalize_name(about["name"]) in EXCEPTIONS:
        return True
    alternatives = re.split(r"\s+OR\s+", licence(about))
    return any(all(ALLOWED.search(part) for part in re.split(r"\s+AND\s+", each)) for each in alternatives)


def holes(path: Path) -> list[str]:
    """Known holes of a file of pins.

    Raises:
        NotAsked: no service that knows of holes answers, or not for all packages.
    """
    command = [sys.executable, "-m", "pip_audit", "-r", str(path), "--disable-pip", "--no-deps", "-f", "json"]
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            [*command, "--progress-spinner", "off", "--timeout", "10"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        told = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired as error:
        raise NotAsked(f"no answer within {SECONDS} s") from error
    except (ValueError, KeyError) as error:
        raise NotAsked((done.stderr.strip().splitlines() or ["no answer"])[-1][:200]) from error
    faults = [
        f"{path.stem}: {each['name']} {each['version']} has {hole['id']}; fixed in {', '.join(hole['fix_versions'])}"
        for each in told
        for hole in each.get("vulns", ())
    ]
    skipped = [each for each in told if "skip_reason" in each]
    if skipped and not faults:
        raise NotAsked(f"{len(skipped)} of {len(told)} packages, such as: {skipped[0]['skip_reason'][:160]}")
    return faults


def main() -> int:
    """Audit, say what was found and what was not asked."""
    faults: list[str] = []
    unasked: list[str] = []
    for path in [path for name in SHIPPED if (path := ROOT / "requirements" / f"{name}.txt").is_file()]:
        try:
            found = pinned(path)
            faults += faults_of_pins(path.stem, found)
            _say(f"{path.stem}: {len(found)} packages of this platform are there, unchanged")
        except NotAsked as why:
            unasked.append(f"pins of {path.stem}: {why}")
        except ValueError as error:
            faults.append(f"{path.stem}: {error}")
        try:
            faults += holes(path)
        except NotAsked as why:
            unasked.append(f"known holes of {path.stem}: {why}")
    for fault in faults:
        _say(f"FAULT {fault}")
    for reason in unasked:
        _say(f"NOT CHECKED {reason}")
    _say(f"INCOMPLETE: {len(unasked)} questions could not be asked" if unasked else "audited")
    return 1 if faults else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
