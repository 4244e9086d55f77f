"""The colours of every chart, so that signal is the same colour in a report, on a page and in a poster.

Signal and background are vermillion and blue of the set that M. Okabe and K. Ito chose to be told apart with every
kind of colour vision ("Color Universal Design", 2008); they differ in lightness too, so that grey prints stay readable.
This module imports nothing.
"""

__all__ = [
    "ACCENT",
    "BACKGROUND",
    "CLASSES",
    "DIVERGING",
    "INK",
    "MUTED",
    "RULE",
    "SIGNAL",
    "SLATE",
    "STRIPE",
    "TEST",
    "TRAIN",
    "class_colours",
]

SIGNAL = "#D55E00"
BACKGROUND = "#0072B2"
CLASSES = (BACKGROUND, "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#4D4D4D", "#8C6D00")
"""More classes than two, but for the signal: the rest of that set, its black and yellow toned to be lines on paper."""
TRAIN = "#8A9099"
"""Training events: always a filled area, beneath."""
TEST = "#111111"
"""Test events: always points with error bars, on top."""
ACCENT = "#3F5B73"
"""Bars of a quantity that belongs to no class and no table."""
SLATE = "#6B8CAB"
"""``ACCENT`` where the page behind it may be light or dark."""
DIVERGING = "RdBu_r"
"""Name of the colour map from -1 to 1."""

INK = "#1B1F24"
MUTED = "#626A73"
"""Captions and remarks."""
RULE = "#C9CED4"
STRIPE = "#F3F5F7"
"""Every other row of a table."""


def class_colours(classes: int, signal: int | None) -> tuple[str, ...]:
    """A colour for each class in the order of the codes; with more than eight classes colours come again.

    Args:
        classes: how many there are.
        signal: the code of the signal, or ``None`` where no class is the signal.
    """
    others = (CLASSES[position % len(CLASSES)] for position in range(classes))
    return tuple(SIGNAL if code == signal else next(others) for code in range(classes))
