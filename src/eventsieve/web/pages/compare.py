"""Models compared with each other, on events that none of them was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import streamlit as st

from eventsieve.client import Client, Dataset, Model
from eventsieve.errors import EventsieveError
from eventsieve.records import Comparison, Evaluation
from eventsieve.web import charts, faults, places
from eventsieve.web.access import barred
from eventsieve.web.charts import curves
from eventsieve.web.charts.style import SQUARISH
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _, decimal, ngettext
from eventsieve.web.places import Place
from eventsieve.web.texts import plain
from eventsieve.web.widgets.acting import tell
from eventsieve.web.widgets.addresses import asked, asked_several, keep
from eventsieve.web.widgets.models import comparing
from eventsieve.web.widgets.models.asking import use
from eventsieve.web.widgets.models.facts import seen_whole

__all__ = ["page"]

COMPARED = "compared"
"""Of the address's query: the fingerprint of what was compared when the reader asked for it."""
PATIENCE = 600.0
"""Seconds that a comparison may take."""


def page(client: Client) -> None:
    """Draw the page."""
    places.link(Place.MODELS, _("Back"), icon=":material/arrow_back:")
    st.title(_("Compare models"))
    tell()
    with explained():
        models = {each.name: each for each in client.models()}
        datasets = {each.id: each for each in client.datasets() if each.event_schema.label is not None}
    if not models:
        st.info(_("No model has been trained yet. Train one first."), icon=":material/info:")
        places.link(Place.TRAIN, _("Train a model"), icon=":material/play_circle:")
        return
    chosen = _models(models)
    dataset = _dataset(datasets, chosen)
    if not chosen or dataset is None:
        return
    fingerprint = _fingerprint(chosen, dataset)
    if st.button(_("Compare"), key="compare_now", type="primary", icon=":material/compare_arrows:"):
        st.query_params[COMPARED] = fingerprint
    if (before := st.query_params.get(COMPARED)) is None:
        return
    if before != fingerprint:
        st.info(_("The choice, or what was chosen, has changed since it was compared. Compare again."))
        return
    with explained(), st.spinner(_("Comparing …")):
        comparison = _compared(client.http.url + fingerprint, client, chosen, dataset)
    _result(client, comparison, {model.name: model for model in chosen})


def _models(models: dict[str, Model]) -> list[Model]:
    """The models that are compared; each of them once."""
    missing = asked_several("model", models)
    names = st.multiselect(
        _("Choose the model's ID"),
        list(models),
        key="model",
        placeholder=_("Add a model"),
        help=_("Click here to add a model; the cross beside a name removes it."),
        on_change=keep,
        args=("model",),
    )
    if missing:
        text = ngettext("There is no model {names}.", "There are no models {names}.", len(missing))
        st.warning(text.format(names=", ".join(plain(name) for name in missing)))
    if not names:
        st.info(_("Choose two models or more; one alone gives its figures of merit on the data set."))
    return [models[name] for name in names]


def _dataset(datasets: dict[str, Dataset], models: Sequence[Model]) -> Dataset | None:
    """The data set that they are compared on, at first the one that they were trained on."""
    if not datasets:
        st.info(_("There is no data set with labels to compare on. Upload one first."), icon=":material/info:")
        places.link(Place.DATA, _("Data sets"), icon=":material/database:")
        return None
    trained_on = [model.dataset for model in models if model.dataset in datasets]
    if (id_ := st.query_params.get("dataset")) is not None and id_ not in datasets:
        st.warning(_("There is no data set {name} with labels; choose another.").format(name=plain(id_)))
    asked("dataset", datasets, default=trained_on[0] if trained_on else next(iter(datasets)))
    chosen = st.selectbox(
        _("Data set to compare on"),
        list(datasets),
        format_func=lambda id_: _title(datasets[id_]),
        key="dataset",
        on_change=keep,
        args=("dataset",),
        help=_("Events that any of the models was trained on are left out."),
    )
    whole = [plain(model.name) for model in models if seen_whole(model, chosen)]
    if whole:
        text = ngettext(
            "{models} was trained on all events of this data set: none is left to compare on. Choose another one.",
            "{models} were trained on all events of this data set: none is left to compare on. Choose another one.",
            len(whole),
        )
        st.warning(text.format(models=", ".join(whole)))
    return datasets[chosen]


