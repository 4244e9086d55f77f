"""The audit of dependencies tells what is wrong from what could not be asked."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def audit():
    spec = importlib.util.spec_from_file_location("audit_tool", ROOT / "tools" / "audit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(**about: object) -> dict[str, object]:
    return {
        "is_yanked": about.pop("yanked", False),
        "metadata": {"name": "p", "version": "1", "license": "MIT"} | about,
    }


@pytest.mark.parametrize(
    ("about", "fine"),
    [
        ({"license_expression": "MIT"}, True),
        ({"license_expression": "GPL-3.0-only OR MIT"}, True),
        ({"license_expression": "MIT AND AGPL-3.0-only"}, False),
        ({"license": "", "classifier": ["License :: OSI Approved :: BSD License"]}, True),
        ({"license": "", "classifier": ["License :: Other/Proprietary License"]}, False),
        ({"license": ""}, False),
        ({"license": "GNU General Public License"}, False),
    ],
)
def test_licences_are_on_a_list(audit, about, fine):
    assert (audit.faults_of_pins("run", [package(**about)]) == []) is fine


def test_what_is_withdrawn_or_left_by_its_authors_is_a_fault(audit):
    gone, left = package(yanked=True), package(classifier=["Development Status :: 7 - Inactive"])
    faults = audit.faults_of_pins("run", [gone, left])
    assert "withdrawn" in faults[0]
    assert "maintained" in faults[1]


@pytest.mark.parametrize(
    ("stderr", "asked"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", True),
        ("ERROR: No matching distribution found for p==1 (from versions: 2, 3)", True),
        ("ERROR: Could not find a version (from versions: none)", False),
        ("WARNING: Retrying after connection broken by NewConnectionError", False),
    ],
)
def test_an_index_that_does_not_answer_is_no_fault(audit, monkeypatch, stderr, asked):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stdout="", stderr=stderr))
    with pytest.raises(ValueError if asked else audit.NotAsked):
        audit.pinned(Path("run.txt"))


def test_a_service_that_knows_nothing_is_never_called_fine(audit, monkeypatch, capsys):
    told = {"dependencies": [{"name": "p", "skip_reason": "not found"}]}
    monkeypatch.setattr(
        subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0, stdout=json.dumps(told), stderr="")
    )
    monkeypatch.setattr(audit, "pinned", lambda _: [])
    assert audit.main() == 0
    said = capsys.readouterr().out
    assert "NOT CHECKED known holes of web" in said
    assert said.splitlines()[-1].startswith("INCOMPLETE")


def test_a_known_hole_is_a_fault(audit, monkeypatch, capsys):
    hole = {"id": "CVE-1", "fix_versions": ["2"]}
    told = {"dependencies": [{"name": "p", "version": "1", "vulns": [hole]}]}
    monkeypatch.setattr(
        subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stdout=json.dumps(told), stderr="")
    )
    monkeypatch.setattr(audit, "pinned", lambda _: [])
    assert audit.main() == 1
    assert "CVE-1" in capsys.readouterr().out
