"""Everything Eventsieve refuses, as one tree; the front ends turn a class into a status or an exit code.

    EventsieveError
    ├── BadInput                 what was sent cannot be used
    │   ├── BadTable             a table of events has faults, all of them named
    │   ├── BadRequest           the request around the table is malformed
    │   ├── UnknownModelType     no such entry in the catalogue of estimators
    │   ├── BadHyperparameters   values that the estimator does not take, all of them named
    │   └── BadModels            models of a job that cannot be trained as asked, all faults of all of them
    ├── NotSignedIn              no key came along, or one that does not hold
    ├── NotAllowed               the role of who asks does not allow it, or it is another's
    ├── TooMany                  too much at once: come back in ``retry_after`` seconds
    ├── TooLarge                 more bytes than the limit allows
    │   └── QuotaExceeded        more than this person may send or keep
    ├── NotFound
    │   ├── ModelNotFound
    │   ├── DatasetNotFound
    │   ├── JobNotFound
    │   ├── AliasNotFound
    │   ├── SchemaNotFound
    │   ├── TypeNotFound
    │   ├── NoModels
    │   ├── NoCurrentModel
    │   └── NoReport
    ├── Conflict                 what is asked does not fit what is there
    │   ├── DuplicateIds
    │   ├── ModelExists
    │   ├── NoFreeSlots
    │   ├── AlreadyCurrent
    │   ├── NotReproduced        a model in another format does not give the scores that it gives here
    │   └── DamagedArtefact      a stored model or table is not what was stored
    ├── NotReady                 come back in ``retry_after`` seconds
    │   └── StoreUnavailable     the database or the file store does not answer just now
    ├── DownloadFailed           a data set could not be fetched or is not what it should be
    ├── ServerUnreachable        no server answers at this address
    ├── ServerFailed             the server failed, or it is no Eventsieve server
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
    """Raised when the request around a table is malformed (bad JSON, an id that is empty or too long).

    ``faults`` maps the JSON pointer of each bad field to its sentence, where there are any.
    """

    def __init__(self, message: str = "", faults: dict[str, str] | None = None) -> None:
        self.faults = faults or {}
        super().__init__(message or " ".join(self.faults.values()))


class UnknownModelType(BadInput):
    """Raised when a model is asked of a type that the catalogue does not have."""


class BadHyperparameters(BadInput):
    """Raised when an estimator does not take these values; ``faults`` maps each name to its sentence."""

    def __init__(self, faults: dict[str, str]) -> None:
        self.faults = faults
        super().__init__(" ".join(faults.values()))


class BadModels(BadInput):
    """Raised when models of a job cannot be trained as asked; ``faults`` maps each place to its sentence.

    A place is a JSON pointer into the request: ``/models/0/hyperparameters/C``.
    """

    def __init__(self, faults: dict[str, str]) -> None:
        self.faults = faults
        super().__init__(" ".join(faults.values()))


class TooLarge(EventsieveError):
    """Raised when more bytes come than the limit allows."""


class QuotaExceeded(TooLarge):
    """Raised when somebody sends or keeps more than his quota."""


class NotSignedIn(EventsieveError):
    """Raised when nobody has signed in where somebody must, or with a key that does not hold."""


class NotAllowed(EventsieveError):
    """Raised when the role of who asks does not allow it, or when it is done to what is another's."""


class TooMany(EventsieveError):
    """Raised when somebody asks for too much at once; come back in ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class NotFound(EventsieveError):
    """Raised when what is named does not exist."""


class ModelNotFound(NotFound):
    """Raised when one or more named models do not exist; all of them are named."""


class DatasetNotFound(NotFound):
    """Raised when a data set does not exist."""


class JobNotFound(NotFound):
    """Raised when a job does not exist."""


class AliasNotFound(NotFound):
    """Raised when an alias does not exist."""


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


class NotReproduced(Conflict):
    """Raised when a model is asked for in a format in which it does not give the same scores."""


class DamagedArtefact(Conflict):
    """Raised when a stored model or table is missing or is not what was stored."""


class NotReady(EventsieveError):
    """Raised when an answer is being made; come back in ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class StoreUnavailable(NotReady):
    """Raised when the registry's database or the file store does not answer; nothing was changed."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message, retry_after)


class DownloadFailed(EventsieveError):
    """Raised when a data set cannot be fetched, or what came is not what it should be."""


class SchemaNotFound(NotFound):
    """Raised when an event schema does not exist."""


class TypeNotFound(NotFound):
    """Raised when a type of models is asked for that cannot be trained."""


class ServerUnreachable(EventsieveError):
    """Raised by the client when no server answers at ``url``."""

    def __init__(self, url: str, why: str) -> None:
        self.url = url
        super().__init__(f"No answer from {url}: {why}.")


class ServerFailed(EventsieveError):
    """Raised by the client when the server failed, or answers with what is no answer of Eventsieve."""


class BadConfiguration(EventsieveError):
    """Raised when a setting has a value that the program cannot start with."""
