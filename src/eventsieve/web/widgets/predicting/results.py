"""What a model says of a data set: how many events are selected, which, and the files of it."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from eventsieve.client import Client, Dataset, Model
from eventsieve.records import PredictionPage, ScoreCounts, ScoreSummary
from eventsieve.web.faults import explained
from eventsieve.web.i18n import _, decimal, ngettext, percent
from eventsieve.web.relay_paths import FORMATS, predictions
from eventsieve.web.texts import plain

__all__ = ["Selected", "draw_counts", "draw_downloads", "draw_rows", "selected"]

ROWS = 100
"""Of a page of the table."""
TITLES = {"csv": "CSV", "parquet": "Parquet", "root": "ROOT", "arrow": "Arrow", "json": "JSON"}


class Selected(NamedTuple):
    """How many events of a kind are selected.

    Attributes:
        label: their class by the data set; ``None`` for those of which it says none.
        events: how many there are.
        chosen: how many of them are selected.
        weight: what the weights of those add up to; ``None`` without weights.
    """

    label: str | None
    events: int
    chosen: int
    weight: float | None


def selected(summary: ScoreSummary, cut: float) -> list[Selected] | None:
    """How many events a cut selects; ``None`` where the summary does not know: off its edges and its threshold."""
    if cut == summary.threshold:
        return [_chosen(each, each.selected or 0, each.weight_selected) for each in summary.scores]
    if cut not in summary.edges:
        return None
    place = summary.edges.index(cut)
    return [
        _chosen(each, each.above[place], each.weights_above[place] if each.weights_above else None)
        for each in summary.scores
    ]


def _chosen(each: ScoreCounts, count: int, weight: float | None) -> Selected:
    return Selected(each.label, each.events, count, weight)


def draw_counts(summary: ScoreSummary, found: list[Selected]) -> None:
    """Draw how many events are selected, and of which class they are where the data set says it."""
    count = sum(each.chosen for each in found)
    with st.container(horizontal=True):
        st.metric(
            _("Selected events"),
            decimal(count),
            percent(count / summary.events),
            delta_color="off",
            delta_arrow="off",
            width="content",
        )
        if not any(each.label is not None for each in found):
            return
        for each in found:
            name = _("without a label") if each.label is None else each.label
            text = percent(each.chosen / each.events)
            st.metric(
                _("Selected of {label}").format(label=plain(name)),
                decimal(each.chosen),
                text
                if each.weight is None
                else _("{share}, weight {weight}").format(share=text, weight=decimal(each.weight, 2)),
                delta_color="off",
                delta_arrow="off",
                width="content",
            )
        if (purity := _purity(found, summary.signal)) is not None:
            st.metric(
                _("Purity"),
                percent(purity),
                help=_("The share of signal in what is selected, by weight where there are weights."),
                width="content",
            )


def _purity(found: list[Selected], signal: str | None) -> float | None:
    weights = [each.chosen if each.weight is None else each.weight for each in found]
    mine = [weight for each, weight in zip(found, weights, strict=True) if each.label == signal]
    return mine[0] / sum(weights) if mine and sum(weights) > 0 else None


def draw_rows(client: Client, model: Model, dataset: Dataset, cut: float | None) -> None:
    """Draw the predictions event by event, a page at a time."""
    key = f"predict:page:{model.digest[:12]}:{dataset.id}"
    pages = max(1, -(-dataset.events // ROWS))
    page = min(int(st.session_state.get(key, 1)), pages)
    with explained():
        found = client.prediction_page(
            dataset.id, model=model.name, offset=(page - 1) * ROWS, limit=ROWS, threshold=cut
        )
    if found.digest != model.digest:
        st.rerun()  # the whole page: another model has this name by now, and all that is shown above is of the old one
    st.dataframe(
        {"index": found.index, "label": found.label, "score": found.score, **_by_class(found)},
        hide_index=True,
        column_config={
            "index": st.column_config.NumberColumn(
                found.index_name if dataset.event_schema.index else _("row"), format="%d"
            ),
            "label": st.column_config.TextColumn(_("predictions")),
            "score": st.column_config.NumberColumn(_("score"), format="localized"),
            **{
                f"p {name}": st.column_config.NumberColumn(
                    _("probability of {label}").format(label=name), format="localized"
                )
                for name in _by_class_names(found)
            },
        },
        alt=_("Table of the predictions: event number, predicted class and score"),
        key="predict:rows",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.pagination(pages, key=key)
        first, last = found.offset + 1, found.offset + len(found.index)
        st.caption(
            _("Events {first} to {last} of {total}").format(
                first=decimal(first), last=decimal(last), total=decimal(found.total)
            )
        )


def _by_class_names(found: PredictionPage) -> list[str]:
    """The classes whose probabilities say more than the score."""
    return list(found.probabilities) if len(found.probabilities) > 2 else []


def _by_class(found: PredictionPage) -> dict[str, tuple[float, ...]]:
    return {f"p {name}": found.probabilities[name] for name in _by_class_names(found)}


def draw_downloads(model: Model, dataset: Dataset, cut: float | None) -> None:
    """Draw links to all predictions as files, with this cut; the browser fetches them, not the page."""
    st.header(_("Save"), anchor=False)
    text = ngettext(
        "The prediction of {events} event", "All {events} predictions, in the order of the table", dataset.events
    )
    st.caption(text.format(events=decimal(dataset.events)))
    with st.container(horizontal=True):
        for format_ in sorted(FORMATS, key=list(TITLES).index):
            st.link_button(
                TITLES[format_],
                predictions(model.name, dataset.id, format_, cut),
                icon=":material/download:",
                type="primary" if format_ == "csv" else "secondary",
                help=_("A tree with the entries of yours, to be opened beside it as a friend")
                if format_ == "root"
                else None,
            )
