"""The use cases: `Service` with the verbs of the specification, and a room for each noun of the native API."""

from eventsieve.service.core import Predictions, Service, Started

__all__ = ["Predictions", "Service", "Started"]
