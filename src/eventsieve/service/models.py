"""Models: listed, edited, aliased, told about, removed; and which of them is current."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from eventsieve.acting import actor, touch
from eventsieve.domain.card import CardFormat, Origin, card
from eventsieve.domain.predictions import threshold_of
from eventsieve.errors import BadRequest, DamagedArtefact, DatasetNotFound, NotFound
from eventsieve.records import Alias, Choice, Evaluation, Model, ModelEdit, OnnxCheck, Page
from eventsieve.service.access import refuse_others
from eventsieve.service.datasets import Datasets
from eventsieve.service.exports import Exports
from eventsieve.service.modeledits import check_by, check_edit, threshold_for
from eventsieve.service.names import LONGEST_NAME, fault_of_name
from eventsieve.storage.files import Files
from eventsieve.storage.registry import CURRENT, Registry

__all__ = ["Models"]


class Models:
    """The room of models; everywhere ``ref`` is a model's name or an alias.

    Args:
        datasets: the data sets.
        files: the store's files.
        registry: the store's facts.
        exports: makes models in other formats.
        forget: called with the digest of an artefact that is removed.
    """

    def __init__(
        self,
        datasets: Datasets,
        files: Files,
        registry: Registry,
        exports: Exports,
        *,
        forget: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._datasets = datasets
        self._files = files
        self._registry = registry
        self._exports = exports
        self._forget = forget

    def page(
        self,
        *,
        offset: int = 0,
        limit: int = 100,
        tag: str | None = None,
        type: str | None = None,  # noqa: A002 - as the record names it
        dataset: str | None = None,
    ) -> Page[Model]:
        """A part of the list of models, in the order in which they were asked for.

        Args:
            offset: how many are left out first.
            limit: how many there are at most.
            tag: only those with this tag.
            type: only those of this type.
            dataset: only those that were trained on the data set of this id.
        """
        page = self._registry.models_page(offset=offset, limit=limit, tag=tag, type=type, dataset=dataset)
        return page.model_copy(update={"items": tuple(map(_told, page.items))})

    def get(self, ref: str) -> Model:
        """The model.

        Raises:
            ModelNotFound: there is none of that name or alias.
        """
        return _told(self._registry.find([ref])[0])

    def edit(self, ref: str, edit: ModelEdit) -> Model:
        """Change a model's name, tags, note or threshold; what is not given stays.

        Raises:
            ModelNotFound: there is none of that name or alias.
            ModelExists: the new name is taken.
            BadRequest: a value cannot be used; each has its place in the request.
            NotAllowed: it is another's.
        """
        model = self.get(ref)
        _refuse_others(model)
        check_edit(edit)
        threshold = None if edit.threshold is None else threshold_for(model, edit.threshold)
        self._registry.book.edit(
            model.name,
            new_name=edit.name,
            tags=None if edit.tags is None else tuple(dict.fromkeys(edit.tags)),
            note=edit.note,
            threshold=threshold,
        )
        touch("model", model.name, edit.name or model.name)
        return self.get(edit.name or model.name)

    def remove(self, ref: str) -> None:
        """Remove a model with its aliases and files; a current one is current no more.

        Raises:
            ModelNotFound: there is none of that name or alias.
            NotAllowed: it is another's.
        """
        self.drop([self.get(ref).name])

    def drop(self, names: Sequence[str] | None) -> list[Model]:
        """Remove models by their names, or all of them; returns them.

        Raises:
            ModelNotFound: naming every name that is none; nothing is removed then.
            NotAllowed: one is another's; nothing is removed then.
        """
        removed = self._registry.remove(names, check=_refuse_others, by=actor().name)
        touch("model", *(model.name for model in removed))
        for model in removed:
            self._registry.release_artefact(model.digest, self._drop_artefact)
            self._registry.release_table(model.table, self._files.tables.drop)
            if model.evaluation is not None:
                self._registry.release_evaluation(model.evaluation, self._files.evaluations.drop)
        return removed

    def evaluation(self, ref: str) -> Evaluation:
        """What is known of the model's quality.

        Raises:
            ModelNotFound: there is none of that name or alias.
            NotFound: it has no evaluation.
            DamagedArtefact: the evaluation is missing, or is not what was stored.
        """
        model = self.get(ref)
        if model.evaluation is None:
            raise NotFound(
                f"The model {model.name!r} has no evaluation: no events were kept from its training. "
                f"Train it again with a validation (holdout, folds or another data set)."
            )
        try:
            return Evaluation.model_validate_json(self._files.evaluations.read(model.evaluation))
        except (DamagedArtefact, ValidationError) as error:
            raise _damaged(model, "evaluation") from error

    def card(self, ref: str, kind: CardFormat) -> str:
        """The model card: everything that is needed to trust the model, as Markdown or HTML.

        Raises:
            ModelNotFound, DamagedArtefact: as `evaluation`.
        """
        model = self.get(ref)
        evaluation = None if model.evaluation is None else self.evaluation(model.name)
        return card(model, evaluation, self._origin(model), kind)

    def artefact(self, ref: str) -> Path:
        """The model's file in the skops format.

        Raises:
            ModelNotFound: there is none of that name or alias.
            DamagedArtefact: it is missing, or is not what was stored.
        """
        model = self.get(ref)
        try:
            return self._files.artefacts.checked(model.digest)
        except DamagedArtefact as error:
            raise _damaged(model, "artefact") from error

    def onnx(self, ref: str) -> tuple[Path | None, OnnxCheck]:
        """The model as ONNX where that gives the same scores, and how that was found out.

        Raises:
            ModelNotFound: there is none of that name or alias.
            DamagedArtefact: its artefact is missing, or is not what was stored.
            Conflict: it could not be tried.
        """
        return self._exports.onnx(self.get(ref))

    # aliases

    def aliases(self) -> tuple[Alias, ...]:
        """All aliases, by their names."""
        return self._registry.book.aliases()

    def set_alias(self, alias: str, ref: str) -> Alias:
        """Make an alias of a model, or move one to it.

        Raises:
            ModelNotFound: there is no model of that name or alias.
            BadRequest: the alias is no name.
            Conflict: a model has that name.
            NotAllowed: the model is another's, or the one that the alias means by now.
        """
        if fault := fault_of_name(alias):
            raise BadRequest(f"The alias {alias[:LONGEST_NAME]!r} {fault}; choose another.")
        if alias == CURRENT:
            raise BadRequest(
                f"{CURRENT!r} is always the model in charge; choose another alias, or make {ref!r} current."
            )
        model = self.get(ref)
        _refuse_others(model)
        self._refuse_moving(alias)
        touch("model", model.name)
        return self._registry.book.set_alias(alias, model.name)

    def drop_alias(self, alias: str) -> None:
        """Forget an alias; its model stays.

        Raises:
            AliasNotFound: there is none of that name.
            NotAllowed: the model is another's.
        """
        self._refuse_moving(alias)
        self._registry.book.drop_alias(alias)

    # the current model

    def current(self) -> Model:
        """The current model.

        Raises:
            NoCurrentModel: none is set.
        """
        return _told(self._registry.current())

    def choose(self, ref: str, by: str = "") -> Choice:
        """Make a model current.

        Args:
            ref: name or alias.
            by: who says so, at most 128 characters; where people sign in, it is who has.

        Raises:
            ModelNotFound: there is none of that name or alias.
            AlreadyCurrent: it is current already.
            BadRequest: ``by`` cannot be kept.
        """
        check_by(by)
        name = self.get(ref).name
        touch("model", name)
        self._registry.choose(name, actor().name or by)
        return self.history(0, 1).items[0]

    def unset(self, by: str = "") -> Choice:
        """Make no model current.

        Raises:
            NoCurrentModel: none was.
            BadRequest: ``by`` cannot be kept.
        """
        check_by(by)
        touch("model", self._registry.unset(actor().name or by))
        return self.history(0, 1).items[0]

    def history(self, offset: int = 0, limit: int = 100) -> Page[Choice]:
        """Which models were made current, when and by whom, the newest first."""
        return self._registry.book.choices(offset=offset, limit=limit)

    def rollback(self, by: str = "") -> Choice:
        """Make current the model that was current before, of those that are still there.

        Raises:
            Conflict: there is none.
            BadRequest: ``by`` cannot be kept.
        """
        check_by(by)
        choice = self._registry.book.roll_back(actor().name or by)
        touch("model", choice.model or "")
        return choice

    def _refuse_moving(self, alias: str) -> None:
        meant = {each.name: each.model for each in self.aliases()}
        if alias in meant:
            _refuse_others(self.get(meant[alias]))

    def _origin(self, model: Model) -> Origin | None:
        if model.dataset is None:
            return None
        try:
            dataset = self._datasets.get(model.dataset)
        except DatasetNotFound:  # removed since
            return None
        return Origin(dataset.name, dataset.digest, dataset.events, dataset.classes)

    def _drop_artefact(self, digest: str) -> None:
        self._files.artefacts.drop(digest)
        self._exports.drop(digest)
        self._forget(digest)


def _refuse_others(model: Model) -> None:
    refuse_others(f"the model {model.name!r}", model.by)


def _told(model: Model) -> Model:
    """The model with the value of its threshold, which is not stored where it is the classifier's own."""
    threshold = model.threshold.model_copy(update={"value": threshold_of(model)})
    return model.model_copy(update={"threshold": threshold})


def _damaged(model: Model, what: str) -> DamagedArtefact:
    return DamagedArtefact(
        f"The {what} of the model {model.name!r} is missing or is not what was stored; "
        f"remove the model and train it again."
    )
