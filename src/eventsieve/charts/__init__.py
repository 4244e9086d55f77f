"""Charts: records in, Matplotlib figures out, in the style of the house."""

from eventsieve.charts.comparisons import plot_comparison
from eventsieve.charts.curves import plot_calibration, plot_precision_recall, plot_roc
from eventsieve.charts.cuts import plot_efficiencies, plot_significance
from eventsieve.charts.features import plot_correlations, plot_feature
from eventsieve.charts.rankings import plot_confusion, plot_importance
from eventsieve.charts.scores import plot_scores
from eventsieve.charts.style import Chart

__all__ = [
    "Chart",
    "plot_calibration",
    "plot_comparison",
    "plot_confusion",
    "plot_correlations",
    "plot_efficiencies",
    "plot_feature",
    "plot_importance",
    "plot_precision_recall",
    "plot_roc",
    "plot_scores",
    "plot_significance",
]
