"""The report: an exploration as a PDF to print or to read on a screen."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages

from eventsieve.palette import MUTED, SIGNAL
from eventsieve.records import Exploration
from eventsieve.report.charts import correlations, separations, undefined
from eventsieve.report.cover import Imprint, draw_cover
from eventsieve.report.distributions import agreements, contrasts, shapes, whole_numbers
from eventsieve.report.overview import overview
from eventsieve.report.pages import Page, drift, glossary, summaries
from eventsieve.report.style import LEFT, RIGHT, house_style, new_page, short, write

__all__ = ["write_report"]


def write_report(
    exploration: Exploration,
    path: Path,
    *,
    title: str | None = None,
    simulated: bool = False,
    tables: tuple[str, ...] = (),
    day: date | None = None,
) -> None:
    """Write an exploration as a PDF of A4 pages.

    The same arguments give the same bytes. The file appears at ``path`` whole or not at all.

    Args:
        exploration: what is shown.
        path: where the PDF is written; what is there is replaced.
        title: headline; the schema's title if ``None``.
        simulated: says on the title page and at the foot of every page that the events are simulated.
        tables: names of the first and the second table, for the title page.
        day: date for the title page; none is printed if ``None``.

    Raises:
        OSError: the file cannot be written.
    """
    schema = exploration.event_schema
    imprint = Imprint(title or schema.title or f"Events of {schema.name}", tables, simulated, day)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_pages(exploration, imprint, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _pages(found: Exploration) -> Iterator[Page]:
    yield from overview(found)
    yield from drift(found)
    yield from undefined(found)
    yield from summaries(found)
    if found.table.classes:
        yield from separations(found)
        yield from contrasts(found)
    if found.against is not None:
        yield from agreements(found)
    if found.against is None and not found.table.classes:
        yield from shapes(found)
    yield from whole_numbers(found)
    yield from correlations(found)
    yield from glossary(found)


def _write_pages(found: Exploration, imprint: Imprint, path: Path) -> None:
    # Without the dates that Matplotlib would put in, equal input gives equal bytes.
    about = {
        "Title": imprint.title,
        "Subject": "Simulated events" if imprint.simulated else "Collision events",
        "Creator": "Eventsieve",
        "CreationDate": None,
    }
    with house_style(), PdfPages(path, metadata=about) as pdf:
        pages = list(_pages(found))
        contents: dict[str, int] = {}
        for number, page in enumerate(pages, start=2):
            contents.setdefault(page.section, number)
        cover = Page("", lambda figure: draw_cover(figure, found, imprint, list(contents.items())))
        for number, page in enumerate([cover, *pages], start=1):
            figure = new_page()
            page.draw(figure)
            foot = 0.38
            write(figure, LEFT, foot, short(imprint.title, 90), size=7.5, color=MUTED)
            if imprint.simulated:
                write(
                    figure, (LEFT + RIGHT) / 2, foot, "simulated events, not data", size=7.5, color=SIGNAL, ha="center"
                )
            write(figure, RIGHT, foot, f"{number} / {len(pages) + 1}", size=7.5, color=MUTED, ha="right")
            pdf.savefig(figure)
