"""How a page of the report looks: paper, fonts, heading, legend, numbers as text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import mplhep
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eventsieve.charts.style import FONTS, styled
from eventsieve.palette import INK, MUTED, RULE

__all__ = [
    "BOTTOM",
    "DASH",
    "FONTS",
    "HEIGHT",
    "LEFT",
    "MINUS",
    "RIGHT",
    "TOP",
    "WIDTH",
    "Box",
    "fixed",
    "heading",
    "house_style",
    "integer",
    "legend",
    "new_page",
    "number",
    "parts",
    "percent",
    "short",
    "signed",
    "subheading",
    "write",
]

T = TypeVar("T")

WIDTH, HEIGHT = 11.69, 8.27
"""A4, landscape, in inches, as all lengths here; heights are measured from the foot of the page."""
LEFT, RIGHT = 0.65, WIDTH - 0.65
TOP, BOTTOM = HEIGHT - 1.3, 0.72
"""Where the body of a page begins and ends, below its heading and above its footer."""

_LEGEND_LETTERS = 90
"""What fits beside the title in one line, a mark counting as some letters."""
_LEGEND_COLUMNS = 4
"""Marks beside one another where there are more, in a smaller print."""

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"

_HOUSE: dict[Any, Any] = {
    **mplhep.style.ROOT,
    "font.family": FONTS,
    "font.size": 8,
    "text.color": INK,
    "text.parse_math": False,  # a column's name may hold a dollar sign
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.unicode_minus": True,
    "legend.fontsize": 8,
    "lines.linewidth": 1.0,
    "pdf.fonttype": 3,  # TeX Gyre is OpenType with PostScript outlines, which PDF readers reject as type 42
    # Panels a few centimetres wide are crowded by them, and they are a fifth of the drawing time.
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    **{f"{axis}tick.{key}": size for axis in "xy" for key, size in {"labelsize": 6.5, "major.pad": 3}.items()},
    **{f"{axis}tick.major.{key}": size for axis in "xy" for key, size in {"size": 3.5, "width": 0.5}.items()},
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in mplhep's ROOT style, sized for a printed page.

    Only one thread at a time draws so, or as the charts are drawn.
    """
    with styled(_HOUSE):
        yield


class Box(NamedTuple):
    """A rectangle on the page, in inches from its lower left corner."""

    left: float
    bottom: float
    width: float
    height: float

    def axes(self, figure: Figure, **options: Any) -> Axes:
        """New axes that fill the rectangle."""
        return figure.add_axes(
            (self.left / WIDTH, self.bottom / HEIGHT, self.width / WIDTH, self.height / HEIGHT), **options
        )


def new_page() -> Figure:
    """An empty page."""
    return Figure(figsize=(WIDTH, HEIGHT))


def write(figure: Figure, x: float, y: float, text: str, **options: Any) -> None:
    """Write ``text`` with its baseline at ``y`` inches."""
    figure.text(x / WIDTH, y / HEIGHT, text, **({"va": "baseline"} | options))


def heading(figure: Figure, title: str, caption: str) -> None:
    """Head a page: its title, a rule, and in small print how to read it (two lines at most)."""
    write(figure, LEFT, HEIGHT - 0.68, title, size=16, weight="bold")
    y = (HEIGHT - 0.78) / HEIGHT
    figure.add_artist(Line2D([LEFT / WIDTH, RIGHT / WIDTH], [y, y], color=RULE, linewidth=0.8))
    write(figure, LEFT, HEIGHT - 0.86, caption, size=8, color=MUTED, va="top", linespacing=1.3)


def legend(figure: Figure, handles: Sequence[Artist], y: float = HEIGHT - 0.74) -> None:
    """Explain the marks of panels at the right, the line's foot at ``y`` inches: by default beside the title."""
    place = (RIGHT / WIDTH, y / HEIGHT)
    letters = sum(len(str(handle.get_label())) + 5 for handle in handles)
    columns = len(handles) if letters <= _LEGEND_LETTERS else min(len(handles), _LEGEND_COLUMNS)
    size = 8 if letters <= _LEGEND_LETTERS else 6.5
    figure.legend(handles=handles, loc="lower right", bbox_to_anchor=place, ncols=columns, borderpad=0.1, fontsize=size)


def subheading(figure: Figure, x: float, y: float, text: str) -> None:
    """Head a part of a page."""
    write(figure, x, y, text, size=10, weight="bold")


def integer(count: float) -> str:
    """A whole number with its thousands apart."""
    return f"{count:,.0f}"


def number(value: float | None, digits: int = 4, *, zeros: bool = False) -> str:
    """A number to that many significant digits, without exponent where that is readable; a dash for none.

    ``zeros`` keeps those at the end of the decimals.
    """
    if value is None or math.isnan(value):
        return DASH
    if value and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}g}".replace("-", MINUS)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:,.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text and not zeros else text).replace("-", MINUS)


def fixed(value: float | None) -> str:
    """A number between -1 and 1 to three decimals; a dash for none."""
    return DASH if value is None or math.isnan(value) else f"{value:.3f}".replace("-", MINUS)


def signed(value: float | None, decimals: int) -> str:
    """A difference to that many decimals, with its sign; a dash for none."""
    return DASH if value is None else f"{value:+.{decimals}f}".replace("-", MINUS)


def percent(share: float | None) -> str:
    """A share in per cent; what is not 0 does not look like 0, nor what is not all like all."""
    if share is None or math.isnan(share):
        return DASH
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %" if share else "0"


def parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in order, in as few parts of at most ``size`` as possible, of nearly equal length."""
    count = -(-len(items) // size)
    for part in range(count):
        yield items[len(items) * part // count : len(items) * (part + 1) // count]


def short(name: str, limit: int = 28) -> str:
    """A name that fits beside an axis: a long one loses its middle."""
    end = min(8, (limit - 1) // 3)
    return name if len(name) <= limit else f"{name[: limit - 1 - end]}…{name[-end:]}"
