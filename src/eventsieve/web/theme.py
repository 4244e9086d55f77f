"""How the pages look, in light and in dark: greys, and a slate blue that no class of events has in a chart."""

from __future__ import annotations

from typing import Any

from eventsieve import palette

__all__ = ["OPTIONS"]

LIGHT = {
    "primaryColor": palette.ACCENT,
    "backgroundColor": "#FFFFFF",
    "secondaryBackgroundColor": palette.STRIPE,
    "textColor": palette.INK,
    "linkColor": "#2A5580",
    "borderColor": palette.RULE,
}
DARK = {
    "primaryColor": "#54799A",
    "backgroundColor": "#0F1318",
    "secondaryBackgroundColor": "#1F252C",
    "textColor": "#E8EBEE",
    "linkColor": "#9CC3E6",
    "borderColor": "#3A434D",
}
COMMON = {
    "font": "system-ui, sans-serif",
    "codeFont": "ui-monospace, monospace",
    "baseRadius": "small",
    "headingFontSizes": ["2rem", "1.25rem", "1.125rem", "1rem", "1rem", "1rem"],
    "paddingTop": "1.5rem",
    "metricValueFontSize": "1.5rem",
    "chartCategoricalColors": [palette.SIGNAL, *palette.CLASSES],
}

SIDEBAR = {"primaryColor": "#8DB3D4"}
"""In the dark: there it is the colour of text alone; elsewhere white text must be read on it."""

OPTIONS: dict[str, Any] = {
    **{f"theme.{name}": value for name, value in COMMON.items()},
    **{f"theme.light.{name}": value for name, value in LIGHT.items()},
    **{f"theme.dark.{name}": value for name, value in DARK.items()},
    **{f"theme.dark.sidebar.{name}": value for name, value in SIDEBAR.items()},
}
"""Options of Streamlit."""
