"""Exploratory analysis: from events to values that can be drawn, never figures."""

from eventsieve.domain.exploration.explore import explore
from eventsieve.domain.exploration.findings import Exploration

__all__ = ["Exploration", "explore"]
