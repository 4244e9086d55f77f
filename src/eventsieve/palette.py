"""The colours of every chart, so that signal is the same colour in a report, on a page and in a poster.

Signal and background are vermillion and blue of the set that M. Okabe and K. Ito chose to be told apart with every
kind of colour vision ("Color Universal Design", 2008); they differ in lightness too, so that grey prints stay readable.
This module imports nothing.
"""

__all__ = ["ACCENT", "BACKGROUND", "DIVERGING", "INK", "MUTED", "RULE", "SIGNAL", "STRIPE", "TEST", "TRAIN"]

SIGNAL = "#D55E00"
BACKGROUND = "#0072B2"
TRAIN = "#8A9099"
"""Training events: always a filled area, beneath."""
TEST = "#111111"
"""Test events: always points with error bars, on top."""
ACCENT = "#3F5B73"
"""Bars of a quantity that belongs to no class and no table."""
DIVERGING = "RdBu_r"
"""Name of the colour map from -1 to 1."""

INK = "#1B1F24"
MUTED = "#626A73"
"""Captions and remarks."""
RULE = "#C9CED4"
STRIPE = "#F3F5F7"
"""Every other row of a table."""
