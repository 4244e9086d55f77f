"""Sources: files of events of every format, recognised by what is in them, as streams of named columns."""

from eventsieve.storage.sources.opening import open_source
from eventsieve.storage.sources.parts import Given, Parted, open_parts
from eventsieve.storage.sources.source import Retyped, Source

__all__ = ["Given", "Parted", "Retyped", "Source", "open_parts", "open_source"]
