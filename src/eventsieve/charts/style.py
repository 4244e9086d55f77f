"""How a chart on a screen looks: fonts, colours of classes and models, a figure that shows itself in a notebook."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import mplhep
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from eventsieve.palette import BACKGROUND, INK, MUTED, RULE, SIGNAL

__all__ = [
    "COLOURS",
    "DASHES",
    "FONTS",
    "Chart",
    "class_colours",
    "class_titles",
    "grid",
    "new_chart",
    "note",
    "styled",
    "styles",
]

FONTS = ["TeX Gyre Heros", "DejaVu Sans"]
"""The second family lends the characters that the first lacks."""

COLOURS = (BACKGROUND, SIGNAL, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK, MUTED)
"""Of lines that stand for no class: M. Okabe's and K. Ito's set, save its yellow, which is lost on white."""
DASHES = ("-", "--", "-.", ":")
"""So that lines are told apart without colours too."""

_SCREEN: dict[Any, Any] = {
    **mplhep.style.ROOT,
    "font.family": FONTS,
    "font.size": 11,
    "text.color": INK,
    "text.parse_math": False,  # a column's name may hold a dollar sign
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 12,
    "axes.titlesize": 12,
    "axes.linewidth": 0.9,
    "axes.unicode_minus": True,
    "legend.fontsize": 10,
    "legend.title_fontsize": 10,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "white",
    "figure.facecolor": "white",
    **{f"{axis}tick.{key}": value for axis in "xy" for key, value in {"labelsize": 10, "major.pad": 5}.items()},
    **{f"{axis}tick.major.{key}": value for axis in "xy" for key, value in {"size": 7, "width": 0.8}.items()},
    **{f"{axis}tick.minor.{key}": value for axis in "xy" for key, value in {"size": 3.5, "width": 0.6}.items()},
}
_LOCK = threading.RLock()


@contextmanager
def styled(settings: Mapping[Any, Any]) -> Iterator[None]:
    """Draw with these settings of Matplotlib.

    They belong to the process, so only one thread at a time may hold them.
    """
    with _LOCK, mpl.rc_context(dict(settings)):
        yield


class Chart(Figure):
    """A figure that belongs to nobody's list of open windows, and shows itself in a notebook."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write it to a file, by default at 150 dots per inch; other options are Matplotlib's."""
        with styled(_SCREEN):
            super().savefig(fname, **{"dpi": 150, **options})


@contextmanager
def new_chart(
    columns: int = 1, rows: int = 1, *, size: tuple[float, float] = (6.4, 4.8)
) -> Iterator[tuple[Chart, Any]]:
    """A chart and its panels, drawn in the style of the house; ``size`` is that of one panel, in inches."""
    with styled(_SCREEN):
        figure = Chart(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots(rows, columns, squeeze=False)


def class_colours(classes: tuple[str, ...], signal: str | None) -> dict[str, str]:
    """The colour of each class: signal and background have theirs everywhere."""
    if len(classes) == 2 and signal in classes:
        return {name: SIGNAL if name == signal else BACKGROUND for name in classes}
    others = [colour for colour in COLOURS if signal is None or colour != SIGNAL]
    rest = [name for name in classes if name != signal]
    colours = {name: others[number % len(others)] for number, name in enumerate(rest)}
    return {name: SIGNAL if name == signal else colours[name] for name in classes}


def class_titles(classes: Sequence[str], signal: str | None) -> dict[str, str]:
    """What the classes are called in a picture: of two that are but numbers, it is said which is the signal."""
    if len(classes) != 2 or signal not in classes or not all(name.removeprefix("-").isdigit() for name in classes):
        return {name: name for name in classes}
    return {name: f"{'signal' if name == signal else 'background'} ({name})" for name in classes}


def styles(number: int) -> dict[str, Any]:
    """The colour and the dashes of the n-th line."""
    turn, place = divmod(number, len(COLOURS))
    return {"color": COLOURS[place], "linestyle": DASHES[(place + turn) % len(DASHES)]}


def grid(axes: Axes) -> None:
    """Fine lines behind the data."""
    axes.grid(visible=True, color=RULE, linewidth=0.5, zorder=0)
    axes.set_axisbelow(True)


def note(axes: Axes, text: str) -> None:
    """What a reader must know, in small print above the frame, at the right."""
    axes.set_title(text, loc="right", color=MUTED, fontsize=9, fontweight="normal")
