"""Models side by side: bars of their figures of merit, and the differences between each two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import plotly.graph_objects as go

from eventsieve.palette import SLATE, TRAIN
from eventsieve.records import Comparison, Difference, Score
from eventsieve.web.charts.style import MARK, empty, model_styles, new_figure, panels, shown, with_note
from eventsieve.web.i18n import _, decimal
from eventsieve.web.texts import metric

__all__ = ["bars", "differences"]

UNBOUNDED = ("log_loss", "ams")
"""Figures of merit that are no fractions: each has its own axis."""
ROW = 44


def bars(comparison: Comparison, names: Sequence[str], weighted: bool) -> go.Figure:  # noqa: FBT001 - the page's interface
    """A group of bars for each figure of merit, a bar for each model, with the central 68.3 % of its replicas.

    Args:
        comparison: of the models; each is drawn once.
        names: of the figures of merit, in their order.
        weighted: whether events count by their weights, where they have some.
    """
    found = {model: _chosen(comparison.scores[model], weighted=weighted) for model in comparison.ranking}
    known = [name for name in dict.fromkeys(names) if any(name in scores for scores in found.values())]
    if not known:
        return empty(_("None of these figures of merit is known of these models."))
    apart = [name for name in known if name in UNBOUNDED]
    bounded = [name for name in known if name not in UNBOUNDED]
    figure = _grid(bounded, apart, entries=len(found))
    styles = model_styles(found)
    places = [(bounded, 1, 1)] if bounded else []
    places += [([name], 2 if bounded else 1, column) for column, name in enumerate(apart, start=1)]
    for part, row, column in places:
        for model, scores in found.items():
            shared = [(name, scores[name]) for name in part if name in scores]
            _bar(figure, model, shared, styles[model], row=row, column=column, named=(row, column) == (1, 1))
        titles = {name: shown(metric(name)) for name in part}
        figure.update_xaxes(type="category", categoryarray=part, labelalias=titles, row=row, col=column)
    whole = all(score.weighted for scores in found.values() for name, score in scores.items() if name in known)
    note = _("{events} events, weighted") if whole else _("{events} events, unweighted")
    figure.update_layout(barmode="group", bargap=0.25, bargroupgap=0.06, showlegend=True)
    figure.update_yaxes(rangemode="tozero")
    figure.update_yaxes(title_text=_("Value"), row=1, col=1)
    figure.update_xaxes(title_text=with_note("", note.format(events=decimal(comparison.events))), row=1, col=1)
    return figure


def differences(comparison: Comparison, name: str) -> go.Figure:
    """The differences of a figure of merit between each two models, with 95 % intervals; the significant are marked."""
    found = _pairs(comparison.differences, name)
    if not found:
        return empty(
            _("There is nothing to compare: {name} is known of fewer than two models.").format(name=metric(name))
        )
    weighted = all(each.weighted for each in found)
    events = _("{events} events, weighted") if weighted else _("{events} events, unweighted")
    figure = new_figure(
        _("Difference of {name}").format(name=shown(metric(name))),
        height=90 + ROW * len(found),
        entries=2,
        note=events.format(events=decimal(comparison.events)),
    )
    kinds = ((True, MARK, "diamond", _("significant (95 %)")), (False, SLATE, "circle-open", _("may be chance")))
    for significant, colour, symbol, title in kinds:
        places = [place for place, each in enumerate(found) if (each.better is not None) == significant]
        part = [found[place] for place in places]
        figure.add_scatter(
            x=[each.value for each in part],
            y=places,
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [each.high - each.value for each in part],
                "arrayminus": [each.value - each.low for each in part],
                "thickness": 2,
                "width": 4,
            },
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 10},
            name=title,
            customdata=[_told(each) for each in part],
            hovertemplate="%{customdata}<extra></extra>",
        )
    for place, each in enumerate(found):
        # Above its interval: beside the axis, two names would leave no room for the data on a telephone.
        figure.add_annotation(
            text=f"{shown(each.first, 24)} \N{MINUS SIGN} {shown(each.second, 24)}",
            x=0,
            xref="paper",
            xanchor="left",
            y=place,
            yref="y",
            yshift=14,
            showarrow=False,
        )
    figure.add_vline(x=0, line={"color": TRAIN, "width": 1.4, "dash": "dot"})
    figure.update_xaxes(showgrid=True)
    figure.update_yaxes(range=[len(found) - 0.5, -0.75], showticklabels=False, showgrid=False, zeroline=False)
    figure.update_layout(showlegend=True)
    return figure


def _grid(bounded: Sequence[str], apart: Sequence[str], *, entries: int) -> go.Figure:
    """Axes for all fractions together, and below them axes for each figure of merit that is none."""
    if not (bounded and apart):
        return panels(new_figure(height=380, entries=entries), cols=max(len(apart), 1))
    columns = len(apart)
    specs = [[{"colspan": columns}, *[None] * (columns - 1)], [{}] * columns]
    base = new_figure(height=640, entries=entries)
    return panels(base, rows=2, cols=columns, specs=specs, row_heights=[0.6, 0.4], vertical_spacing=0.2)


def _chosen(scores: Iterable[Score], *, weighted: bool) -> dict[str, Score]:
    """One score of each name: the weighted or the unweighted one, the other where that is not known."""
    ordered = sorted(scores, key=lambda score: score.weighted == weighted)
    return {score.name: score for score in ordered}


def _bar(
    figure: go.Figure,
    model: str,
    scores: Sequence[tuple[str, Score]],
    style: dict[str, str],
    *,
    row: int,
    column: int,
    named: bool,
) -> None:
    name = shown(model)
    figure.add_bar(
        x=[each for each, _score in scores],
        y=[score.value for _each, score in scores],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [_beyond(score.value, score.high) for _each, score in scores],
            "arrayminus": [_beyond(-score.value, None if score.low is None else -score.low) for _each, score in scores],
            "thickness": 1.4,
            "width": 3,
            "color": TRAIN,
        },
        marker={
            "color": style["color"],
            "pattern": {"shape": style["pattern"], "size": 7, "solidity": 0.2, "fillmode": "overlay"},
        },
        name=shown(model, 40),
        legendgroup=model,
        showlegend=named,
        customdata=[f"{name}<br>{shown(metric(each))}: {_value(score)}" for each, score in scores],
        hovertemplate="%{customdata}<extra></extra>",
        row=row,
        col=column,
    )


def _beyond(value: float, bound: float | None) -> float:
    return 0.0 if bound is None else max(bound - value, 0.0)


def _value(score: Score) -> str:
    text = decimal(score.value, 4)
    if score.low is None or score.high is None:
        return text
    return f"{text} [{decimal(score.low, 4)}, {decimal(score.high, 4)}]"


def _pairs(found: Iterable[Difference], name: str) -> list[Difference]:
    """Of the figure of merit, weighted where that is known."""
    named = [each for each in found if each.name == name]
    return [each for each in named if each.weighted] or named


def _told(found: Difference) -> str:
    better = _("better: {model}").format(model=shown(found.better)) if found.better else _("may be chance")
    return "<br>".join(
        (
            f"{shown(found.first)} \N{MINUS SIGN} {shown(found.second)}",
            f"{decimal(found.value, 4)} [{decimal(found.low, 4)}, {decimal(found.high, 4)}]",
            f"p = {decimal(found.p_value, 3)}; {better}",
        )
    )