def _title(dataset: Dataset) -> str:
    events = ngettext("{events} event", "{events} events", dataset.events).format(events=decimal(dataset.events))
    return f"{dataset.name} · {events}"


def _fingerprint(models: Sequence[Model], dataset: Dataset) -> str:
    """Says the same only of a comparison whose result is the same: models, their thresholds, and events."""
    parts = [f"{model.name} {model.digest} {model.threshold.value}" for model in models]
    parts += [dataset.id, dataset.digest, dataset.event_schema.model_dump_json()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


# All that a comparison depends on is in its fingerprint, and its record never changes: what is kept cannot lie.
# All readers share what is kept: none of them is in it, and each of them may see it.
@st.cache_resource(max_entries=32, show_spinner=False)
def _compared(key: str, _client: Client, _models: list[Model], _dataset: Dataset) -> Comparison:  # noqa: ARG001 - the cache's
    return _client.waiting(PATIENCE).compare(_models, _dataset)


def _result(client: Client, comparison: Comparison, models: dict[str, Model]) -> None:
    st.success(comparing.verdict(comparison), icon=":material/trophy:")
    st.caption(comparing.events_of(comparison))
    _ranking(client, comparison, models)
    weighted = comparing.weighting(comparison)
    comparing.metrics_by_model(comparison, weighted=weighted)
    comparing.bars_of(comparison, weighted=weighted)
    st.header(_("ROC"))
    _roc(comparison, models)
    if comparison.differences:
        st.header(_("Differences"))
        comparing.differences_of(comparison)
        comparing.mcnemar_table(comparison)


def _ranking(client: Client, comparison: Comparison, models: dict[str, Model]) -> None:
    best = models[comparison.ranking[0]]
    with st.container(horizontal=True, vertical_alignment="center"):
        for place, name in enumerate(comparison.ranking, start=1):
            places.link(Place.MODEL, f"{place}\\. {plain(name)}", name=name)
        if best.current:
            st.badge(_("This is the current model"), icon=":material/check:", color="green")
        else:
            st.button(
                _("Set the best as current"),
                key="set_best",
                on_click=use,
                args=(client, best.name),
                disabled=barred() is not None,
                help=barred(),
            )


def _roc(comparison: Comparison, models: dict[str, Model]) -> None:
    evaluated = {name: models[name] for name in comparison.ranking if models[name].evaluation}
    try:
        evaluations = {name: model.get_evaluation() for name, model in evaluated.items()}
    except EventsieveError as error:
        faults.show(error)
        return
    st.caption(_("Each model on its own validation events, which need not be those that were compared on."))
    if missing := [plain(name) for name in comparison.ranking if name not in evaluated]:
        st.caption(_("Without validation events there is no curve: {models}.").format(models=", ".join(missing)))
    if evaluations:
        shown = _of_class(evaluations)
        scores = {name: model.scores for name, model in evaluated.items()}
        charts.show(
            curves.roc(shown, scores=scores), key="roc", alt=_("ROC curves of the compared models"), width=SQUARISH
        )


def _of_class(evaluations: dict[str, Evaluation]) -> dict[str, Evaluation]:
    """Of several classes of which none is the signal, the curves of the one that the reader chooses."""
    labels = list(dict.fromkeys(each.label for found in evaluations.values() for each in found.curves))
    if len(labels) < 2:
        return evaluations
    signal = next((found.signal for found in evaluations.values() if found.signal in labels), None)
    label = st.segmented_control(
        _("Class, against all others"),
        labels,
        format_func=plain,
        default=signal or labels[0],
        key="roc_class",
        required=True,
    )
    return {
        name: found.model_copy(update={"curves": tuple(each for each in found.curves if each.label == label)})
        for name, found in evaluations.items()
    }
