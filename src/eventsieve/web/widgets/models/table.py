"""Models as a table: sorted, filtered, and chosen from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from eventsieve.client import Model
from eventsieve.web import places, texts
from eventsieve.web.access import is_mine
from eventsieve.web.i18n import _
from eventsieve.web.places import Place
from eventsieve.web.widgets.addresses import asked_several, keep
from eventsieve.web.widgets.metrics import key_figures
from eventsieve.web.widgets.owners import owners_column, wants_mine

__all__ = ["FIGURES", "filtered", "models_table"]

FIGURES = ("roc_auc", "ams", "f1", "accuracy")
"""The figures of merit that stand in the table."""


def filtered(models: Sequence[Model], datasets: Mapping[str, str]) -> list[Model]:
    """Let the reader narrow models down by type, tag, data set and to his own; the choice stands in the address.

    Args:
        models: all of them.
        datasets: the names of data sets by their ids.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        types = _filter(_("Type"), "type", {model.type for model in models})
        tags = _filter(_("Tag"), "tag", {tag for model in models for tag in model.tags})
        names = _filter(_("Data set"), "trained_on", {datasets.get(model.dataset or "", "") for model in models} - {""})
        mine = wants_mine(model.by for model in models)
    return [
        model
        for model in models
        if (not mine or is_mine(model.by))
        and (not types or model.type in types)
        and (not tags or set(tags) & set(model.tags))
        and (not names or datasets.get(model.dataset or "") in names)
    ]


def models_table(models: Sequence[Model], datasets: Mapping[str, str]) -> list[Model]:
    """Draw models, a row each; returns those that the reader has selected."""
    # Rows are selected by their numbers. With other models the numbers would mean others: it is another table then.
    shown = hashlib.sha256("\n".join(f"{model.name} {model.digest}" for model in models).encode()).hexdigest()[:16]
    key = f"models_{shown}"
    state = st.dataframe(
        rows(models, datasets),
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        column_config=_columns(f"{key}_opened", models),
        placeholder="",
        alt=_("Trained models"),
    )
    return [models[row] for row in state["selection"]["rows"]]


def rows(models: Sequence[Model], datasets: Mapping[str, str]) -> dict[str, list[Any]]:
    """The columns of the table of models."""
    columns: dict[str, list[Any]] = {
        "name": [model.name for model in models],
        "current": [_("current") if model.current else "" for model in models],
        "type": [model.type for model in models],
    }
    for name in FIGURES:
        scores = [key_figures(model.scores).get(name) for model in models]
        columns[name] = [score and score.value for score in scores]
        columns[f"{name} ±"] = [score and score.uncertainty for score in scores]
    return columns | {
        "dataset": [datasets.get(model.dataset or "", "") for model in models],
        "created": [model.created for model in models],
        "seconds": [None if model.seconds is None else round(model.seconds, 1) for model in models],
        "tags": [list(model.tags) for model in models],
        "aliases": [list(model.aliases) for model in models],
        **owners_column(models),
    }


def _columns(key: str, models: Sequence[Model]) -> dict[str, Any]:
    columns = st.column_config

    def opened() -> None:
        places.go(Place.MODEL, name=models[st.session_state[key].row].name)

    figures: dict[str, Any] = {}
    for name in FIGURES:
        figures[name] = columns.NumberColumn(
            texts.metric(name), format="localized", help=_("Weighted where there are weights")
        )
        figures[f"{name} ±"] = columns.NumberColumn("±", format="localized", help=_("Standard deviation"))
    return figures | {
        "name": columns.ButtonColumn(
            _("Name"),
            pinned=True,
            width="medium",
            type="tertiary",
            alignment="left",
            key=key,
            on_click=opened,
            help=_("Opens the model"),
        ),
        "current": columns.TextColumn(_("Current")),
        "type": columns.TextColumn(_("Type")),
        "dataset": columns.TextColumn(_("Data set")),
        "created": columns.DatetimeColumn(_("Trained"), format="localized", timezone=st.context.timezone),
        "seconds": columns.NumberColumn(_("Took, s"), format="localized"),
        "tags": columns.ListColumn(_("Tags")),
        "aliases": columns.ListColumn(_("Aliases")),
        "by": columns.TextColumn(_("Of")),
    }


def _filter(label: str, key: str, options: set[str]) -> list[str]:
    if not options:
        return []
    asked_several(key, options)
    return st.multiselect(label, sorted(options), key=key, placeholder=_("All"), on_change=keep, args=(key,))
