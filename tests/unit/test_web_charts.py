"""The page's charts show the numbers of the records that they are drawn from."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest

from evaluations import evaluation
from eventsieve.domain.events import Events, check
from eventsieve.domain.exploration import explore
from eventsieve.domain.schema import load_schema
from eventsieve.domain.simulation import simulate
from eventsieve.palette import BACKGROUND, SIGNAL
from eventsieve.records import (
    Calibration,
    Column,
    Comparison,
    Difference,
    Evaluation,
    Exploration,
    Importance,
    Schema,
    Score,
)
from eventsieve.web.charts import comparisons, correlations, curves, cuts, features, rankings, scores, style

BINARY = evaluation()
SEVERAL = evaluation(("dy", "htautau", "ttbar", "ww"), "htautau")
EQUALS = evaluation(("dy", "ttbar", "ww"), None)
BARE = BINARY.model_copy(
    update={
        "curves": (),
        "ams": None,
        "signal": None,
        "distributions": (),
        "overtraining": (),
        "verdict": "not tested",
        "importance": (),
        "left_out": ("There was <b>no time</b> for it.",),
    }
)
MARKUP = '<b>x</b> & "y" %{x}'


@pytest.fixture(scope="module")
def events() -> Events:
    return check(simulate(3_000, seed=1), load_schema("atlas-higgs-2014"), labels="explore")


@pytest.fixture(scope="module")
def found(events: Events) -> Exploration:
    return explore(events, bins=30)


@pytest.fixture(scope="module")
def compared(events: Events) -> Exploration:
    second = check(simulate(1_000, seed=2, first_id=900_000), events.schema, labels="explore")
    shifted = np.array(second.features)
    shifted[:, 1] *= 1.5
    return explore(events, dataclasses.replace(second, features=shifted), bins=30)


def traces(figure: go.Figure) -> dict[str, go.Scatter]:
    """By their names in the legend."""
    return {trace.name: trace for trace in figure.data if trace.name and trace.showlegend is not False}


def said(figure: go.Figure) -> str:
    """What a figure without data says."""
    assert not figure.data
    return str(figure.layout.annotations[0].text).replace("<br>", " ")


def feature(found: Exploration, name: str) -> features.ExploredFeature:
    return next(each for each in found.features if each.column.name == name)


def test_the_roc_curve_is_the_records_and_its_interval_the_scores():
    known = {"forest": [Score(name="roc_auc", value=0.8765, low=0.871, high=0.8822, weighted=True)]}
    figure = curves.roc({"forest": BINARY}, scores=known)
    line = traces(figure)["forest  AUC 0.876 [0.871, 0.882]"]
    assert tuple(line.x) == BINARY.curves[0].roc.background
    assert tuple(line.y) == BINARY.curves[0].roc.signal
    assert line.line.color == SIGNAL
    assert (line.x[0], line.y[0], line.x[-1], line.y[-1]) == (0.0, 0.0, 1.0, 1.0)


def test_rejection_is_one_less_the_backgrounds_efficiency():
    figure = curves.roc({"forest": BINARY}, rejection=True)
    line = traces(figure)["forest  AUC 0.876"]
    assert tuple(line.x) == BINARY.curves[0].roc.signal
    np.testing.assert_allclose(line.y, 1 - np.asarray(BINARY.curves[0].roc.background))
    assert "rejection" in figure.layout.yaxis.title.text
    assert figure.layout.xaxis.title.text.startswith("Signal efficiency")


def test_zoomed_axes_end_at_the_wished_background():
    wide = curves.roc({"m": BINARY}, zoom=0.1).layout
    assert wide.xaxis.range == (0, 0.1)
    inside = [s for s, b in zip(BINARY.curves[0].roc.signal, BINARY.curves[0].roc.background, strict=True) if b <= 0.1]
    assert inside[-1] < wide.yaxis.range[1] < 1.1 * inside[-1]
    assert curves.roc({"m": BINARY}, zoom=0.1, rejection=True).layout.yaxis.range[0] == 0.9


def test_models_are_told_apart_by_colour_and_dash_and_never_look_like_signal_or_background():
    drawn = [line for line in curves.roc(dict.fromkeys("abcdef", BINARY)).data if line.name]
    assert [line.name[0] for line in drawn] == list("abcdef")
    colours = [line.line.color for line in drawn]
    assert len(set(colours)) == 6
    assert not {SIGNAL, BACKGROUND} & set(colours)
    assert len({(line.line.color, line.line.dash) for line in drawn}) == 6


def test_each_of_several_classes_has_its_curve_in_its_colour():
    drawn = traces(curves.roc({"m": SEVERAL}))
    assert [name.split("  ")[0] for name in drawn] == list(SEVERAL.classes)
    assert next(line.line.color for name, line in drawn.items() if name.startswith("htautau")) == SIGNAL


def test_of_several_models_with_several_classes_only_the_signal_is_drawn():
    drawn = traces(curves.precision_recall({"first": SEVERAL, "second": SEVERAL}))
    assert [name.split("  ")[0] for name in drawn] == ["first htautau", "second htautau"]
    assert len({line.line.dash for line in drawn.values()}) == 2
    assert len(traces(curves.roc({"first": EQUALS, "second": EQUALS}))) == 6


def test_precision_recall_is_the_records():
    line = traces(curves.precision_recall({"m": BINARY}))["m  AP 0.700"]
    assert tuple(line.x) == BINARY.curves[0].precision_recall.recall
    assert tuple(line.y) == BINARY.curves[0].precision_recall.precision
    assert line.line.shape == "hv"


def test_calibration_is_the_records_with_its_errors():
    bins = Calibration(predicted=(0.1, 0.9), observed=(0.2, 0.8), uncertainty=(0.05, 0.04), events=(10, 12_345))
    known = BINARY.model_copy(update={"curves": (BINARY.curves[0].model_copy(update={"calibration": bins}),)})
    line = traces(curves.calibration(known))["signal (s)"]
    assert (tuple(line.x), tuple(line.y), tuple(line.error_y.array)) == (bins.predicted, bins.observed, (0.05, 0.04))
    assert line.customdata[1] == "12,345"
    assert "no probabilities" in said(curves.calibration(BINARY))


def test_scores_are_the_records_in_the_classes_colours():
    figure = scores.scores(BINARY)
    drawn = traces(figure)
    assert list(drawn) == [
        "background (b), training",
        "background (b), validation",
        "signal (s), training",
        "signal (s), validation",
    ]
    for one, colour in zip(BINARY.distributions, (BACKGROUND, SIGNAL), strict=True):
        area, points = (trace for trace in figure.data if f"({one.label})" in trace.name)
        assert tuple(area.x) == one.edges
        assert tuple(area.y[:-1]) == one.train
        assert area.fill == "tozeroy"
        assert tuple(points.y) == one.validation
        assert tuple(points.error_y.array) == one.validation_error
        assert {area.line.color, points.marker.color} == {colour}
    assert figure.layout.xaxis.title.text == "Probability of signal (s)"
    assert figure.layout.yaxis.type != "log"
    assert scores.scores(BINARY, log=True).layout.yaxis.type == "log"


def test_scores_that_are_no_probabilities_are_not_called_so():
    decisions = BINARY.model_copy(update={"probabilities": False})
    assert scores.scores(decisions).layout.xaxis.title.text == "Score of signal (s)"
    assert cuts.efficiencies(decisions).layout.xaxis.title.text.startswith("Cut on the score of signal (s)")


def test_scores_of_several_classes_have_axes_each_and_training_may_be_unknown():
    unknown = {"train": (), "train_error": ()}
    half = [each.model_copy(update=unknown) for each in SEVERAL.distributions]
    figure = scores.scores(SEVERAL.model_copy(update={"distributions": tuple(half)}))
    assert [trace.name for trace in figure.data] == [f"{name}, validation" for name in SEVERAL.classes]
    assert len({trace.xaxis for trace in figure.data}) == 4
    assert figure.layout.xaxis4.title.text == "Probability of ww"


def test_overtraining_is_told_with_its_numbers_and_nothing_becomes_markdown():
    first, second = scores.overtraining_lines(BINARY)
    assert first == "**No sign of overtraining.** No p\\-value is below 0\\.05\\."
    assert second == r"background \(b\): Kolmogorov-Smirnov distance 0.0213, p = 0.431 (999 permutations)"


def test_significance_has_band_best_and_chosen_cut():
    ams = BINARY.ams
    assert ams is not None
    figure = cuts.significance(BINARY, 0.25)
    drawn = traces(figure)
    assert list(drawn) == ["± 1 standard deviation", "AMS", "best cut 0.8: 2.34 ± 0.12", "chosen cut 0.25"]
    assert tuple(drawn["AMS"].y) == ams.ams
    np.testing.assert_allclose(drawn["± 1 standard deviation"].y, np.add(ams.ams, ams.uncertainty))
    assert set(drawn["best cut 0.8: 2.34 ± 0.12"].x) == {0.8}
    assert set(drawn["chosen cut 0.25"].x) == {0.25}
    assert "s = 692, b = 411,000" in figure.layout.xaxis.title.text


def test_significance_without_replicas_has_no_band():
    assert BINARY.ams is not None
    quick = BINARY.ams.model_copy(update={"uncertainty": (), "best_uncertainty": None})
    figure = cuts.significance(BINARY.model_copy(update={"ams": quick}))
    assert list(traces(figure)) == ["AMS", "best cut 0.8: 2.34"]


def test_efficiencies_are_the_records_with_a_gap_where_nothing_is_selected():
    curve = BINARY.curves[0]
    none = curve.cuts.model_copy(update={"purity": (*curve.cuts.purity[:-1], None)})
    gap = BINARY.model_copy(update={"curves": (curve.model_copy(update={"cuts": none}),)})
    drawn = traces(cuts.efficiencies(gap, 0.4))
    assert tuple(drawn["signal efficiency"].y) == curve.cuts.signal_efficiency
    assert drawn["signal efficiency"].line.color == SIGNAL
    assert drawn["background efficiency"].line.color == BACKGROUND
    assert drawn["purity"].y[-1] is None
    assert set(drawn["chosen cut 0.4"].x) == {0.4}
    assert len(cuts.efficiencies(SEVERAL).data) == 3 * 4


def test_importance_is_ranked_with_its_errors_and_zero_is_in_sight():
    figure = rankings.importance(BINARY)
    bar = figure.data[0]
    assert tuple(bar.y) == tuple(each.feature for each in BINARY.importance)
    assert tuple(bar.x) == tuple(each.drop for each in BINARY.importance)
    assert tuple(bar.error_x.array) == (0.01,) * 12
    assert figure.layout.yaxis.autorange == "reversed"
    assert len(rankings.importance(BINARY, 5).data[0].x) == 5


def test_confusion_is_in_shares_of_the_true_class():
    cells = rankings.confusion(SEVERAL).data[0]
    rows = np.asarray(SEVERAL.confusion)
    np.testing.assert_allclose(cells.z, rows / rows.sum(axis=1, keepdims=True))
    assert list(cells.text[0]) == ["0.0%", "16.7%", "33.3%", "50.0%"]
    assert rankings.confusion(BINARY.model_copy(update={"confusion": ((0.0, 0.0), (1.0, 3.0))})).data[0].z[0] == [0, 0]


def test_what_is_not_known_is_said_in_a_sentence():
    assert "nothing was evaluated" in said(curves.roc({"m": BARE}))
    assert "nothing was evaluated" in said(curves.precision_recall({}))
    assert "nothing was evaluated" in said(cuts.efficiencies(BARE))
    assert "no class" in said(cuts.significance(BARE))
    assert said(rankings.importance(BARE)).endswith("There was &lt;b&gt;no time&lt;/b&gt; for it.")
    assert "no score distributions" in said(scores.scores(BARE))
    assert len(scores.overtraining_lines(BARE)) == 1


def comparison() -> Comparison:
    def rows(auc: float) -> tuple[Score, ...]:
        return (
            Score(name="roc_auc", value=auc - 0.1, weighted=False),
            Score(name="roc_auc", value=auc, low=auc - 0.01, high=auc + 0.02, weighted=True),
            Score(name="accuracy", value=0.8, weighted=False),
            Score(name="ams", value=3.5, low=3.0, high=4.0, weighted=True),
        )

    def difference(first: str, second: str, value: float, better: str | None) -> Difference:
        low, high = value - 0.05, value + 0.05
        numbers = {"value": value, "low": low, "high": high, "p_value": 0.01}
        pair = {"first": first, "second": second, "better": better}
        return Difference(name="roc_auc", weighted=True, replicas=250, **pair, **numbers)

    return Comparison(
        dataset="d",
        events=2_500,
        seen=0,
        scores={"a": rows(0.9), "b": rows(0.85), MARKUP: rows(0.7)},
        differences=(difference("a", "b", 0.05, None), difference("a", MARKUP, 0.2, "a")),
        mcnemar=(),
        ranking=("a", "b", MARKUP),
        verdict="a is best.",
    )


def test_bars_are_the_scores_by_model_with_their_intervals():
    figure = comparisons.bars(comparison(), ["roc_auc", "accuracy", "ams", "nothing", "roc_auc"], weighted=True)
    first = figure.data[0]
    assert first.name == "a"
    assert (tuple(first.x), tuple(first.y)) == (("roc_auc", "accuracy"), (0.9, 0.8))
    np.testing.assert_allclose(first.error_y.array, [0.02, 0.0], atol=1e-12)
    np.testing.assert_allclose(first.error_y.arrayminus, [0.01, 0.0], atol=1e-12)
    assert [bar.name for bar in figure.data if bar.showlegend] == ["a", "b", style.shown(MARKUP)]
    assert [tuple(bar.y) for bar in figure.data if tuple(bar.x) == ("ams",)] == [(3.5,)] * 3
    assert figure.data[-1].yaxis != first.yaxis
    assert figure.layout.xaxis.labelalias == {"roc_auc": "ROC AUC", "accuracy": "Accuracy"}
    unweighted = comparisons.bars(comparison(), ["roc_auc"], weighted=False)
    assert unweighted.data[0].y[0] == pytest.approx(0.8)
    assert "None of these" in said(comparisons.bars(comparison(), ["nothing"], weighted=True))


def test_differences_have_their_intervals_and_the_significant_are_marked():
    figure = comparisons.differences(comparison(), "roc_auc")
    drawn = traces(figure)
    marked, chance = drawn["significant (95 %)"], drawn["may be chance"]
    assert (tuple(marked.x), tuple(marked.y)) == ((0.2,), (1,))
    assert (tuple(chance.x), tuple(chance.y)) == ((0.05,), (0,))
    np.testing.assert_allclose([marked.error_x.array[0], marked.error_x.arrayminus[0]], 0.05)
    assert marked.marker.symbol != chance.marker.symbol
    assert [note.text.split(" ")[0] for note in figure.layout.annotations] == ["a", "a"]
    assert "fewer than two" in said(comparisons.differences(comparison(), "ams"))


@pytest.mark.parametrize("normalised", [True, False])
def test_a_features_histogram_is_the_records(found: Exploration, *, normalised: bool):
    mass = feature(found, "DER_mass_MMC")
    figure = features.feature_histogram(
        mass, schema=found.event_schema, normalised=normalised, log=False, against=False
    )
    drawn = traces(figure)
    assert [trace.line.color for trace in drawn.values()] == [BACKGROUND, SIGNAL]
    for sample, area in zip(mass.classes, drawn.values(), strict=True):
        total = sample.histogram.total if normalised else 1.0
        assert tuple(area.x) == mass.edges
        assert sum(area.y[:-1]) == pytest.approx(sum(sample.histogram.sums) / total)
        points = next(t for t in figure.data if t.legendgroup == area.name and t.showlegend is False)
        np.testing.assert_allclose(points.error_y.array, np.asarray(sample.histogram.errors) / total)
    title = str(figure.layout.xaxis.title.text)
    assert title.startswith("DER_mass_MMC [GeV]<br>")
    assert f"undefined: {100 * mass.all.statistics.undefined:.1f}%" in title
    assert str(figure.layout.yaxis.title.text).startswith("Fraction / " if normalised else "Sum of weights / ")


def test_a_second_tables_histogram_is_points_and_counts_events_once(compared: Exploration):
    mass = feature(compared, "DER_mass_vis")
    assert mass.against is not None
    figure = features.feature_histogram(mass, schema=compared.event_schema, normalised=False, log=True, against=True)
    drawn = traces(figure)
    assert tuple(drawn["this data set"].y[:-1]) == mass.all.histogram.counts
    points = drawn["the second table"]
    assert points.mode == "markers"
    assert tuple(points.y) == mass.against.histogram.counts
    np.testing.assert_allclose(points.error_y.array, np.sqrt(mass.against.histogram.counts))
    assert figure.layout.yaxis.type == "log"
    alone = features.feature_histogram(mass, schema=compared.event_schema, normalised=True, log=False, against=False)
    assert list(traces(alone)) == ["background (b)", "signal (s)"]


def test_without_labels_and_weights_there_is_one_histogram_of_events(events: Events):
    plain = explore(dataclasses.replace(events, weight=None, target=None))
    figure = features.feature_histogram(
        plain.features[0], schema=plain.event_schema, normalised=False, log=False, against=True
    )
    assert list(traces(figure)) == ["this data set"]
    assert str(figure.layout.yaxis.title.text).startswith("Events / ")
    assert len(features.classes(plain).data) == 1
    assert "no separation" in said(features.separation(plain))


def test_classes_are_counted_and_weighed(found: Exploration):
    counts, sums = features.classes(found).data
    assert tuple(counts.x) == tuple(each.events for each in found.table.classes)
    assert tuple(sums.x) == tuple(each.weights.total for each in found.table.classes if each.weights)
    assert tuple(counts.marker.color) == (BACKGROUND, SIGNAL)
    assert sum(counts.x) == 3_000


def test_missing_is_ranked_and_of_both_tables(found: Exploration, compared: Exploration):
    bar = features.missing(found).data[0]
    assert list(bar.x) == sorted(bar.x, reverse=True)
    assert (
        dict(zip(bar.y, bar.x, strict=True))["DER_mass_MMC"] == feature(found, "DER_mass_MMC").all.statistics.undefined
    )
    assert min(bar.x) > 0
    assert list(traces(features.missing(compared))) == ["this data set", "the second table"]
    whole = found.model_copy(update={"features": (feature(found, "DER_mass_vis"),)})
    assert "defined for every event" in said(features.missing(whole))


def test_separation_is_ranked_beside_chance(found: Exploration):
    bar, chance = features.separation(found).data
    best = found.ranked()[0]
    assert best.separation is not None
    assert (bar.y[0], bar.x[0], chance.x[0]) == (best.column.name, best.separation.power, best.separation.chance)
    assert len(bar.y) == len(set(bar.y)) == 30


def test_drift_is_ranked_and_marked(found: Exploration, compared: Exploration):
    assert compared.drift is not None
    figure = features.drift(compared)
    drifted = traces(figure)["drifted"]
    assert tuple(drifted.y) == tuple(each.feature for each in compared.drift.ranked() if each.drifted)
    assert drifted.y[0] == compared.features[1].column.name
    line = traces(figure)["could not be noticed below"]
    assert set(line.x) == {compared.drift.sensitivity}
    assert "second table" in said(features.drift(found))
    assert "not computed" in said(features.drift(compared.model_copy(update={"drift": None})))


def test_correlations_are_the_records_from_minus_one_to_one(found: Exploration):
    assert found.correlations is not None
    cells = correlations.correlations(found, None).data[0]
    assert tuple(map(tuple, cells.z)) == found.correlations.all
    assert (cells.zmin, cells.zmax) == (-1, 1)
    assert tuple(cells.x) == found.correlations.features
    signal = correlations.correlations(found, "s").data[0]
    assert tuple(map(tuple, signal.z)) == found.correlations.classes[1].matrix
    assert "no correlations" in said(correlations.correlations(found, "neither"))
    assert "not computed" in said(correlations.correlations(found.model_copy(update={"correlations": None})))


def test_a_pair_without_a_coefficient_has_a_cross(found: Exploration):
    assert found.correlations is not None
    holed = found.correlations.model_copy(update={"features": ("a", "b"), "all": ((1.0, None), (None, 1.0))})
    figure = correlations.correlations(found.model_copy(update={"correlations": holed}))
    assert sorted(zip(figure.data[1].x, figure.data[1].y, strict=True)) == [("a", "b"), ("b", "a")]


def named(found: Exploration, name: str) -> Exploration:
    """With one feature of that name and unit."""
    one = found.features[0].model_copy(update={"column": Column(name=name, dtype="float64", unit="<i>u</i>")})
    return found.model_copy(update={"features": (one,)})


def test_names_are_text_and_no_markup(found: Exploration):
    strange = BINARY.model_copy(update={"importance": (Importance(feature=MARKUP, drop=0.1, uncertainty=0.01),)})
    one = named(found, MARKUP)
    schema = Schema(name="x", columns=())
    for figure in (
        curves.roc({MARKUP: BINARY, "b": BINARY}),
        comparisons.bars(comparison(), ["roc_auc"], weighted=True),
        comparisons.differences(comparison(), "roc_auc"),
        rankings.importance(strange),
        features.separation(one),
        features.missing(one),
        features.feature_histogram(one.features[0], schema=schema, normalised=True, log=False, against=False),
    ):
        drawn = json.loads(figure.to_json())
        # Categories are what labelalias is looked up by; everything else is drawn as it is.
        for trace in drawn["data"]:
            trace.pop("y", None)
            trace.pop("legendgroup", None)
        for axis in ("xaxis", "yaxis"):
            aliases = drawn["layout"][axis].pop("labelalias", {})
            drawn["layout"][axis].pop("categoryarray", None)
            assert not any("<b>" in alias for alias in aliases.values())
        assert "<b>x" not in json.dumps(drawn)
        assert "&lt;b&gt;x" in json.dumps(figure.to_dict(), default=str)


def test_a_name_is_never_a_template(found: Exploration):
    """Plotly fills %{…} in hover templates, in names too."""
    for figure in (curves.roc({MARKUP: BINARY, "b": BINARY}), features.separation(named(found, MARKUP))):
        for trace in figure.data:
            assert set(re.findall(r"%\{(.*?)\}", trace.hovertemplate or "")) <= {"x:.4f", "y:.4f", "customdata", "meta"}


def test_long_names_leave_room_for_the_data():
    assert style.shown("n" * 60, 26) == "n" * 25 + "…"
    assert style.aliases(["n" * 60, "short"]) == {"n" * 60: "n" * 25 + "…", "short": "short"}


def test_the_ninth_class_has_a_colour_and_no_class_is_too_dark_for_a_dark_page():
    colours = style.class_colours([f"c{n}" for n in range(9)], "c3")
    assert len(colours) == 9
    assert colours["c3"] == SIGNAL
    for colour in colours.values():
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        assert max(red, green, blue) > 0x80


@pytest.mark.parametrize("drawn", [BINARY, SEVERAL, EQUALS])
def test_every_figure_of_every_kind_of_evaluation_is_drawn_in_no_fixed_ink(drawn: Evaluation):
    every = [
        curves.roc({"m": drawn}),
        curves.roc({"m": drawn, "n": drawn}, zoom=0.2),
        curves.precision_recall({"m": drawn}),
        curves.calibration(drawn),
        scores.scores(drawn),
        scores.scores(drawn, log=True),
        cuts.significance(drawn),
        cuts.efficiencies(drawn, 0.5),
        rankings.importance(drawn),
        rankings.confusion(drawn),
    ]
    for figure in every:
        text = json.dumps(json.loads(figure.to_json())["data"]).lower()
        assert not re.search(r"#(000000|111111|ffffff|1b1f24)|\"(black|white)\"", text)
        assert figure.layout.paper_bgcolor is None
        assert figure.layout.font.color is None
        assert figure.layout.height >= 140
