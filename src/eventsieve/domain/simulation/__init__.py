"""Simulated collision events: never data, and always called simulated."""

from eventsieve.domain.simulation.events import PROCESSES, Process, simulate

__all__ = ["PROCESSES", "Process", "simulate"]
