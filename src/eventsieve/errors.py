"""Everything Eventsieve refuses, as one tree; the front ends turn a class into a status or an exit code.

    EventsieveError
    ├── BadInput                 what was sent cannot be used
    │   ├── BadTable             a table of events has faults, all of them named
    │   ├── BadRequest           the request around the table is malformed
    │   ├── UnknownModelType     no such entry in the catalogue of estimators
    │   └── BadHyperparameters   values that the estimator does not take, all of them named
    ├── TooLarge                 more bytes than the limit allows
    ├── NotFound
    │   ├── ModelNotFound
    │   ├── NoModels
    │   ├── NoCurrentModel
    │   └── NoReport
    ├── Conflict                 what is asked does not fit what is there
    │   ├── DuplicateIds
    │   ├── ModelExists
    │   ├── NoFreeSlots
    │   ├── AlreadyCurrent
    │   └── DamagedArtefact      a stored model or table is not what was stored
    ├── NotReady                 come back in ``retry_after`` seconds
    ├── DownloadFailed           a data set could not be fetched or is not what it should be
    └── BadConfiguration         a setting that the program cannot start with

Every message names the culprit and the cure. This module imports nothing.
"""


class EventsieveError(Exception):
    """Raised, as one of its subclasses, for everything Eventsieve refuses."""


class BadInput(EventsieveError):
    """Raised when what was sent cannot be used; sending something else can."""


class BadTable(BadInput):
    """Raised when a table of events has faults; ``faults`` holds a sentence for each."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__(" ".join(faults))


class BadRequest(BadInput):
    """Raised when the request around a table is malformed (bad JSON, an id that is empty or too long)."""


class UnknownModelType(BadInput):
    """Raised when a model is asked of a type that the catalogue does not have."""


class BadHyperparameters(BadInput):
    """Raised when an estimator does not take these values; ``faults`` maps each name to its sentence."""

    def __init__(self, faults: dict[str, str]) -> None:
        self.faults = faults
        super().__init__(" ".join(faults.values()))


class TooLarge(EventsieveError):
    """Raised when more bytes come than the limit allows."""


class NotFound(EventsieveError):
    """Raised when what is named does not exist."""


class ModelNotFound(NotFound):
    """Raised when one or more named models do not exist; all of them are named."""


class NoModels(NotFound):
    """Raised when a list of models is asked for and there are none."""


class NoCurrentModel(NotFound):
    """Raised when the current model is needed and none is set."""


class NoReport(NotFound):
    """Raised when there is no report and none will come by waiting."""


class Conflict(EventsieveError):
    """Raised when what is asked does not fit what is there."""


class DuplicateIds(Conflict):
    """Raised when one request names the same model twice."""


class ModelExists(Conflict):
    """Raised when a model is to be trained under an id that is taken."""


class NoFreeSlots(Conflict):
    """Raised when more models are to be trained at once than training slots are free."""


class AlreadyCurrent(Conflict):
    """Raised when a model that is current already is made current."""


class DamagedArtefact(Conflict):
    """Raised when a stored model or table is missing or is not what was stored."""


class NotReady(EventsieveError):
    """Raised when an answer is being made; come back in ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class DownloadFailed(EventsieveError):
    """Raised when a data set cannot be fetched, or what came is not what it should be."""


class BadConfiguration(EventsieveError):
    """Raised when a setting has a value that the program cannot start with."""
