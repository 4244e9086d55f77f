"""The page of exploratory analysis, over the real application."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from eventsieve.errors import NotReady, ServerUnreachable
from eventsieve.records import ClassCorrelations, Correlations, Exploration
from eventsieve.web.pages import eda
from eventsieve.web.places import Place
from eventsieve.web.widgets.eda.features import PAGE, chosen, groups
from eventsieve.web.widgets.eda.tablefit import misfits
from web.appt import alerts, open_page, run, texts
from web.fakes import FakeClient


def live(client: FakeClient, **query: str) -> AppTest:
    """The live view, once all is computed."""
    app = open_page(Place.EDA, client=client, query={"view": "live"} | query)
    for _ in range(60):
        if "being computed" not in texts(app):
            return app
        run(app)
    raise AssertionError(texts(app))


def charts(app: AppTest) -> list[str]:
    return [each.proto.id for each in app.get("plotly_chart")]


def test_two_ways_in_and_back() -> None:
    app = open_page(Place.EDA, client=FakeClient.filled())
    labels = [button.label for button in app.button]
    assert {"Download PDF", "Live EDA"} <= set(labels)
    next(button for button in app.button if button.label == "Live EDA").click()
    run(app)
    assert app.query_params["view"] == "live"
    next(button for button in app.button if button.label == "Back").click()
    run(app)
    assert "view" not in app.query_params
    assert "Live EDA" in [button.label for button in app.button]


def test_all_plots_in_order() -> None:
    client = FakeClient.filled()
    app = live(client, dataset=client.labelled.id, against=client.unlabelled.id)
    titles = [each.value for each in app.header]
    assert titles == [
        "Findings",
        "Classes and weights",
        "Features",
        "Missing values",
        "Correlations",
        "Drift between the tables",
        "Separation",
    ]
    assert sum("histogram_" in name for name in charts(app)) == PAGE
    assert any("The tables fit" in str(each.value) for each in app.success)
    assert not alerts(app)


def test_a_cut_in_the_address_is_counted_and_can_be_cleared() -> None:
    client = FakeClient.filled()
    app = live(client, dataset=client.labelled.id, cut="PRI_jet_num >= 2 and DER_mass_MMC > 0")
    found = client.labelled.explore(cut="PRI_jet_num >= 2 and DER_mass_MMC > 0", detail="histograms")
    assert f"**{found.table.events:,} of {client.labelled.events:,} events** pass the cut" in texts(app)
    app.button(key="cut_part_0").click()
    run(app)
    assert app.query_params["cut"] == "DER_mass_MMC > 0"
    app.button(key="cut_clear").click()
    run(app)
    assert "cut" not in app.query_params
    assert "pass the cut" not in texts(app)


def test_a_condition_is_added_by_the_form() -> None:
    client = FakeClient.filled()
    app = live(client, dataset=client.labelled.id, cut="PRI_jet_num >= 2")
    app.selectbox(key="cut_feature").set_value("DER_mass_vis")
    app.selectbox(key="cut_operator").set_value("<")
    app.number_input(key="cut_value").set_value(75.5)
    next(button for button in app.button if button.label == "Add").click()
    run(app)
    assert app.query_params["cut"] == "PRI_jet_num >= 2 and DER_mass_vis < 75.5"
    assert app.text_input(key="cut_text").value == "PRI_jet_num >= 2 and DER_mass_vis < 75.5"


@pytest.mark.parametrize(
    ("cut", "says"), [("PRI_jet_nim > 1", "PRI\\_jet\\_num"), ("PRI_jet_num >", "ends too early"), ("(", "too early")]
)
def test_a_wrong_cut_is_told_at_its_field(cut: str, says: str) -> None:
    client = FakeClient.filled()
    app = live(client, dataset=client.labelled.id, cut=cut)
    assert any(says in text for text in alerts(app)), alerts(app)
    assert app.button(key="cut_clear")
    assert not charts(app)


def test_a_cut_that_nothing_passes() -> None:
    client = FakeClient.filled()
    app = live(client, dataset=client.labelled.id, cut="DER_mass_MMC > 1e9")
    assert "No event passes" in texts(app)
    assert not charts(app)


def test_without_a_data_set_it_says_what_to_do() -> None:
    app = open_page(Place.EDA, client=FakeClient.empty(), query={"view": "live"})
    assert "use the simulated sample" in texts(app)
    assert not charts(app)


def test_a_server_that_is_down_is_told() -> None:
    client = FakeClient(failing=ServerUnreachable("http://127.0.0.1:9", "refused"))
    app = open_page(Place.EDA, client=client, query={"view": "live"})
    assert any("127" in text for text in alerts(app))


def test_the_report_that_is_not_there_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient.filled()

    def later(_: Any) -> None:
        raise NotReady("The report is being made.", 2)

    monkeypatch.setattr(client, "report", later)
    app = open_page(Place.EDA, client=client, query={"view": "pdf"})
    assert "appears here by itself" in texts(app)
    monkeypatch.undo()
    monkeypatch.setattr(client, "report", lambda path: path.write_bytes(b"%PDF-1.4"))
    run(app)
    assert "appears here by itself" not in texts(app)
    assert app.get("link_button")[0].proto.url == "files/report.pdf"


@pytest.fixture(scope="module")
def explored() -> Exploration:
    found: Exploration = FakeClient.filled().labelled.explore(detail="histograms")
    return found


def test_features_are_chosen_by_group_text_and_order(explored: Exploration) -> None:
    assert groups(explored.features) == ["all", "DER_", "PRI_"]
    names = [each.column.name for each in chosen(explored, order="schema", group="all", search="")]
    assert names == [each.column.name for each in explored.features]
    ranked = chosen(explored, order="separation", group="PRI_", search=" MET ")
    assert {each.column.name for each in ranked} >= {"PRI_met", "PRI_met_phi"}
    powers = [each.separation.power or 0.0 for each in ranked if each.separation]
    assert powers == sorted(powers, reverse=True)
    assert len(chosen(explored, order="separation", group="all", search="")) == len(explored.features)


def test_columns_that_do_not_fit_are_named() -> None:
    client = FakeClient.filled()
    first, second = client.labelled, client.unlabelled
    assert misfits(first, second) == []
    columns = tuple(
        column.model_copy(update={"dtype": "float64"}) if column.name == "PRI_jet_num" else column
        for column in second.columns
        if column.name != "DER_mass_MMC"
    )
    found = misfits(first, second.model_copy(update={"columns": columns}))
    assert [(each.column, each.first, each.second) for each in found] == [
        ("DER_mass_MMC", "float64", None),
        ("PRI_jet_num", "int64", "float64"),
    ]


def test_classes_are_called_as_they_are_and_never_markdown(
    explored: Exploration, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = ("![i](http://elsewhere/i.png)", "all events")
    count = len(explored.features)
    matrix = tuple((1.0,) * count for _ in range(count))
    found = explored.model_copy(
        update={
            "detail": "all",
            "correlations": Correlations(
                features=tuple(each.column.name for each in explored.features),
                all=matrix,
                classes=tuple(ClassCorrelations(label=label, matrix=matrix) for label in labels),
                against=None,
            ),
        }
    )
    monkeypatch.setattr(eda, "first_of", lambda *_: found)
    client = FakeClient.filled()
    app = open_page(Place.EDA, client=client, query={"dataset": client.labelled.id})
    shown = [each.content for each in app.segmented_control(key="correlations_of").proto.options]
    assert shown == ["All events", r"\!\[i\]\(http\://elsewhere/i\.png\)", "all events"]
