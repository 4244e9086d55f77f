"""The Python client: speaks HTTP to a server and gives back records that can do more."""

from eventsieve.client.client import Client
from eventsieve.client.comparisons import Comparison
from eventsieve.client.datasets import Dataset
from eventsieve.client.jobs import Job
from eventsieve.client.models import Model
from eventsieve.client.verbs import EventsWarning

__all__ = ["Client", "Comparison", "Dataset", "EventsWarning", "Job", "Model"]
