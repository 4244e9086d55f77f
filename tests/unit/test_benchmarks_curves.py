"""What the suites compute from their runs: the ideal packing, the growth of memory, the curves."""

from dataclasses import replace

import pytest
from benchmarks import memory, packing, plots
from benchmarks.own import Trained
from benchmarks.results import Machine, SuiteResult

from eventsieve.records import ModelSpec, ModelState, State

STATE = ModelState(spec=ModelSpec(type="LogReg"), seed=0, state=State.TRAINED)
MACHINE = Machine(2, "a processor", 8.0, "a system", "3.11", {}, "2026-01-01T00:00:00+00:00", 0.0)
RESULT = SuiteResult(
    "growing",
    "How it grows",
    "",
    (
        plots.point("training", "LogReg", 10_000, 0.5, "s"),
        plots.point("training", "type, with a comma", 10_000, 1.5, "s"),
        plots.point("training", "LogReg", 2_000_000, 50.0, "s"),
        plots.point("throughput", "answers", 64, 800.0, "1/s"),
    ),
    {},
    MACHINE,
)


def trained(seconds: float, processor_seconds: float) -> Trained:
    return Trained(STATE, seconds, processor_seconds)


def test_the_ideal_packing_is_bound_by_the_longest_model() -> None:
    assert packing.ideal([trained(9.0, 9.0), trained(2.0, 2.0), trained(1.0, 1.0)], cores=2) == 9.0


def test_the_ideal_packing_is_bound_by_the_work_of_all() -> None:
    # Three of them on two cores; each was alone on both of these.
    assert packing.ideal([trained(4.0, 8.0), trained(4.0, 8.0), trained(4.0, 4.0)], cores=2) == 10.0


def test_memory_that_rises_by_one_at_each_repeat_grows_by_their_number() -> None:
    assert memory.growth([100.0 + repeat for repeat in range(50)]) == pytest.approx(50.0)


def test_memory_that_settles_is_flat() -> None:
    assert memory.growth([200.0, 300.0, *[310.0] * 48]) == pytest.approx(0.0)


def test_curves_come_back_from_the_names_of_the_measurements() -> None:
    found = plots.curves(RESULT)
    assert found["training"] == {
        "LogReg": [(10_000, 0.5), (2_000_000, 50.0)],
        "type, with a comma": [(10_000, 1.5)],
    }
    assert found["throughput"] == {"answers": [(64, 800.0)]}
    assert found["models"] == {}


def test_more_answers_are_better_and_more_seconds_are_not() -> None:
    assert [each.better for each in RESULT.measurements] == ["less", "less", "less", "more"]


def test_what_is_no_point_is_named() -> None:
    odd = replace(RESULT.measurements[0], what="something else")
    with pytest.raises(ValueError, match="something else"):
        plots.curves(replace(RESULT, measurements=(odd,)))


def test_each_picture_has_a_name_and_a_text() -> None:
    lines = plots.images().splitlines()
    assert len(lines) == len(plots.FIGURES)
    assert all(
        line.endswith(f"(images/performance-{name}.svg)") for line, name in zip(lines, plots.FIGURES, strict=True)
    )
