"""Simulated events: the table that they make, and whether their physics is sensible."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from eventsieve.domain.events import check
from eventsieve.domain.kinematics import DERIVED, PRIMITIVES, Floats, derive, total
from eventsieve.domain.schema import load_schema
from eventsieve.domain.simulation import PROCESSES, collisions, simulate
from eventsieve.domain.simulation.collisions import Collision, gluon_fusion, top_pair, vector_boson_fusion, z_boson

SCHEMA = load_schema("atlas-higgs-2014")
ARROW = {"int64": pa.int64(), "float64": pa.float64(), "object": pa.string()}


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return simulate(6000, seed=1)


@pytest.fixture(scope="module")
def columns(table: pa.Table) -> dict[str, Floats]:
    """The features, NaN where not defined."""
    values = {name: table[name].to_numpy().astype(np.float64) for name in SCHEMA.feature_names}
    return {name: np.where(column == -999.0, np.nan, column) for name, column in values.items()}


@pytest.fixture(scope="module")
def signal(table: pa.Table) -> np.ndarray:
    return np.array(table["Label"].to_pylist()) == "s"


def test_columns_order_and_types_are_the_schema_s(table: pa.Table) -> None:
    assert table.schema == pa.schema([(column.name, ARROW[column.dtype]) for column in SCHEMA.columns])
    assert table["EventId"].to_pylist() == list(range(100_000, 106_000))
    assert not any(column.null_count for column in table.columns)
    assert set(table["Label"].to_pylist()) == {"s", "b"}


def test_a_simulated_table_passes_the_check_of_its_schema(table: pa.Table) -> None:
    assert len(check(table, SCHEMA, labels="required")) == 6000


def test_the_same_seed_gives_the_same_events() -> None:
    one = simulate(500, seed=7, first_id=1)
    assert one.equals(simulate(500, seed=7, first_id=1))
    assert one["EventId"].to_pylist() == list(range(1, 501))
    other = simulate(500, seed=8, first_id=1)
    assert np.mean(one["PRI_met"].to_numpy() == other["PRI_met"].to_numpy()) < 0.01


def test_labels_say_nothing_in_the_order_of_events(signal: np.ndarray) -> None:
    assert signal[:3000].mean() == pytest.approx(signal[3000:].mean(), abs=0.05)


@pytest.mark.parametrize("events", [50, 6000])
def test_weights_sum_to_what_is_expected_at_any_size(events: int) -> None:
    made = simulate(events, seed=2)
    weights, label = made["Weight"].to_numpy(), np.array(made["Label"].to_pylist())
    assert weights[label == "s"].sum() == pytest.approx(691.99)
    assert weights[label == "b"].sum() == pytest.approx(410_999.85)
    assert weights.min() > 0
    assert (label == "s").mean() == pytest.approx(0.343, abs=0.5 / events + 0.001)


def test_shares_make_a_whole() -> None:
    assert sum(process.share for process in PROCESSES) == pytest.approx(1.0)


@pytest.mark.parametrize(("events", "seed"), [(0, 0), (-5, 0), (10, -1)])
def test_nonsense_is_refused(events: int, seed: int) -> None:
    with pytest.raises(ValueError, match="at least one event and a seed of 0 or more"):
        simulate(events, seed)


@pytest.mark.parametrize("events", [1, 2, 7])
def test_tables_may_be_tiny(events: int) -> None:
    assert len(simulate(events)) == events


def test_selection(columns: dict[str, Floats]) -> None:
    assert columns["PRI_tau_pt"].min() >= 20.0
    assert columns["PRI_lep_pt"].min() >= 26.0
    assert np.nanmin(columns["PRI_jet_subleading_pt"]) >= 30.0
    for name, limit in (("PRI_tau_eta", 2.5), ("PRI_lep_eta", 2.5), ("PRI_jet_leading_eta", 4.5)):
        assert np.nanmax(np.abs(columns[name])) <= limit
    assert columns["DER_deltar_tau_lep"].min() >= 0.4
    for name in PRIMITIVES:
        if name.endswith("phi"):
            assert np.nanmax(np.abs(columns[name])) <= 3.142


def test_jets_are_counted_ordered_and_summed(columns: dict[str, Floats]) -> None:
    number, first, second = (columns[f"PRI_jet_{name}"] for name in ("num", "leading_pt", "subleading_pt"))
    assert set(number) == {0.0, 1.0, 2.0, 3.0}
    np.testing.assert_array_equal(np.isnan(first), number < 1)
    np.testing.assert_array_equal(np.isnan(second), number < 2)
    assert np.all((first >= second)[number >= 2])
    known = np.nan_to_num(first) + np.nan_to_num(second)
    np.testing.assert_allclose(columns["PRI_jet_all_pt"][number < 3], known[number < 3], atol=0.0021)
    assert np.all((columns["PRI_jet_all_pt"] - known)[number == 3] >= 29.99)


def test_derived_features_belong_to_the_primitives(table: pa.Table, columns: dict[str, Floats]) -> None:
    derived = derive({name: columns[name] for name in PRIMITIVES})
    for name in DERIVED[1:]:
        np.testing.assert_array_equal(np.isnan(derived[name]), np.isnan(columns[name]), err_msg=name)
        off = np.abs(derived[name] - columns[name]) / (100.0 + np.abs(columns[name]))
        assert np.nanquantile(off, 0.99) < 0.002, name
    values = np.column_stack([table[name].to_numpy() for name in SCHEMA.feature_names])
    np.testing.assert_allclose(values, values.round(3), atol=1e-12)


@pytest.mark.parametrize(("produce", "mass"), [(gluon_fusion, 125.0), (vector_boson_fusion, 125.0), (z_boson, 91.2)])
def test_bosons_recoil_against_what_is_radiated(
    monkeypatch: pytest.MonkeyPatch, produce: Callable[[np.random.Generator, int], Collision], mass: float
) -> None:
    """With taus that give all to what is visible, nothing is missing, and the pair has the boson's mass."""
    for name in ("leptonic_fraction", "hadronic_fraction"):
        monkeypatch.setattr(collisions, name, lambda _, helicity: np.ones_like(helicity))
    collision = produce(np.random.default_rng(3), 500)
    whole = total(collision.tau, collision.lepton)
    assert np.median(whole.mass) == pytest.approx(mass, abs=0.3)
    for axis, part in enumerate((whole.px, whole.py)):
        np.testing.assert_allclose(part + collision.jets.recoil[axis] + collision.soft[axis], 0.0, atol=1e-6)


