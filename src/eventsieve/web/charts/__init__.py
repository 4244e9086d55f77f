"""Charts on the page: records in, Plotly figures out; they know no client and no page."""

from eventsieve.web.charts.style import show

__all__ = ["show"]
