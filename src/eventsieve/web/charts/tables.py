"""What is in a data set as a whole: how many events, what is undefined, what separates the classes, what drifts."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from eventsieve.palette import SLATE, TRAIN
from eventsieve.records import Exploration, ExploredFeature, FeatureDrift, WeightSums
from eventsieve.web.charts.style import (
    MARK,
    aliases,
    class_colours,
    class_titles,
    empty,
    new_figure,
    panels,
    short,
    shown,
)
from eventsieve.web.i18n import _, decimal, percent
from eventsieve.web.sentences import translated_sentence

__all__ = ["classes", "drift", "missing", "separation"]

BAR = 22
"""Pixels of a bar and the gap beside it."""


def classes(exploration: Exploration) -> go.Figure:
    """How many events each class has, and what their weights add up to, each beside the other."""
    found = exploration.table.classes or (exploration.table.all,)
    names = tuple(each.label for each in found)
    colours, titles = class_colours(names, exploration.event_schema.signal), _titles(exploration, names)
    events = [each.events for each in found]
    where = _("{events} events ({share})")
    hover = [where.format(events=decimal(n), share=percent(n / max(sum(events), 1))) for n in events]
    parts: list[tuple[str, Sequence[float], list[str], list[str]]] = [
        (_("Events"), events, [*map(decimal, events)], hover)
    ]
    weights = [each.weights for each in found if each.weights is not None]
    if len(weights) == len(found):
        totals = [each.total for each in weights]
        text = [decimal(total, 0 if abs(total) >= 1000 else 2) for total in totals]
        parts.append((_("Sum of weights"), totals, text, [_worth(each) for each in weights]))
    rows = len(parts)
    figure = panels(_bars(rows * (len(found) + 1)), rows=rows, cols=1, vertical_spacing=0.3)
    for row, (title, values, text, hover) in enumerate(parts, start=1):
        figure.add_bar(
            x=values,
            y=names,
            orientation="h",
            marker_color=[colours[name] for name in names],
            text=text,
            textposition="auto",
            insidetextanchor="end",
            customdata=[f"{titles[name]}<br>{each}" for name, each in zip(names, hover, strict=True)],
            hovertemplate="%{customdata}<extra></extra>",
            row=row,
            col=1,
        )
        figure.update_xaxes(title_text=title, showgrid=True, row=row)
    figure.update_yaxes(type="category", autorange="reversed", labelalias=titles, showgrid=False)
    figure.update_layout(showlegend=False)
    return figure


def missing(exploration: Exploration) -> go.Figure:
    """The share of events for which each feature is undefined, where it is for any; of two tables, both."""
    found = [each for each in exploration.features if _undefined(each)]
    if not found:
        return empty(_("Every feature is defined for every event."))
    found.sort(key=_undefined, reverse=True)
    names = [each.column.name for each in found]
    figure = _bars(len(found), _("Undefined, share of the events"), entries=2 if exploration.against else 0)
    shares = [each.all.statistics.undefined for each in found]
    hover = [f"{shown(name)}: {percent(share)}" for name, share in zip(names, shares, strict=True)]
    figure.add_bar(
        x=shares,
        y=names,
        orientation="h",
        marker_color=TRAIN,
        name=_("this data set"),
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
    )
    second = [each.against.statistics.undefined if each.against else None for each in found]
    if exploration.against is not None:
        hover = [
            _("{feature}: {share} in the second table").format(feature=shown(name), share=percent(share))
            for name, share in zip(names, second, strict=True)
        ]
        figure.add_scatter(
            x=second,
            y=names,
            mode="markers",
            marker={"color": MARK, "symbol": "diamond", "size": 9},
            name=_("the second table"),
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(showlegend=exploration.against is not None)
    figure.update_xaxes(tickformat=".0%", range=[0, 1.02])
    return _named(figure, names)


def separation(exploration: Exploration) -> go.Figure:
    """How well each feature alone tells the classes apart, the best on top, beside what chance would give."""
    found = [(each, each.separation, each.separation.power) for each in exploration.ranked() if each.separation]
    known = [(feature, pair, power) for feature, pair, power in found if power is not None]
    if not known:
        return empty(_("Without labels of two classes or more there is no separation."))
    names = [feature.column.name for feature, _pair, _power in known]
    figure = _bars(len(known), _("Separation power"), entries=2, note=_("0: equal shapes, 1: no overlap"))
    figure.add_bar(
        x=[power for _feature, _pair, power in known],
        y=names,
        orientation="h",
        marker_color=SLATE,
        name=_("separation power"),
        customdata=[
            _("{feature}<br>{first} against {second}: {power}<br>AUC alone {auc}").format(
                feature=shown(feature.column.name),
                first=shown(pair.first),
                second=shown(pair.second),
                power=decimal(power, 4),
                auc=decimal(pair.auc, 3),
            )
            for feature, pair, power in known
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.add_scatter(
        x=[pair.chance for _feature, pair, _power in known],
        y=names,
        mode="markers",
        marker={"color": MARK, "symbol": "line-ns-open", "size": 12, "line": {"width": 2}},
        name=_("expected by chance"),
        hovertemplate=_("expected by chance") + ": %{x:.4f}<extra></extra>",
    )
    figure.update_xaxes(rangemode="tozero")
    return _named(figure, names)


def drift(exploration: Exploration) -> go.Figure:
    """How far each feature's distributions in the two tables are apart; those that have drifted are marked."""
    if exploration.drift is None and exploration.against is not None:
        return empty(_("Drift was not computed."))
    if exploration.drift is None:
        return empty(_("Choose a second table to compare this one with."))
    found = [each for each in exploration.drift.ranked() if each.distance is not None]
    if not found:
        return empty(translated_sentence(exploration.drift.reason))
    found.sort(key=lambda each: each.distance or 0.0, reverse=True)
    names = [each.feature for each in found]
    figure = _bars(len(found), _("Kolmogorov-Smirnov distance"), entries=3)
    for drifted, colour, pattern, title in (
        (True, MARK, "/", _("drifted")),
        (False, TRAIN, "", _("no significant drift")),
    ):
        part = [each for each in found if each.drifted == drifted]
        if part:
            figure.add_bar(
                x=[each.distance for each in part],
                y=[each.feature for each in part],
                orientation="h",
                marker={
                    "color": colour,
                    "pattern": {"shape": pattern, "size": 6, "solidity": 0.2, "fillmode": "overlay"},
                },
                name=title,
                customdata=[_drifted(each) for each in part],
                hovertemplate="%{customdata}<extra></extra>",
            )
    if exploration.drift.sensitivity is not None:
        figure.add_scatter(
            x=[exploration.drift.sensitivity] * 2,
            y=[names[0], names[-1]],
            mode="lines",
            line={"color": SLATE, "dash": "dot", "width": 2},
            name=_("could not be noticed below"),
            hovertemplate=_("could not be noticed below") + " %{x:.3f}<extra></extra>",
        )
    figure.update_xaxes(rangemode="tozero")
    figure.update_layout(showlegend=True)
    return _named(figure, names)


