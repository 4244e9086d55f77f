"""The pictures of the curves."""

from benchmarks import plots
from benchmarks.results import Machine, SuiteResult

MACHINE = Machine(2, "a processor", 8.0, "a system", "3.11", {}, "2026-01-01T00:00:00+00:00", 0.0)


def result(*measurements):
    return SuiteResult("growing", "How it grows", "", measurements, {}, MACHINE)


def test_a_picture_is_drawn_for_each_figure_with_points_and_is_the_same_each_time(tmp_path):
    drawn = result(
        plots.point("training", "LogReg", 10_000, 0.5, "s"),
        plots.point("training", "LogReg", 100_000, 5.0, "s"),
        plots.point("models", "Eventsieve", 1, 2.0, "s"),
        plots.point("models", "ideal packing", 1, 1.0, "s"),
    )
    first, second = plots.draw(drawn, tmp_path / "a"), plots.draw(drawn, tmp_path / "b")
    assert [path.name for path in first] == ["performance-training.svg", "performance-models.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    text = first[1].read_text()
    assert "ideal packing" in text and "job / s" in text  # noqa: PT018 - one picture
    assert len(text) < 100_000
