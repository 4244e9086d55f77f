"""SECURITY.md names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_every_attempt_has_a_test():
    rows = re.findall(
        r"^\| (?!attempt|---|version|who |the newest|all before)(.+) \|$",
        PAGE.partition("## What somebody")[2],
        re.MULTILINE,
    )
    assert len(rows) > 40
    assert not [row for row in rows if "`tests/" not in row]


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_a_test_that_is_named_exists(file: str, name: str):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_pages_that_are_linked_exist():
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", PAGE)
    assert linked
    assert not [path for path in linked if not (ROOT / path).is_file()]
