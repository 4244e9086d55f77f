"""How a chart on a page looks: axes, legends, colours and dashes; and how it is shown.

Fonts, ink and paper are left to Streamlit's theme, which is light or dark as the reader wishes: whatever a chart
colours itself must be seen on both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from html import escape
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st
from babel import Locale
from plotly.subplots import make_subplots

from eventsieve import palette
from eventsieve.palette import CLASSES, SLATE, TRAIN
from eventsieve.web.i18n import _, decimal, language

__all__ = [
    "AXIS",
    "DASHES",
    "LOGARITHMIC",
    "MARK",
    "MARKERS",
    "PATTERNS",
    "ROOMY",
    "SQUARISH",
    "aliases",
    "class_colours",
    "class_titles",
    "empty",
    "faint",
    "labelled",
    "model_styles",
    "new_figure",
    "notes",
    "pale",
    "panels",
    "short",
    "show",
    "shown",
    "weighting",
    "with_note",
]

AXIS = {"showline": True, "linecolor": TRAIN, "exponentformat": "none", "separatethousands": True}
LOGARITHMIC = {"type": "log", "dtick": 1, "exponentformat": "power"}
MARK = CLASSES[3]
"""The second table, and what is to be noticed: a best cut, a drift. The signal's colour is the signal's alone."""
DASHES = ("solid", "dash", "dashdot", "dot", "longdash")
MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")
PATTERNS = ("", "/", "x", ".", "-", "+", "|", "\\")
"""Dashes, symbols and hatches: whatever has a colour is told apart without it too."""
HEIGHT = 380
ROW = 19
"""Pixels of a line of a legend. It stands above the axes, where it covers nothing."""
SQUARISH, ROOMY = 760, 1100
"""Pixels of width at most: of curves whose axes go from 0 to 1, and of matrices. Wider, they would be flat."""
TOOLS = 30
"""Pixels of the row of tools, which Streamlit lays over the chart's upper right corner."""
LONGEST = 26
"""Characters of a name beside an axis; there must be room for the data on a telephone."""
_MODELS = (*CLASSES[1:5], SLATE, CLASSES[6])
"""Signal's and background's colours are never a model's."""


def new_figure(
    x: str = "", y: str = "", *, height: int = HEIGHT, entries: int = 1, note: str = "", hover: str = "closest"
) -> go.Figure:
    """A figure without data.

    Args:
        x: title of the axis, with its unit.
        y: title of the axis, with its unit.
        height: of axes and their titles, in pixels.
        entries: lines that the legend has where there is little room: the figure is higher by them.
        note: what a reader must know, in small print below the axis; lines are parted by "<br>".
        hover: Plotly's hover mode.
    """
    height += TOOLS + ROW * (entries + (note.count("<br>") + 1 if note else 0))
    # In one piece: Plotly takes milliseconds for each change of a figure, and a page has thirty.
    layout = {
        "height": height,
        "hovermode": hover,
        "separators": _separators(language()),
        "margin": {"l": 8, "r": 12, "t": TOOLS, "b": 8},
        "legend": {
            # An empty title keeps the first line free, where the tools appear.
            "title": {"text": "\N{NO-BREAK SPACE}", "side": "top", "font": {"size": 18}},
            "orientation": "h",
            "traceorder": "normal",
            "maxheight": 0.9,
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
        },
        "xaxis": {"title": {"text": with_note(x, note), "standoff": 12}, **AXIS},
        "yaxis": {"title": {"text": y, "standoff": 12}, **AXIS},
        "hoverlabel": {"align": "left", "namelength": -1},
    }
    return go.Figure(layout=layout)


def panels(figure: go.Figure, **options: Any) -> go.Figure:
    """That figure with several axes, in rows and columns as ``make_subplots`` is told."""
    divided = make_subplots(figure=figure, **options)
    divided.update_xaxes(**AXIS, title_standoff=8)
    divided.update_yaxes(**AXIS, title_standoff=12)
    return divided


def empty(*sentences: str) -> go.Figure:
    """A figure that says why there is nothing to be seen."""
    text = " ".join(sentence for sentence in sentences if sentence) or _("There is nothing to draw.")
    figure = go.Figure(layout={"height": 140, "margin": {"l": 8, "r": 8, "t": 8, "b": 8}})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(
        text=_broken(text, 44), x=0, xanchor="left", align="left", y=0.5, xref="paper", yref="paper", showarrow=False
    )
    return figure