def _bars(number: int, title: str = "", *, entries: int = 0, note: str = "") -> go.Figure:
    figure = new_figure(title, height=110 + BAR * number, entries=entries, note=note)
    figure.update_layout(bargap=0.25)
    figure.update_xaxes(showgrid=True)
    return figure


def _named(figure: go.Figure, names: Sequence[str]) -> go.Figure:
    """With every name beside its bar, the first on top."""
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=list(names),
        autorange="reversed",
        tickmode="linear",
        dtick=1,
        labelalias=aliases(names),
        showgrid=False,
    )
    return figure


def _titles(exploration: Exploration, names: tuple[str, ...]) -> dict[str, str]:
    if not exploration.table.classes:
        return dict.fromkeys(names, _("all events"))
    return class_titles(names, exploration.event_schema.signal)


def _worth(weights: WeightSums) -> str:
    lines = [
        _("sum of weights {total}").format(total=decimal(weights.total, 2)),
        _("worth {events} unweighted events").format(events=decimal(weights.effective)),
    ]
    if weights.full is not None:
        lines.append(_("in the full sample {total}").format(total=decimal(weights.full, 2)))
    if weights.negative:
        lines.append(_("{events} negative weights").format(events=decimal(weights.negative)))
    return "<br>".join(lines)


def _undefined(feature: ExploredFeature) -> float:
    """The larger share of the two tables."""
    second = feature.against.statistics.undefined if feature.against else 0.0
    return max(feature.all.statistics.undefined, second)


def _drifted(found: FeatureDrift) -> str:
    lines = [
        shown(found.feature),
        _("distance {distance}").format(distance=decimal(found.distance, 4)),
        _("p, corrected for all tests: {p}").format(
            p="\N{EN DASH}" if found.corrected is None else short(found.corrected)
        ),
    ]
    if found.mean_shift is not None:
        lines.append(_("mean shifted by {shift} standard deviations").format(shift=decimal(found.mean_shift, 3)))
    if found.undefined_shift:
        lines.append(_("share of undefined shifted by {shift}").format(shift=percent(found.undefined_shift, 2)))
    return "<br>".join(lines)
