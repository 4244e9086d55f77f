"""The catalogues of the web client say all that its code says."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "src" / "eventsieve" / "web"
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
MARKUP = re.compile(r"\*\*|`|\$|:material/[a-z_]+:|\]\(")


def load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("messages", ROOT / "tools" / "messages.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = load_tool()
TEMPLATE = tool.template()


@pytest.fixture(params=["ru"])
def language(request):
    return request.param


@pytest.fixture
def catalog(language):
    return tool.read(language)


def forms(string: str | tuple[str, ...]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


def test_there_is_a_catalogue_of_every_language_but_the_source():
    from eventsieve.web.i18n import LANGUAGES, SOURCE

    assert tool.current() == sorted(set(LANGUAGES) - {SOURCE})


def test_it_has_exactly_the_messages_of_the_code(language, catalog):
    asked, there = ({message.id for message in each if message.id} for each in (TEMPLATE, catalog))
    assert asked - there == set(), "missing; run `make messages` and translate"
    assert there - asked == set(), "gone from the code; run `make messages`"
    assert not catalog.obsolete
    assert tool.catalogue_path(language).read_bytes() == tool.updated(language), "run `make messages`"


def test_every_message_is_translated(catalog):
    assert [message.id for message in catalog if message.id and not all(forms(message.string))] == []
    assert [message.id for message in catalog if message.id and message.fuzzy] == []


def test_plurals_have_all_forms(catalog):
    assert catalog.num_plurals == 3
    assert [m.id for m in catalog if m.pluralizable and len(forms(m.string)) != catalog.num_plurals] == []


def test_placeholders_are_those_of_the_source(catalog):
    def held(text):
        return sorted(PLACEHOLDER.findall(text))

    wrong = [
        (message.id, form)
        for message in catalog
        if message.id
        for form in forms(message.string)
        if held(form) != held(forms(message.id)[-1])
    ]
    assert wrong == []


def test_markup_is_that_of_the_source(catalog):
    wrong = [
        (message.id, form)
        for message in catalog
        if message.id
        for form in forms(message.string)
        if sorted(MARKUP.findall(form)) != sorted(MARKUP.findall(forms(message.id)[-1]))
    ]
    assert wrong == []


def test_spaces_at_the_ends_and_the_last_sign_stay(catalog):
    ends = ".:?!…"
    wrong = [
        (message.id, form)
        for message in catalog
        if message.id
        for form in forms(message.string)
        if (form != form.strip()) or (form[-1:] in ends) != (forms(message.id)[-1][-1:] in ends)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", sorted(WEB.rglob("*.py")), ids=lambda path: str(path.relative_to(WEB)))
def test_what_is_marked_is_a_text_that_can_be_found(path):
    # A message that is put together as the program runs is in no catalogue.
    made = [
        f"line {call.lineno}"
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in tool.KEYWORDS
        for argument in call.args[: tool.KEYWORDS[call.func.id]]
        if isinstance(argument, (ast.JoinedStr, ast.BinOp, ast.IfExp))
        or (isinstance(argument, ast.Call) and getattr(argument.func, "attr", "") == "format")
    ]
    assert made == []