def show(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    on_select: Callable[[], None] | Literal["rerun"] | None = None,
    **options: Any,
) -> Any:
    """Show a figure as all are shown: as wide as there is room, to be saved as a picture, deaf to the mouse wheel.

    Args:
        figure: what to show.
        key: of the element, and the name of a saved picture.
        alt: what it shows, for who cannot see it.
        on_select: called when the reader has selected something, or "rerun"; ``None``: nothing can be selected.
        **options: others of ``st.plotly_chart``.

    Returns:
        Where something can be selected, what is selected.
    """
    config = {
        "displaylogo": False,
        "scrollZoom": False,
        "responsive": True,
        "toImageButtonOptions": {"format": "png", "scale": 2, "filename": key},
        "modeBarButtonsToAdd": [],
        "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"] if on_select is None else ["autoScale2d"],
    }
    return st.plotly_chart(figure, key=key, alt=alt, config=config, on_select=on_select or "ignore", **options)


def class_colours(classes: Sequence[str], signal: str | None) -> dict[str, str]:
    """The colour of each class, the same in every chart; what is too dark for a dark page is lighter."""
    code = classes.index(signal) if signal in classes else None
    colours = palette.class_colours(len(classes), code)
    return {name: SLATE if colour == CLASSES[5] else colour for name, colour in zip(classes, colours, strict=True)}


def class_titles(classes: Sequence[str], signal: str | None) -> dict[str, str]:
    """What the classes are called: of two that are but numbers or letters it is said which is the signal."""
    if len(classes) != 2 or signal not in classes or not all(_code(name) for name in classes):
        return {name: shown(name) for name in classes}
    titles = {True: _("signal ({label})"), False: _("background ({label})")}
    return {name: titles[name == signal].format(label=shown(name)) for name in classes}


def model_styles(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Colour, dash, symbol and hatch of each model, by its place."""
    return {
        name: {
            "color": _MODELS[place % len(_MODELS)],
            "dash": DASHES[place % len(DASHES)],
            "symbol": MARKERS[place % len(MARKERS)],
            "pattern": PATTERNS[place % len(PATTERNS)],
        }
        for place, name in enumerate(names)
    }


def shown(name: str, longest: int | None = None) -> str:
    """A name as it is: not as the markup that Plotly reads in texts, and not longer than there is room for."""
    short = name if longest is None or len(name) <= longest else name[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return escape(short, quote=False)


def aliases(names: Iterable[str], longest: int = LONGEST) -> dict[str, str]:
    """What stands beside an axis for each of the names that are its categories."""
    return {name: shown(name, longest) for name in names}


def short(value: float, digits: int = 3) -> str:
    """A number with so many digits that count, as the language writes it."""
    return f"{value:.{digits}g}".replace(".", _separators(language())[0])


def labelled(name: str, unit: str) -> str:
    """An axis's title: the name and, where there is one, the unit."""
    return f"{shown(name)} [{shown(unit)}]" if unit else shown(name)


def faint(colour: str, opacity: float) -> str:
    """A colour that lets the page through."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def pale(colour: str, share: float) -> str:
    """So much of a colour in white."""
    return "#" + "".join(f"{round(255 - share * (255 - int(colour[at : at + 2], 16))):02X}" for at in (1, 3, 5))


def with_note(title: str, note: str) -> str:
    """An axis's title with small print below it."""
    return f'{title}<br><span style="font-size:0.85em">{note}</span>' if note else title


def notes(*parts: str) -> str:
    """What a reader must know, each in a line of its own."""
    return "<br>".join(part for part in parts if part)


def weighting(events: int, *, weighted: bool) -> str:
    """The events that a chart is of, and whether they count by their weights."""
    text = _("{events} validation events, weighted") if weighted else _("{events} validation events, unweighted")
    return text.format(events=decimal(events))


def _code(name: str) -> bool:
    return len(name) == 1 or name.removeprefix("-").isdigit()


@cache
def _separators(code: str) -> str:
    """The signs for decimals and thousands, as a language writes them."""
    symbols: Mapping[str, Any] = Locale(code).number_symbols["latn"]
    return f"{symbols['decimal']}{symbols['group']}"


def _broken(text: str, width: int) -> str:
    """A text in lines of so many characters: Plotly breaks none."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(shown(line) for line in lines)
