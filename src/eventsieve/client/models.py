"""A model, with its predictions, its evaluation, its figures, and its names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from eventsieve import records
from eventsieve.client.answers import member, record
from eventsieve.client.edits import made
from eventsieve.client.figures import Evaluated
from eventsieve.client.grids import Grid, figure, interval, named

if TYPE_CHECKING:
    from eventsieve.client.jobs import Job

__all__ = ["Model", "models_grid"]


class Model(Evaluated):
    """A trained model as it was when the server was asked; what changes it gives it back as it is then."""

    def predict(
        self, data: Any, to: str | Path | None = None, *, threshold: float | None = None, **reading: Any
    ) -> Any:
        """What it says of each event: `Client.predict` with this model."""
        return self._client.predict(data, model=self.name, to=to, threshold=threshold, **reading)

    def score_summary(
        self, data: Any, bins: int | None = None, *, threshold: float | None = None
    ) -> records.ScoreSummary:
        """The scores that it gives the events of a data set, counted: `Client.score_summary` with this model."""
        return self._client.score_summary(data, model=self.name, bins=bins, threshold=threshold)

    def prediction_page(
        self, data: Any, offset: int = 0, limit: int = 100, *, threshold: float | None = None
    ) -> records.PredictionPage:
        """Some of its predictions of a data set: `Client.rows` with this model."""
        return self._client.prediction_page(data, model=self.name, offset=offset, limit=limit, threshold=threshold)

    def card(self, kind: Literal["md", "html"] = "md") -> str:
        """The model card: what it is, how it was made, how good it is, in Markdown or HTML."""
        return self._client.http.send("GET", f"{self._path}/card.{kind}").text

    def download(self, path: Path | str) -> Path:
        """Write the trained pipeline, in skops' format, to a file; returns its path."""
        return self._download("artefact", Path(path))

    def onnx(self, path: Path | str) -> Path:
        """Write it in ONNX to a file; returns its path.

        Raises:
            Conflict: its ONNX form does not give the same scores, or there is none; `onnx_check` says why.
        """
        return self._download("onnx", Path(path))

    def onnx_check(self) -> records.OnnxCheck:
        """Whether it gives the same scores in ONNX as here."""
        return record(records.OnnxCheck, self._client.http.json("GET", f"{self._path}/onnx/check"))

    def retrain(self, name: str = "") -> Job:
        """Train it again, from the same events with the same seed; returns the job."""
        answer = self._client.http.json("POST", f"{self._path}/retrain", body={"name": name})
        return self._client.job(member(answer, "id"))

    def set_threshold(self, threshold: float | Literal["natural", "best_ams"] | records.Threshold) -> Model:
        """Set the score above which an event is predicted to be signal.

        Args:
            threshold: a score, ``"best_ams"`` for the cut of the best significance on validation events, or
                ``"natural"`` for the classifier's own (0.5 for probabilities).

        Raises:
            BadInput: there is none such for this model.
        """
        if isinstance(threshold, records.Threshold):
            return self._edit(threshold=threshold)
        value = {"kind": threshold} if isinstance(threshold, str) else {"kind": "value", "value": threshold}
        return self._edit(threshold=made(records.Threshold, value))

    def rename(self, name: str) -> Model:
        """Give it another name, by which it is found from then on.

        Raises:
            ModelExists: the name is taken.
        """
        return self._edit(name=name)

    def tag(self, *tags: str) -> Model:
        """Add tags."""
        return self._edit(tags=tuple(dict.fromkeys((*self._now().tags, *tags))))

    def untag(self, *tags: str) -> Model:
        """Take tags off."""
        return self._edit(tags=tuple(tag for tag in self._now().tags if tag not in tags))

    def annotate(self, note: str) -> Model:
        """Replace its note."""
        return self._edit(note=note)

    def alias(self, alias: str) -> records.Alias:
        """Give it one more name; one that another model had moves to this one."""
        return self._client.set_alias(alias, self)

    def use(self, by: str = "") -> records.Choice:
        """Make it the current model.

        Raises:
            AlreadyCurrent: it is current.
        """
        return self._client.use(self, by=by)

    def delete(self) -> None:
        """Remove it and its files."""
        self._client.http.send("DELETE", self._path)

    def _download(self, what: str, target: Path) -> Path:
        self._client.http.download("GET", f"{self._path}/{what}", target)
        return target

    def _edit(self, **changes: Any) -> Model:
        body = made(records.ModelEdit, changes).model_dump(mode="json", exclude_unset=True)
        return Model.bind(self._client.http.json("PATCH", self._path, body=body), self._client)

    def _now(self) -> Model:
        return self._client.model(self.name)

    def _grid(self) -> Grid:
        parameters = ", ".join(f"{name}={value}" for name, value in self.hyperparameters.items())
        memory = f", {self.peak_memory / 2**20:,.0f} MB" if self.peak_memory else ""
        rows = [
            ("type", self.type),
            ("hyperparameters", parameters),
            ("trained", f"{self.created.astimezone():%Y-%m-%d %H:%M}, in {self.seconds:.1f} s{memory}"),
            ("data set", self.dataset),
            ("features", named(self.features)),
            ("seed", self.seed),
            ("threshold", f"{self.threshold.kind} {figure(self.threshold.value)}"),
        ]
        rows += [(_score_name(score), interval(score.value, score.uncertainty)) for score in self.scores]
        rows += [("aliases", ", ".join(self.aliases))] if self.aliases else []
        rows += [("tags", ", ".join(self.tags))] if self.tags else []
        rows += [("note", self.note)] if self.note else []
        rows += [("remark", text) for text in self.remarks]
        return Grid(("model", self.name + (" (current)" if self.current else "")), rows)

    def __repr__(self) -> str:
        return repr(self._grid())

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return self._grid()._repr_html_()


def _score_name(score: records.Score) -> str:
    return f"{score.name}, weighted" if score.weighted else score.name


def models_grid(models: list[Model], names: tuple[str, ...] = ("accuracy", "f1", "roc_auc", "ams")) -> Grid:
    """Models, a row each, with some figures of merit: weighted where there are weights."""
    rows = []
    for model in models:
        # The weighted figure comes last where there are both, and is the one that counts.
        scores = {score.name: score for score in sorted(model.scores, key=lambda score: score.weighted)}
        found = [scores.get(name) for name in names]
        values = [interval(score.value, score.uncertainty) if score else "" for score in found]
        trained = f"{model.created.astimezone():%Y-%m-%d %H:%M}"
        current = " (current)" if model.current else ""
        rows.append((model.name + current, model.type, trained, f"{model.seconds:.1f} s", *values))
    return Grid(("model", "type", "trained", "in", *names), rows)
