"""The page `docs/load.md`: text by hand, and between two marks what was measured."""

from __future__ import annotations

from pathlib import Path

from load.judging import Result, markdown

__all__ = ["PAGE", "RESULT", "filled", "write_page"]

RESULT = Path(__file__).with_name("result.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "load.md"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


def filled(text: str, result: Result) -> str:
    """The page with what was measured."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{markdown(result)}\n{END}{after}"


def write_page() -> None:
    """Bring the page up to date with the result that is kept."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), Result.read(RESULT)), encoding="utf-8")
