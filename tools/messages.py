"""Bring the catalogues of the web client up to date with the code: ``make messages``.

Messages are what the code passes to `_`, `N_` and `ngettext`, and what the server says of its estimators and of the
columns of the schemas that come with Eventsieve, which the pages translate too. What is translated stays; what is new
is left empty, and what is gone is dropped. No line numbers and no dates are written, so that a file changes only where
a message does.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po

from eventsieve.domain.estimators import CATALOGUE
from eventsieve.domain.schema import load_schema

__all__ = ["catalogue_path", "current", "read", "template", "updated"]

ROOT = Path(__file__).resolve().parents[1]
CODE = ROOT / "src" / "eventsieve" / "web"
KEYWORDS = {"_": 1, "N_": 1, "ngettext": 2}
"""The functions that take messages, and how many each."""
ESTIMATORS = "src/eventsieve/domain/estimators/catalogue.py"
SCHEMAS = "src/eventsieve/domain/schemas"
CHURN = (
    b'"POT-Creation-Date',
    b'"PO-Revision-Date',
    b'"Last-Translator',
    b'"Language-Team',
    b'"Generated-By',
    b'"Report-Msgid-Bugs-To',
)


def template() -> Catalog:
    """All messages, none translated."""
    catalog = Catalog(project="Eventsieve", charset="utf-8", fuzzy=False)
    for place, message in (*_of_code(), *_of_server()):
        catalog.add(message, locations=[(place, 0)])
    return catalog


def current() -> list[str]:
    """The languages that there are catalogues of."""
    return sorted(path.parts[-3] for path in CODE.glob("locale/*/LC_MESSAGES/eventsieve.po"))


def catalogue_path(language: str) -> Path:
    """Where the catalogue of a language is."""
    return CODE / "locale" / language / "LC_MESSAGES" / "eventsieve.po"


def read(language: str) -> Catalog:
    """The catalogue of a language as it stands."""
    with catalogue_path(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> bytes:
    """The catalogue of a language with exactly the messages that there are, as a file."""
    catalog = read(language)
    # A message that looks like another is another: a translation that was guessed is worse than none.
    catalog.update(template(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.project, catalog.version = "Eventsieve", ""
    catalog.header_comment = "# Messages of the web client; `make messages` brings them up to date with the code."
    text = io.BytesIO()
    write_po(text, catalog, sort_by_file=True, include_lineno=False, ignore_obsolete=True, width=110)
    return b"".join(line for line in text.getvalue().splitlines(keepends=True) if not line.startswith(CHURN))


def _of_code() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    # Babel's own extractor does not look into f-strings before Python 3.12.
    for path in sorted(CODE.rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            given = call.args[: KEYWORDS.get(ast.unparse(call.func), 0)]
            texts = [str(each.value) for each in given if isinstance(each, ast.Constant)]
            if texts:  # otherwise it was marked elsewhere
                yield path.relative_to(ROOT).as_posix(), texts[0] if len(texts) == 1 else tuple(texts)


def _of_server() -> Iterator[tuple[str, str]]:
    for estimator in CATALOGUE.values():
        helps = (each.help for each in estimator.parameters)
        for message in (estimator.title, estimator.unit, *helps, *(rule.cure for rule in estimator.rules)):
            if message:
                yield ESTIMATORS, message
    for path in sorted((files("eventsieve.domain") / "schemas").iterdir(), key=lambda path: path.name):
        schema = load_schema(path.name.removesuffix(".json"))
        for message in (schema.title, *(column.description for column in schema.columns)):
            if message:
                yield f"{SCHEMAS}/{path.name}", message


def main() -> None:
    """Update all catalogues, and say what is not translated yet."""
    missing = 0
    for language in current():
        catalogue_path(language).write_bytes(updated(language))
        missing += sum(not _translated(message.string) for message in read(language) if message.id)
    if missing:
        sys.exit(f"{missing} messages are not translated yet; fill in every empty msgstr.")


def _translated(string: Any) -> bool:
    return all(string) if isinstance(string, (tuple, list)) else bool(string)


if __name__ == "__main__":
    main()
