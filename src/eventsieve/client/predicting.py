"""The verb that says signal or background."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2
import pyarrow as pa

from eventsieve import records
from eventsieve.client import frames, sources
from eventsieve.client.answers import member, record
from eventsieve.client.datasets import Dataset
from eventsieve.client.models import Model
from eventsieve.client.storing import Storing
from eventsieve.client.transport import Query, segment
from eventsieve.client.verbs import warn
from eventsieve.errors import BadRequest

__all__ = ["Predicting"]

CURRENT = "current"


class Predicting(Storing):
    """Predictions of tables, in the kind of table in which the user works."""

    def predict(
        self,
        data: sources.Source,
        *,
        model: Model | str = CURRENT,
        to: str | Path | None = None,
        tree: str | None = None,
        branches: Sequence[str] | None = None,
        header: Literal["auto", "yes", "no"] = "auto",
        threshold: float | None = None,
    ) -> Any:
        """What a model says of each event, in the order of the table.

        Args:
            data: a data set or its id; a path; a data frame; ``{column: array}``; or a list of ``{column: value}``.
            model: the model, its name or alias; default: the current one.
            to: a file to write, streamed from the server and then put in its place (.csv, .parquet, .arrow, .json, or
                .root for a friend tree); or ``"arrow"``, ``"pandas"``, ``"polars"``. Default: the kind of table
                that came in, Arrow for files and data sets.
            tree: the tree of a ROOT file.
            branches: the columns of a file that are read, names or patterns; default: all.
            header: whether a CSV begins with the names of its columns.
            threshold: the score above which an event is predicted to be signal; default: the model's own.

        Returns:
            The path where ``to`` is one. Otherwise a table with the event numbers, ``score`` (float64, the larger the
            more like signal), ``label`` (the class, text) and, where the model has them, the probabilities
            ``p_<class>``.

        Raises:
            NoCurrentModel, ModelNotFound
            BadInput: the table does not fit what the model was trained on; each column is named. Or the model has no
                such threshold.

        Warns:
            EventsWarning: of what is no fault of the table, but should be known.
        """
        path = f"{self._model_path(model)}/predictions"
        kind = frames.kind_of(data) if to is None else str(to)
        reading = sources.reading(tree=tree, branches=branches, header=header)
        with _content(data, reading) as (content, said):
            query = {**said, "threshold": threshold}
            if kind not in frames.KINDS:
                return self._to_file(path, Path(kind).expanduser(), query, content)
            answer = self.http.send("POST", path, query={**query, "format": "arrow"}, **content)
        warn(_remarks(answer.headers))
        return frames.as_kind(frames.read_arrow(answer.content), kind)

    def _to_file(self, path: str, target: Path, query: Query, content: dict[str, Any]) -> Path:
        format_ = frames.format_of(target)
        finish = {"finish": frames.stream_to_file} if format_ == "arrow" else {}
        asked = {**query, "format": format_}
        headers = self.http.download("POST", path, target, query=asked, **finish, **content)
        warn(_remarks(headers), level=4)
        return target

    def score_summary(
        self,
        data: sources.Source,
        *,
        model: Model | str = CURRENT,
        bins: int | None = None,
        threshold: float | None = None,
    ) -> records.ScoreSummary:
        """The scores that a model gives the events of a data set, counted by class where it has labels.

        The server computes them once and keeps them.

        Args:
            data: a data set or its id; what is none yet is stored.
            model: the model, its name or alias; default: the current one.
            bins: of probabilities, so many from 0 to 1; of decision values about so many. Default: 400.
            threshold: the score above which an event is predicted to be signal; default: the model's own.

        Raises:
            NoCurrentModel, ModelNotFound
            BadInput: the data set does not fit what the model was trained on, or the model has no such threshold.
        """
        query = {"dataset": self._stored(data), "bins": bins, "threshold": threshold}
        answer = self.http.json("GET", f"{self._model_path(model)}/scores", query=query)
        return record(records.ScoreSummary, answer)

    def prediction_page(
        self,
        data: sources.Source,
        *,
        model: Model | str = CURRENT,
        offset: int = 0,
        limit: int = 100,
        threshold: float | None = None,
    ) -> records.PredictionPage:
        """Some of the predictions of a data set, in its order.

        Args:
            data: a data set or its id; what is none yet is stored.
            model: the model, its name or alias; default: the current one.
            offset: how many events are left out first.
            limit: how many there are at most, up to 1,000.
            threshold: the score above which an event is predicted to be signal; default: the model's own.

        Raises:
            NoCurrentModel, ModelNotFound
            BadInput: the data set does not fit what the model was trained on, or the model has no such threshold.
        """
        query = {"dataset": self._stored(data), "offset": offset, "limit": limit, "threshold": threshold}
        answer = self.http.json("GET", f"{self._model_path(model)}/predictions", query=query)
        return record(records.PredictionPage, answer)

    def _model_path(self, model: Model | str) -> str:
        ref = self._current() if model == CURRENT else model.name if isinstance(model, Model) else str(model)
        return f"/models/{segment(ref)}"

    def _current(self) -> str:
        return str(member(self.http.json("GET", "/current"), "name"))


@contextmanager
def _content(data: sources.Source, reading: Query) -> Iterator[tuple[dict[str, Any], Query]]:
    """What to send: the name of a data set, or a file."""
    dataset = _dataset(data)
    if dataset is not None:
        yield {"json": {"dataset": dataset}}, {}
        return
    with ExitStack() as stack:
        bodies = stack.enter_context(sources.opened(_rows(data)))
        if len(bodies) != 1:
            raise BadRequest(f"One table is predicted at a time, and these are {len(bodies)}; call it for each.")
        query = {**reading, "filename": bodies[0].name}
        yield stack.enter_context(sources.body(bodies[0])), query


def _dataset(data: sources.Source) -> str | None:
    if isinstance(data, Dataset):
        return data.id
    if not isinstance(data, str) or Path(data).expanduser().is_file():
        return None
    if Path(data).suffix or Path(data).name != data:
        raise FileNotFoundError(2, "There is no such file", data)
    return data


def _rows(data: sources.Source) -> sources.Source:
    """A list of rows as a table; anything else as it is."""
    if not isinstance(data, (list, tuple)) or not data or not all(isinstance(row, Mapping) for row in data):
        return data
    try:
        return pa.Table.from_pylist([dict(row) for row in data])
    except pa.ArrowException as error:
        raise BadRequest(f"These rows make no table ({error}); give each column one type of value.") from error


def _remarks(headers: httpx2.Headers) -> list[str]:
    """What the server says of the table beside the predictions."""
    return [str(remark) for remark in json.loads(headers.get("x-eventsieve-remarks", "[]"))]
