"""The head of a model's page: what it is, and what can be done with it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from eventsieve.client import Client, Model
from eventsieve.errors import NotReady
from eventsieve.web import faults, places, relay_paths
from eventsieve.web.access import barred, barred_from
from eventsieve.web.i18n import _, decimal
from eventsieve.web.places import Place
from eventsieve.web.sentences import translated_sentence
from eventsieve.web.texts import metric, plain
from eventsieve.web.widgets.acting import act, attempt, report
from eventsieve.web.widgets.metrics import key_figures
from eventsieve.web.widgets.models.asking import ask_removal, use
from eventsieve.web.widgets.models.edit import ask_edit
from eventsieve.web.widgets.owners import say_whose

__all__ = ["actions", "head"]

SHOWN = ("roc_auc", "ams", "f1", "accuracy")
"""The figures of merit in the head."""
PATIENCE = 600.0
"""Seconds that making an ONNX file may take."""


def head(model: Model, datasets: dict[str, str]) -> None:
    """Draw what a model is, below its name; ``datasets`` are the names of data sets by their ids."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(plain(model.type), icon=":material/category:", color="blue")
        if model.current:
            st.badge(_("This is the current model"), icon=":material/check:", color="green")
        for tag in model.tags:
            st.badge(plain(tag), icon=":material/label:", color="gray")
        for alias in model.aliases:
            st.badge(_("alias {name}").format(name=plain(alias)), icon=":material/link:", color="gray")
    with st.container(horizontal=True):
        if model.dataset in datasets:
            name = _("Data set {name}").format(name=plain(datasets[model.dataset]))
            places.link(Place.DATA, name, icon=":material/database:", id=model.dataset)
        places.link(Place.JOBS, _("Training"), icon=":material/pending_actions:", id=model.job)
        places.link(Place.MODELS, _("List of models"), icon=":material/list:")
    say_whose(model.by)
    if model.note:
        st.markdown(plain(model.note))
    _remarks(model)
    _figures(model)


def actions(client: Client, model: Model) -> None:
    """Draw what can be done with a model, each with what follows from it."""
    role, reason = barred(), barred_from(model.by)
    with st.container(horizontal=True):
        if model.current:
            st.button(
                _("Unset the current model"),
                key="unset",
                on_click=act,
                args=(client.unset, _("No model is current now.")),
                disabled=role is not None,
                help=role,
            )
        else:
            st.button(
                _("Set the current model"),
                key="set",
                on_click=use,
                args=(client, model.name),
                disabled=role is not None,
                help=role,
            )
        if st.button(_("Make a prediction"), key="predict", icon=":material/online_prediction:", type="primary"):
            places.go(Place.PREDICT, model=model.name)
        if st.button(_("Compare models"), key="compare", icon=":material/compare_arrows:"):
            places.go(Place.COMPARE, model=[model.name])
        if st.button(
            _("Edit"),
            key="edit",
            icon=":material/edit:",
            disabled=reason is not None,
            help=reason or _("Name, tags, note, aliases"),
        ):
            ask_edit(client, model)
        st.button(
            _("Train again"),
            key="retrain",
            icon=":material/replay:",
            disabled=role is not None,
            help=role or _("From the same events with the same parameters and seed, under a new name"),
            on_click=_retrain,
            args=(model,),
        )
        with st.popover(_("Download"), icon=":material/download:"):
            _downloads(client, model)
        if st.button(
            _("Remove the model"), key="remove", icon=":material/delete:", disabled=reason is not None, help=reason
        ):
            ask_removal([model], [model], then=partial(places.go, Place.MODELS))


def _figures(model: Model) -> None:
    found = key_figures(model.scores)
    shown = [score for name in SHOWN if (score := found.get(name))]
    if not shown:
        return
    with st.grid(len(shown), min_column_width=150):
        for score in shown:
            # Beside the label it would be cut off.
            below = [] if score.uncertainty is None else [f"± {decimal(score.uncertainty, 3)}"]
            below += [_("weighted")] if score.weighted else []
            st.metric(
                metric(score.name),
                decimal(score.value, 3),
                ", ".join(below) or None,
                delta_color="off",
                delta_arrow="off",
                border=True,
            )


def _remarks(model: Model) -> None:
    if model.kept_early:
        st.warning(_("It was stopped before it was finished, and kept as it was."), icon=":material/timer_off:")
    for remark in model.remarks:
        st.warning(plain(translated_sentence(remark)), icon=":material/warning:")
    if not model.probabilities:
        st.caption(
            _("Its scores are decision values, not probabilities: log loss, Brier score and calibration do not exist.")
        )


def _retrain(model: Model) -> None:
    jobs: list[str] = []
    refusal = attempt(lambda: jobs.append(model.retrain().id))
    if refusal is not None:
        report(refusal)
        return
    places.go(Place.JOBS, id=jobs[0])


@st.fragment
def _downloads(client: Client, model: Model) -> None:
    files: tuple[tuple[str, relay_paths.Kind], ...] = (
        (_("Model card (HTML)"), "card.html"),
        (_("Model card (Markdown)"), "card.md"),
        (_("Trained pipeline (skops)"), "artefact"),
        (_("ONNX"), "onnx"),
    )
    for label, what in files:
        st.link_button(label, relay_paths.model_file(model.name, what), width="stretch")
    if st.button(_("Check the ONNX"), key="check_onnx", width="stretch", help=_("Whether it gives the same scores")):
        with st.spinner(_("Scoring events with both …")):
            _check(client, model)


def _check(client: Client, model: Model) -> None:
    found = attempt(lambda: _say(client, model))
    if isinstance(found, NotReady):
        st.info(_("It is still being made; check again in some seconds."))
    elif found is not None:
        faults.show(found)


def _say(client: Client, model: Model) -> None:
    check = client.waiting(PATIENCE).model(model.name).onnx_check()
    if not check.reproduces:
        st.warning(
            plain(translated_sentence(check.reason)), title=_("There is no ONNX file that gives the same scores")
        )
        return
    text = _(
        "On {events} events the largest difference of the scores is {difference}; "
        "{labels} events are decided differently. The file has {size} kB."
    )
    st.success(
        text.format(
            events=decimal(check.events),
            difference=f"{check.largest_difference or 0:.1e}",
            labels=decimal(check.labels_differ or 0),
            size=decimal((check.size or 0) / 1024),
        ),
        title=_("The ONNX file gives the same scores"),
    )
