"""Exploratory analysis: from events to values that can be drawn, never figures."""

from eventsieve.domain.exploration.explore import explore

__all__ = ["explore"]
