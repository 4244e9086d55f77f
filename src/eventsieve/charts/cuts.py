"""What a cut on the score does: efficiencies, purity, significance."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from eventsieve.charts.style import Chart, grid, new_chart, note
from eventsieve.errors import BadRequest
from eventsieve.palette import ACCENT, BACKGROUND, INK, SIGNAL
from eventsieve.records import ClassCurves, Evaluation

__all__ = ["plot_efficiencies", "plot_significance"]


def plot_efficiencies(found: Evaluation, name: str = "") -> Chart:
    """Signal and background efficiency and purity against the cut; of several classes, a panel each."""
    with new_chart(len(found.curves), size=(6.4 if len(found.curves) == 1 else 4.4, 4.6)) as (figure, panels):
        for axes, curves in zip(panels[0], found.curves, strict=True):
            _efficiencies(axes, curves, found, name)
    return figure


def _efficiencies(axes: Axes, curves: ClassCurves, found: Evaluation, name: str) -> None:
    cuts = curves.cuts
    several = len(found.curves) > 1
    signal, background = (curves.label, "the others") if several else ("signal", "background")
    purity = np.array([np.nan if value is None else value for value in cuts.purity])
    axes.plot(cuts.cut, cuts.signal_efficiency, color=SIGNAL, label=f"efficiency of {signal}")
    axes.plot(
        cuts.cut, cuts.background_efficiency, color=BACKGROUND, linestyle="--", label=f"efficiency of {background}"
    )
    axes.plot(cuts.cut, purity, color=INK, linestyle=":", label="purity")
    axes.set_ylim(0, 1.5)  # room for the legend above all that can be
    axes.set_xlim(cuts.cut[0], cuts.cut[-1])
    axes.locator_params(axis="x", nbins=5 if several else 9)
    axes.set_xlabel(f"Cut on the {'probability' if found.probabilities else 'score'} of {signal}")
    axes.set_ylabel("Fraction")
    axes.legend(loc="upper right", title=name or None)
    grid(axes)
    note(axes, f"{found.validation_events:,} validation events, {'weighted' if found.weighted else 'unweighted'}")


def plot_significance(found: Evaluation, name: str = "") -> Chart:
    """The approximate median significance against the cut, with its standard deviation and the best cut.

    Raises:
        BadRequest: no class is the signal.
    """
    ams = found.ams
    if ams is None:
        raise BadRequest(f"There is no significance of {name or 'this model'}: no class of its events is the signal.")
    value, error = np.asarray(ams.ams), np.asarray(ams.uncertainty)
    with new_chart() as (figure, panels):
        axes: Axes = panels[0, 0]
        low, high = value - error, value + error
        axes.fill_between(ams.cut, low, high, color=ACCENT, alpha=0.25, linewidth=0, label="± 1 standard deviation")
        axes.plot(ams.cut, value, color=ACCENT, label="AMS")
        best = f"{ams.best:.2f}" + (f" ± {ams.best_uncertainty:.2f}" if ams.best_uncertainty is not None else "")
        axes.axvline(
            ams.best_cut, color=SIGNAL, linestyle="--", linewidth=1.2, label=f"best cut {ams.best_cut:.3g}: {best}"
        )
        axes.plot([ams.best_cut], [ams.best], "o", color=SIGNAL, markersize=6)
        axes.set_xlim(ams.cut[0], ams.cut[-1])
        axes.set_ylim(0, 1.35 * max(float(np.nanmax(value + error)), ams.best))
        axes.set_xlabel("Cut on the score")
        axes.set_ylabel("AMS, in standard deviations")
        axes.legend(loc="upper left", title=name or None)
        grid(axes)
        sums = f"weights scaled to s = {ams.signal_sum:,.0f}, b = {ams.background_sum:,.0f}"
        note(axes, f"{sums}; b_reg = {ams.regularisation:g}")
    return figure
