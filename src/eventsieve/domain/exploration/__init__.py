"""Exploratory analysis: from events to values that can be drawn, never figures."""

from eventsieve.domain.exploration.explore import explore
from eventsieve.domain.exploration.selection import cuts_of

__all__ = ["cuts_of", "explore"]