def test_neutrinos_take_their_part() -> None:
    collision = gluon_fusion(np.random.default_rng(3), 500)
    assert total(collision.tau, collision.lepton).mass.max() < 125.0 + 1e-6


def test_tagged_bottom_jets_are_vetoed() -> None:
    """Two bottom quarks of 70 % efficiency leave about a third of central top pairs, or a little more."""
    assert 0.1 < len(top_pair(np.random.default_rng(3), 4000).soft[0]) / 4000 < 0.5


def test_masses_stand_where_the_bosons_are(columns: dict[str, Floats], signal: np.ndarray) -> None:
    mass = columns["DER_mass_MMC"]
    assert np.nanmedian(mass[signal]) == pytest.approx(121.0, abs=6.0)
    assert np.isnan(mass[signal]).mean() < 0.12
    assert 0.15 < np.isnan(mass[~signal]).mean() < 0.45
    assert np.nanmedian(columns["DER_mass_transverse_met_lep"][signal]) < 35.0
    assert np.nanmedian(columns["DER_mass_transverse_met_lep"][~signal]) > 45.0


def test_forward_jets_mark_the_signal(columns: dict[str, Floats], signal: np.ndarray) -> None:
    apart = columns["DER_deltaeta_jet_jet"]
    assert np.nanmedian(apart[signal]) > 1.5 * np.nanmedian(apart[~signal])
