"""The charts show the numbers of the records that they are drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.patches import StepPatch
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from eventsieve import charts
from eventsieve.charts.style import class_colours, class_titles
from eventsieve.errors import BadRequest
from eventsieve.palette import BACKGROUND, SIGNAL
from eventsieve.records import (
    AmsCurve,
    Calibration,
    ClassCurves,
    Comparison,
    CutCurve,
    Distribution,
    Evaluation,
    Importance,
    Overtraining,
    PrecisionRecallCurve,
    RocCurve,
    Schema,
    Score,
)
from eventsieve.records.exploration import (
    ClassEvents,
    Correlations,
    Duplicates,
    Exploration,
    ExploredFeature,
    Histogram,
    Sample,
    Separation,
    Statistics,
    TableCounts,
)

CUTS = tuple(np.linspace(0, 1, 21))
EDGES = tuple(np.linspace(0, 1, 11))


def scored(seed: int = 0, events: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """True classes and probabilities of signal."""
    random = np.random.default_rng(seed)
    truth = random.random(events) < 0.4
    return truth, np.where(truth, random.beta(4, 2, events), random.beta(2, 4, events))


def class_curves(label: str, truth: np.ndarray, score: np.ndarray) -> ClassCurves:
    false, true, cut = roc_curve(truth, score)
    precision, recall, _ = precision_recall_curve(truth, score)
    observed, predicted = calibration_curve(truth, score, n_bins=8, strategy="quantile")
    selected = [score > each for each in CUTS]
    purity = [float(truth[s].mean()) if s.any() else None for s in selected]
    return ClassCurves(
        label=label,
        roc=RocCurve(cut=(None, *cut[1:]), background=tuple(false), signal=tuple(true), auc=0.9),
        precision_recall=PrecisionRecallCurve(
            recall=tuple(recall[::-1]), precision=tuple(precision[::-1]), average_precision=0.8
        ),
        cuts=CutCurve(
            cut=CUTS,
            signal_efficiency=tuple(float(s[truth].mean()) for s in selected),
            background_efficiency=tuple(float(s[~truth].mean()) for s in selected),
            purity=tuple(purity),
            signal_events=tuple(int(s[truth].sum()) for s in selected),
            background_events=tuple(int(s[~truth].sum()) for s in selected),
        ),
        calibration=Calibration(
            predicted=tuple(predicted), observed=tuple(observed), uncertainty=(0.03,) * len(observed), events=(250,) * 8
        ),
    )


def distribution(label: str, seed: int) -> Distribution:
    random = np.random.default_rng(seed)
    train, validation = (np.histogram(random.beta(2, 3, n), EDGES)[0] / n for n in (3000, 1000))
    return Distribution(
        label=label,
        edges=EDGES,
        train=tuple(train),
        train_error=tuple(np.sqrt(train / 3000)),
        validation=tuple(validation),
        validation_error=tuple(np.sqrt(validation / 1000)),
    )


def evaluation(classes: tuple[str, ...] = ("b", "s"), signal: str | None = "s") -> Evaluation:
    labels = [signal] if len(classes) == 2 else list(classes)
    ams = tuple(3.5 * np.exp(-((np.array(CUTS) - 0.7) ** 2) / 0.08))
    return Evaluation(
        classes=classes,
        signal=signal,
        train_events=3000,
        validation_events=1000,
        weighted=True,
        probabilities=True,
        curves=tuple(class_curves(str(label), *scored(n)) for n, label in enumerate(labels)),
        ams=AmsCurve(
            cut=CUTS,
            ams=ams,
            uncertainty=(0.2,) * len(CUTS),
            best_cut=CUTS[14],
            best=ams[14],
            best_uncertainty=0.2,
            signal_sum=692,
            background_sum=411_000,
            regularisation=10,
        )
        if signal
        else None,
        confusion=tuple(tuple(3.0 if i == j else 1.0 for j in range(len(classes))) for i in range(len(classes))),
        distributions=tuple(distribution(label, n) for n, label in enumerate(classes)),
        overtraining=tuple(
            Overtraining(label=label, statistic=0.021, p_value=0.42, permutations=500) for label in classes
        ),
        verdict="no sign of overtraining",
        verdict_reason="The distributions agree.",
        importance=tuple(Importance(feature=f"f_{n}", drop=0.1 / (n + 1), uncertainty=0.005) for n in range(6)),
    )


BINARY = evaluation()
SEVERAL = evaluation(("dy", "htautau", "ttbar", "ww"), None)


def lines(chart: charts.Chart, panel: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    drawn = chart.axes[panel].get_lines()
    return {line.get_label(): (np.asarray(line.get_xdata()), np.asarray(line.get_ydata())) for line in drawn}


def containers(chart: charts.Chart, kind: type, panel: int = 0) -> list:
    return [each for each in chart.axes[panel].containers if isinstance(each, kind)]


def test_the_roc_curve_is_the_records_and_names_its_area():
    x, y = lines(charts.plot_roc({"forest": BINARY}))["forest  AUC 0.900"]
    np.testing.assert_array_equal(x, BINARY.curves[0].roc.background)
    np.testing.assert_array_equal(y, BINARY.curves[0].roc.signal)


def test_several_models_lie_over_one_another_in_different_dashes():
    chart = charts.plot_roc({"a": BINARY, "b": BINARY})
    drawn = [line for line in chart.axes[0].get_lines() if "AUC" in str(line.get_label())]
    assert [str(line.get_label())[0] for line in drawn] == ["a", "b"]
    assert len({line.get_linestyle() for line in drawn}) == 2
    assert len({line.get_color() for line in drawn}) == 2


def test_each_of_several_classes_has_its_roc_curve():
    assert [name.split()[1] for name in lines(charts.plot_roc({"m": SEVERAL})) if "AUC" in name] == list(
        SEVERAL.classes
    )


def test_of_several_models_with_several_classes_only_the_signal_is_drawn():
    found = evaluation(("a", "s", "c"), "s")
    drawn = lines(charts.plot_roc({"first": found, "second": found}))
    named = [label for label in drawn if "AUC" in label]
    assert [label.split("  ")[0] for label in named] == ["first s", "second s"]


def test_two_classes_that_are_numbers_are_called_signal_and_background():
    assert class_titles(("0", "1"), "1") == {"0": "background (0)", "1": "signal (1)"}
    assert class_titles(("-1", "1"), "-1") == {"-1": "signal (-1)", "1": "background (1)"}
    assert class_titles(("b", "s"), "s") == {"b": "b", "s": "s"}
    assert class_titles(("0", "1", "2"), None) == {"0": "0", "1": "1", "2": "2"}


def test_the_axes_of_the_roc_curve_are_named():
    axes = charts.plot_roc({"m": BINARY}).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Background efficiency", "Signal efficiency")
    assert "weighted" in axes.get_title(loc="right")


def test_precision_recall_is_the_records():
    x, y = lines(charts.plot_precision_recall({"m": BINARY}))["m  AP 0.800"]
    np.testing.assert_array_equal(x, BINARY.curves[0].precision_recall.recall)
    np.testing.assert_array_equal(y, BINARY.curves[0].precision_recall.precision)


def test_efficiencies_and_purity_are_the_records_with_a_gap_where_nothing_is_selected():
    drawn = lines(charts.plot_efficiencies(BINARY))
    cuts = BINARY.curves[0].cuts
    np.testing.assert_array_equal(drawn["efficiency of signal"][1], cuts.signal_efficiency)
    np.testing.assert_array_equal(drawn["efficiency of background"][1], cuts.background_efficiency)
    assert cuts.purity[-1] is None
    assert np.isnan(drawn["purity"][1][-1])


def test_efficiencies_of_several_classes_have_a_panel_each():
    chart = charts.plot_efficiencies(SEVERAL)
    assert [axes.get_xlabel().rpartition(" ")[2] for axes in chart.axes] == list(SEVERAL.classes)


def test_significance_marks_the_best_cut():
    chart = charts.plot_significance(BINARY, "m")
    drawn = lines(chart)
    assert BINARY.ams is not None
    np.testing.assert_array_equal(drawn["AMS"][1], BINARY.ams.ams)
    (best,) = (name for name in drawn if name.startswith("best cut"))
    assert best == "best cut 0.7: 3.50 ± 0.20"
    np.testing.assert_allclose(drawn[best][0], 0.7)
    band = chart.axes[0].collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(max(BINARY.ams.ams) + 0.2)
    assert "b_reg = 10" in chart.axes[0].get_title(loc="right")


def test_there_is_no_significance_without_a_signal():
    with pytest.raises(BadRequest, match="no class"):
        charts.plot_significance(SEVERAL, "m")


def test_scores_overlay_training_and_validation_in_the_colours_of_the_classes():
    chart = charts.plot_scores(BINARY, "m")
    filled = [patch for patch in chart.axes[0].patches if isinstance(patch, StepPatch) and patch.get_fill()]
    for patch, found in zip(filled, BINARY.distributions, strict=True):
        np.testing.assert_array_equal(patch.get_data().values, found.train)
        np.testing.assert_array_equal(patch.get_data().edges, found.edges)
    points = containers(chart, ErrorbarContainer)
    assert [each.lines[0].get_color() for each in points] == [BACKGROUND, SIGNAL]
    np.testing.assert_array_equal(points[1].lines[0].get_ydata(), BINARY.distributions[1].validation)
    assert "KS 0.021, p 0.420" in points[1].get_label()
    assert chart.axes[0].get_legend().get_title().get_text() == "m: no sign of overtraining"


def test_scores_of_several_classes_have_a_panel_each():
    chart = charts.plot_scores(SEVERAL)
    assert [axes.get_xlabel() for axes in chart.axes] == [f"Probability of {name}" for name in SEVERAL.classes]


def test_calibration_is_the_records_with_its_uncertainty():
    (points,) = containers(charts.plot_calibration(BINARY), ErrorbarContainer)
    found = BINARY.curves[0].calibration
    assert found is not None
    np.testing.assert_array_equal(points.lines[0].get_xdata(), found.predicted)
    np.testing.assert_array_equal(points.lines[0].get_ydata(), found.observed)
    (bars,) = points.lines[2]
    heights = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
    np.testing.assert_allclose(heights, 2 * np.array(found.uncertainty))


def test_decision_values_cannot_be_calibrated():
    curves = tuple(each.model_copy(update={"calibration": None}) for each in BINARY.curves)
    with pytest.raises(BadRequest, match="no probabilities"):
        charts.plot_calibration(BINARY.model_copy(update={"curves": curves}))


def test_importance_puts_the_largest_on_top_and_shows_as_many_as_asked():
    chart = charts.plot_importance(BINARY, features=4)
    bars = containers(chart, BarContainer)[0]
    np.testing.assert_allclose([bar.get_width() for bar in bars], [0.1, 0.05, 0.1 / 3, 0.025])
    assert [text.get_text() for text in chart.axes[0].get_yticklabels()] == ["f_0", "f_1", "f_2", "f_3"]
    bottom, top = chart.axes[0].get_ylim()
    assert bottom > top


def test_the_confusion_is_a_share_of_each_true_class():
    chart = charts.plot_confusion(SEVERAL)
    np.testing.assert_allclose(chart.axes[0].images[0].get_array(), np.full((4, 4), 1 / 6) + np.eye(4) / 3)
    assert chart.axes[0].get_ylabel() == "True"


@pytest.mark.parametrize("signal", [None, "c"])
def test_classes_have_different_colours_and_only_the_signal_has_its_own(signal):
    colours = class_colours(("a", "b", "c", "d"), signal)
    assert len(set(colours.values())) == 4
    assert (colours["c"] == SIGNAL) == (signal == "c") or signal is None


def comparison() -> Comparison:
    def score(value: float, *, weighted: bool) -> Score:
        return Score(name="roc_auc", value=value, low=value - 0.01, high=value + 0.02, weighted=weighted)

    values = {"a": 0.80, "b": 0.85}
    return Comparison(
        dataset="d",
        events=500,
        seen=0,
        scores={n: (score(v, weighted=False), score(v + 0.05, weighted=True)) for n, v in values.items()},
        differences=(),
        mcnemar=(),
        ranking=("b", "a"),
        verdict="b is best.",
    )


def test_a_comparison_shows_the_weighted_figure_with_its_interval_the_best_first():
    chart = charts.plot_comparison(comparison())
    (points,) = containers(chart, ErrorbarContainer)
    np.testing.assert_allclose(points.lines[0].get_xdata(), [0.90, 0.85])
    (bars,) = points.lines[2]
    np.testing.assert_allclose([segment[:, 0] for segment in bars.get_segments()], [[0.89, 0.92], [0.84, 0.87]])
    assert [text.get_text() for text in chart.axes[0].get_yticklabels()] == ["b", "a"]


def test_a_comparison_names_the_figures_that_it_has():
    with pytest.raises(BadRequest, match="roc_auc"):
        charts.plot_comparison(comparison(), "auc")


def sample(label: str, counts: tuple[int, ...]) -> Sample:
    statistics = Statistics(
        events=100, defined=90, undefined=0.1, mean=1, std=1, minimum=0, lower_quartile=0, median=1, upper_quartile=2,
        maximum=3,
    )  # fmt: skip
    sums = tuple(float(c) for c in counts)
    histogram = Histogram(counts=counts, sums=sums, errors=tuple(np.sqrt(sums)), below=0.0, above=10.0)
    return Sample(label=label, statistics=statistics, histogram=histogram)


def exploration(*, against: bool = False) -> Exploration:
    schema = Schema.model_validate(
        {
            "name": "own",
            "columns": [{"name": "m_$T$", "dtype": "float64", "unit": "GeV"}, {"name": "eta", "dtype": "float64"}],
        }
    )
    counts = TableCounts(
        events=100,
        complete=90,
        undefined=10,
        duplicates=Duplicates(events=0, groups=0, equal_index=None),
        all=ClassEvents(label="all", events=100, weights=None),
        classes=(),
        remarks=(),
    )
    feature = ExploredFeature(
        column=schema.columns[0],
        edges=(0.0, 50.0, 100.0, 150.0),
        whole=False,
        all=sample("all", (50, 30, 10)),
        classes=(sample("b", (40, 20, 10)), sample("s", (5, 10, 15))),
        against=sample("all", (20, 20, 20)) if against else None,
        separation=Separation(first="b", second="s", power=0.2, chance=0.01, auc=0.7),
    )
    matrix = ((1.0, None), (None, 1.0))
    return Exploration(
        event_schema=schema,
        bins=3,
        table=counts,
        against=counts if against else None,
        shared=None,
        features=(feature,),
        correlations=Correlations(features=("m_$T$", "eta"), all=matrix, classes=(), against=None),
        drift=None,
    )


def test_a_feature_is_drawn_by_class_normalised_with_what_lies_outside():
    chart = charts.plot_feature(exploration(), "m_$T$")
    shapes = [patch for patch in chart.axes[0].patches if patch.get_label() in ("b", "s")]
    np.testing.assert_allclose(shapes[0].get_data().values, np.array([40, 20, 10]) / 80)
    np.testing.assert_allclose(shapes[1].get_data().values, np.array([5, 10, 15]) / 40)
    assert chart.axes[0].get_xlabel() == "m_$T$ [GeV]"
    assert chart.axes[0].get_ylabel() == "Fraction of the events / 50 GeV"
    assert "separation 0.200" in chart.axes[0].get_title(loc="right")


def test_a_feature_is_drawn_against_another_table_with_weights_in_neither():
    found = exploration(against=True)
    (feature,) = found.features
    weighted = feature.all.histogram.model_copy(update={"sums": (1.0, 0.2, 300.0), "errors": (1.0, 0.1, 100.0)})
    feature = feature.model_copy(update={"all": feature.all.model_copy(update={"histogram": weighted})})
    chart = charts.plot_feature(found.model_copy(update={"features": (feature,)}), "m_$T$")
    (points,) = containers(chart, ErrorbarContainer)
    (ours,) = (patch for patch in chart.axes[0].patches if isinstance(patch, StepPatch))
    np.testing.assert_allclose(points.lines[0].get_ydata(), np.array([20, 20, 20]) / 90)
    np.testing.assert_allclose(ours.get_data().values, np.array([50, 30, 10]) / 90)


def test_an_unknown_feature_is_refused_with_the_known_ones():
    with pytest.raises(BadRequest, match="m_"):
        charts.plot_feature(exploration(), "phi")


def test_correlations_leave_a_gap_where_there_is_none():
    image = charts.plot_correlations(exploration()).axes[0].images[0].get_array()
    assert image[0, 0] == 1
    assert np.isnan(np.asarray(image.filled(np.nan))[0, 1])


def test_a_chart_shows_itself_in_a_notebook_and_opens_no_window():
    import matplotlib.pyplot as plt

    chart = charts.plot_feature(exploration(), "m_$T$")
    assert chart._repr_png_().startswith(b"\x89PNG")
    assert plt.get_fignums() == []


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    import matplotlib as mpl

    def settings() -> dict[str, object]:
        return {name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"}  # found out on first use

    before = settings()
    charts.plot_roc({"m": BINARY})._repr_png_()
    assert settings() == before
