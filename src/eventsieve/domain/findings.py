"""What a physicist should know of a table before training on it, once it is settled what its columns are for."""

from __future__ import annotations

from collections.abc import Sequence

from eventsieve.domain.facts import MOST_VALUES, Facts
from eventsieve.domain.inference import INFERRED
from eventsieve.domain.roles import is_bookkeeping, is_label_like, is_weight_like, looks_like_label
from eventsieve.records import Schema

__all__ = ["findings"]


def findings(schema: Schema, table: Sequence[Facts]) -> tuple[str, ...]:
    """Sentences about the columns of a table: what is left out and why, what is missing, what tells nothing.

    Args:
        schema: what the columns are for.
        table: what there is in each of them.
    """
    of = {facts.name: facts for facts in table}
    features = [of[name] for name in schema.feature_names if name in of]
    aside = [of[column.name] for column in schema.columns if column.role == "spectator" and column.name in of]
    sentences = [_unlabelled(schema, table), *(_left_out(facts) for facts in aside)]
    text = [f.name for f in aside if f.is_text and not _left_out(f)]
    if text:
        sentences.append(f"Text cannot be trained on and is left out: {_listed(text)}.")
    undefined = [facts.name for facts in features if facts.lowest == schema.undefined]
    if undefined and schema.name == INFERRED:  # a schema that comes with Eventsieve is no guess
        sentences.append(f"{schema.undefined:g} is read as 'not defined for this event': {_listed(undefined)}.")
    if gaps := [facts.name for facts in features if facts.summary.missing]:
        sentences.append(f"Empty or NaN values are read as 'not defined for this event': {_listed(gaps)}.")
    if infinite := [facts.name for facts in features if facts.infinite]:
        sentences.append(f"Infinite values cannot be trained on; mend or leave out: {_listed(infinite)}.")
    if constant := [facts.name for facts in features if len(facts.values) == 1]:
        sentences.append(f"The same value throughout tells nothing; leave out: {_listed(constant)}.")
    weight = schema.weight and of.get(schema.weight.name)
    if weight and (wrong := weight.summary.missing + weight.infinite):
        sentences.append(f"{wrong} events have no finite weight in column {weight.name}; mend them, or use no weight.")
    return tuple(sentence for sentence in sentences if sentence)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _unlabelled(schema: Schema, table: Sequence[Facts]) -> str:
    if schema.label is None:
        few = [facts.name for facts in table if 1 < len(facts.values) <= 10]
        hint = f" Columns of few values: {_listed(few)}." if few else ""
        return f"No column is known to hold labels: events can be looked at and scored, not trained on.{hint}"
    label = next(facts for facts in table if facts.name == schema.label.name)
    if label.summary.missing:
        return f"{label.summary.missing} events have no label in column {label.name}; training needs one of each event."
    if len(label.values) == 1:
        return f"All events are {label.values[0]} in column {label.name}; training needs other events as well."
    return ""


def _mend(facts: Facts) -> str:
    if facts.stray:
        return f"mend values like {facts.stray!r} (a decimal point, no unit; nothing where it is not defined)"
    return "its whole numbers do not fit 64 bits with a sign; write them smaller"


def _left_out(facts: Facts) -> str:
    """Why a column is no feature, where that is not plain."""
    name = facts.name
    if facts.empty:
        return f"Column {name} has no values and is left out."
    if is_label_like(facts):
        return f"Column {name} looks like a label and is left out; to classify by it, say so (label={name})."
    if looks_like_label(name):
        return (
            f"Column {name} looks like a label, of more than {MOST_VALUES} values, and is left out: too many classes."
        )
    if facts.is_numbers_as_text:
        return f"Column {name} is left out as text, though it seems to hold numbers: {_mend(facts)}."
    return _put_aside(facts)


def _put_aside(facts: Facts) -> str:
    name = facts.name
    if is_weight_like(facts):
        return f"Column {name} looks like a weight and is left out; to weigh events by it, say so (weight={name})."
    if is_bookkeeping(name):
        repeated = " (numbers in it repeat)" if not facts.is_text and not facts.unique else ""
        return f"Column {name} says when an event was taken, not what it is{repeated}, and is left out."
    return ""
