"""The book of models: their names and aliases, what users say of them, and which was current when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from eventsieve.errors import AliasNotFound, Conflict, ModelExists, ModelNotFound
from eventsieve.records import Alias, Choice, Page, State, Threshold
from eventsieve.storage.locks import NAMES, alone
from eventsieve.storage.reading import reading
from eventsieve.storage.rows import AliasRow, ChoiceRow, ModelRow, TrainingRow

__all__ = ["Modelbook"]

_UNFINISHED = tuple(state for state in State if not state.final)


class Modelbook:
    """What is said of models, one short transaction per method.

    Args:
        sessions: of the registry's database.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._begin, self._read = sessions.begin, reading(sessions)

    def edit(
        self,
        name: str,
        *,
        new_name: str | None = None,
        tags: Sequence[str] | None = None,
        note: str | None = None,
        threshold: Threshold | None = None,
    ) -> None:
        """Change what is given; all of it, or nothing.

        Raises:
            ModelNotFound: there is no model of that name.
            ModelExists: the new name is taken by another model, a training or an alias.
        """
        try:
            with self._begin() as session:
                if new_name is not None:
                    alone(session, NAMES)
                row = _model(session, name)
                if tags is not None:
                    row.tags = list(tags)
                if note is not None:
                    row.note = note
                if threshold is not None:
                    row.threshold = threshold.model_dump(mode="json")
                if new_name is not None and new_name != name:
                    _rename(session, row, new_name)
        except IntegrityError as error:  # another request took the name in this moment
            raise ModelExists(f"The name {new_name!r} is taken; choose another.") from error

    def aliases(self) -> tuple[Alias, ...]:
        """All aliases by their names."""
        query = select(AliasRow.name, ModelRow.name).join(ModelRow, ModelRow.number == AliasRow.model)
        with self._read() as session:
            return tuple(
                Alias(name=alias, model=model) for alias, model in session.execute(query.order_by(AliasRow.name))
            )

    def set_alias(self, alias: str, name: str) -> Alias:
        """Make a new alias of a model, or move one to it.

        Raises:
            ModelNotFound: there is no such model.
            Conflict: a model, or one that is being trained, has that name.
        """
        try:
            with self._begin() as session:
                alone(session, NAMES)
                model = _model(session, name)
                if what := _holder(session, alias):
                    raise Conflict(f"{alias!r} is the name of {what}; choose another alias.")
                session.merge(AliasRow(name=alias, model=model.number))
        except IntegrityError as error:  # another request made it in this moment, or removed the model
            raise Conflict(f"The alias {alias!r} was changed by another request; try again.") from error
        return Alias(name=alias, model=name)

    def drop_alias(self, alias: str) -> None:
        """Forget an alias; its model stays.

        Raises:
            AliasNotFound: there is none of that name.
        """
        with self._begin() as session:
            row = session.get(AliasRow, alias)
            if row is None:
                raise AliasNotFound(f"There is no alias {alias[:128]!r}; the list of aliases names those there are.")
            session.delete(row)

    def choices(self, *, offset: int = 0, limit: int = 100) -> Page[Choice]:
        """Which models were made current, the newest first."""
        query = select(ChoiceRow).order_by(ChoiceRow.number.desc()).offset(offset).limit(limit)
        with self._read() as session:
            total = session.scalar(select(func.count()).select_from(ChoiceRow)) or 0
            return Page(items=tuple(row.record() for row in session.scalars(query)), total=total, offset=offset)

    def roll_back(self, by: str = "") -> Choice:
        """Make current the last model that was current before the present one and is still there.

        Raises:
            Conflict: there is none.
        """
        with self._begin() as session:
            rows = list(session.scalars(select(ChoiceRow).order_by(ChoiceRow.number.desc())))
            current = rows[0].model_id if rows else None
            born = {row.name: row.created for row in session.scalars(select(ModelRow))}
            # A removed model's name may be another's now, who was born later.
            there = (row.model_id for row in rows if row.model_id in born and born[row.model_id] <= row.created)
            before = next((name for name in there if name != current), None)
            if before is None:
                raise Conflict("No other model that is still there was current before; choose one of the models.")
            row = ChoiceRow(model_id=before, by=by, created=datetime.now(UTC))
            session.add(row)
            session.flush()
            return row.record()


def _model(session: Session, name: str) -> ModelRow:
    row = session.scalar(select(ModelRow).where(ModelRow.name == name))
    if row is None:
        raise ModelNotFound(f"There is no model {name!r}; it was removed or renamed meanwhile.")
    return row


def _holder(session: Session, name: str) -> str:
    """What has that name, but for aliases; empty where nothing has."""
    if session.scalar(select(exists().where(ModelRow.name == name))):
        return "a model"
    training = exists().where(TrainingRow.model_id == name, TrainingRow.state.in_(_UNFINISHED))
    return "a model that is being trained" if session.scalar(select(training)) else ""


def _rename(session: Session, row: ModelRow, name: str) -> None:
    what = _holder(session, name) or ("an alias" if session.get(AliasRow, name) else "")
    if what:
        raise ModelExists(f"{name!r} is the name of {what}; choose another, or change that one first.")
    # Its own past goes with it; that of an older model of the same name, which was removed, does not.
    own = (ChoiceRow.model_id == row.name, ChoiceRow.created >= row.created)
    session.execute(update(ChoiceRow).where(*own).values(model_id=name))
    row.name = name
