"""What a model card says, section by section, whatever format it is written in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eventsieve.domain import estimators
from eventsieve.domain.card.quality import quality
from eventsieve.domain.card.text import Section, Table, Verbatim, amount, bytes_text, number
from eventsieve.records import ClassCount, Evaluation, EventWeights, Model, NegativeWeights, Validation

__all__ = ["Origin", "Section", "Table", "Verbatim", "sections"]


class Origin(NamedTuple):
    """The data set that a model was trained on."""

    name: str
    digest: str
    events: int
    classes: tuple[ClassCount, ...]


def sections(model: Model, evaluation: Evaluation | None, origin: Origin | None) -> list[Section]:
    """All sections of the card, in their order."""
    return [
        _purpose(model),
        _limitations(model, evaluation),
        *quality(model, evaluation),
        _data(model, origin),
        _training(model),
        _use(model),
    ]


def _purpose(model: Model) -> Section:
    schema = model.event_schema
    classes = schema.class_names
    if schema.signal_code is not None and len(classes) == 2:
        task = f"It tells signal ({classes[1]}) from background ({classes[0]})."
    else:
        task = f"It tells {len(classes)} classes apart: {', '.join(classes)}."
    facts = [("Type", model.type), ("Created", f"{model.created:%Y-%m-%d %H:%M} UTC")]
    facts += [("Tags", ", ".join(model.tags))] if model.tags else []
    facts += [("Aliases", ", ".join(model.aliases))] if model.aliases else []
    facts += [("Current", "yes, predictions use it unless they name another")] if model.current else []
    facts += [("Artefact (SHA-256)", model.digest)]
    return Section(
        "What it is for",
        paragraphs=(f"{task} It looks at {len(model.features)} features of each event. {_threshold(model)}",),
        quote=tuple(model.note.splitlines()),
        tables=(Table(("Model", ""), tuple(facts)),),
    )


def _threshold(model: Model) -> str:
    value = model.threshold.value
    if value is None:
        return "The class with the largest score is predicted."
    why = {
        "natural": "the classifier's own threshold",
        "best_ams": "the cut with the largest AMS on validation events",
        "value": "a threshold that was set by hand",
    }[model.threshold.kind]
    kind = "probability" if model.probabilities else "decision value"
    return f"An event is predicted to be signal where its score, a {kind}, is above {number(value)}: {why}."


def _limitations(model: Model, evaluation: Evaluation | None) -> Section:
    items = [_policy(model.weights, model.negative_weights)]
    if model.kept_early:
        items.append("It was stopped before its training was finished and kept as it was.")
    if evaluation is None:
        items.append("It has no evaluation: no events were kept from its training, so nothing is known of its quality.")
    else:
        items += evaluation.left_out
    if not model.probabilities:
        items.append("Its scores are decision values, not probabilities.")
    return Section("Remarks and limitations", items=(*items, *model.remarks))


def _policy(weights: EventWeights, negative_weights: NegativeWeights) -> str:
    """What is said of the event weights of a training."""
    used = {
        EventWeights.NONE: "The training did not use event weights: every event counted the same.",
        EventWeights.EVENT: "The training used the event weights as they are.",
        EventWeights.BALANCED: "The training used the event weights, scaled so that all classes have the same sum.",
    }[weights]
    if weights is EventWeights.NONE:
        return used
    negative = {
        NegativeWeights.REFUSE: "Events of negative weight would have been refused.",
        NegativeWeights.DROP: "Events of negative weight were left out of the training.",
        NegativeWeights.ABSOLUTE: "Events of negative weight were trained on with the absolute value.",
    }[negative_weights]
    return f"{used} {negative} The evaluation uses the true weights."


def _data(model: Model, origin: Origin | None) -> Section:
    schema = model.event_schema
    facts: list[tuple[str, str]] = []
    if origin is not None:
        facts += [("Data set", origin.name), ("SHA-256 of what came", origin.digest), ("Events", f"{origin.events:,}")]
    facts += [
        ("SHA-256 of the checked events", model.table),
        ("Schema", schema.title or schema.name),
        ("Source", schema.source or "not given"),
        ("Undefined values", _undefined(model)),
        ("Event numbers", schema.index.name if schema.index else "rows are counted"),
        ("Event weights", schema.weight.name if schema.weight else "none"),
    ]
    rows = tuple((column.name, column.unit, column.description) for column in schema.features)
    tables = [Table(("Data", ""), tuple(facts)), Table(("Feature", "Unit", "Description"), rows)]
    if origin is not None and origin.classes:
        tables.insert(1, _classes(origin.classes))
    where = "" if origin is not None else "The data set is not in the store (any more)."
    return Section("Data", paragraphs=(where,) if where else (), tables=tuple(tables))


def _undefined(model: Model) -> str:
    schema = model.event_schema
    ways = [] if schema.undefined is None else [number(schema.undefined)]
    ways += ["empty or NaN"] if schema.gaps else []
    return " or ".join(ways) + "; imputed with the median, and marked" if ways else "none are allowed"


def _classes(classes: Sequence[ClassCount]) -> Table:
    rows = tuple(
        (each.label, f"{each.events:,}", "" if each.weight is None else amount(each.weight), f"{each.negative:,}")
        for each in classes
    )
    return Table(("Class", "Events", "Sum of weights", "Negative weights"), rows)


def _training(model: Model) -> Section:
    facts = [
        ("Validation", _validation(model.validation)),
        ("Seed", str(model.seed)),
        ("Event weights", model.weights.value),
        ("Negative weights", model.negative_weights.value),
        ("Duration", f"{model.seconds:.1f} s, evaluation included"),
        ("Time limit", "none" if model.limits.seconds is None else f"{model.limits.seconds:g} s"),
        ("Peak memory", "not measured" if model.peak_memory is None else bytes_text(model.peak_memory)),
        ("Memory limit", "none" if model.limits.memory is None else bytes_text(model.limits.memory)),
        ("Job", model.job),
    ]
    classes = model.event_schema.class_names or ("background", "signal")
    defaults = estimators.resolve(model.type, {}, classes) if model.type in estimators.CATALOGUE else {}
    values = tuple(
        (name, str(value), "default" if name in defaults and defaults[name] == value else "chosen")
        for name, value in model.hyperparameters.items()
    )
    tables = (
        Table(("Training", ""), tuple(facts)),
        Table(("Hyperparameter", "Value", ""), values),
        Table(("Library", "Version"), tuple(model.versions.items())),
    )
    return Section("Training", tables=tables)


def _validation(validation: Validation) -> str:
    share = ", the same share of every class" if validation.stratified else ""
    return {
        "none": "none: all events were trained on",
        "holdout": f"{validation.fraction:g} of the events were held out{share}",
        "folds": f"{validation.folds} folds{share}; the model itself was trained on all events",
        "dataset": f"the data set {validation.dataset}",
    }[validation.kind]


def _use(model: Model) -> Section:
    code = (
        "import eventsieve\n\n"
        'client = eventsieve.Client("http://127.0.0.1:8000")\n'
        f'client.predict("events.root", model={model.name!a}, to="predictions.root")'
    )
    return Section("How to use it", code=Verbatim(code))
