"""The derived features, recomputed from the published primitives and compared with the published ones.

The published columns have three decimals: each input may be off by half a unit of the third, and so may the result.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyarrow import csv

from eventsieve.domain.kinematics import DERIVED, PRIMITIVES, Floats, derive

pytestmark = pytest.mark.real

ROUNDING = 0.0005 + 1e-9


@pytest.fixture(scope="module")
def published(request: pytest.FixtureRequest) -> dict[str, Floats]:
    folder: Path = request.getfixturevalue("real_data")
    table = csv.read_csv(folder / "higgsml_training_17889.csv.gz")
    columns = {name: table[name].to_numpy().astype(np.float64) for name in DERIVED + PRIMITIVES}
    return {name: np.where(values == -999.0, np.nan, values) for name, values in columns.items()}


@pytest.fixture(scope="module")
def primitives(published: dict[str, Floats]) -> dict[str, Floats]:
    return {name: published[name] for name in PRIMITIVES}


@pytest.fixture(scope="module")
def allowed(primitives: dict[str, Floats]) -> dict[str, Floats]:
    """How far each feature of each event may be from the published one, by the rounding of the inputs and its own.

    The changes that one rounded input can make are summed; random corners of the box of all inputs find the events
    where two together flip a sign.
    """
    nominal = derive(primitives)
    rounded = [name for name in PRIMITIVES if name != "PRI_jet_num"]
    sums = {name: np.full(values.shape, ROUNDING) for name, values in nominal.items()}
    for moved in rounded:
        sides = [derive(primitives | {moved: primitives[moved] + step}) for step in (-ROUNDING, ROUNDING)]
        for name, values in nominal.items():
            change = np.fmax(np.abs(sides[0][name] - values), np.abs(sides[1][name] - values))
            sums[name] += np.nan_to_num(change)
    rng = np.random.default_rng(1)
    for _ in range(16):
        corner = {name: primitives[name] + rng.choice([-ROUNDING, ROUNDING], len(primitives[name])) for name in rounded}
        for name, values in derive(primitives | corner).items():
            sums[name] = np.fmax(sums[name], np.abs(values - nominal[name]) + ROUNDING)
    return sums


# Tolerances of all but one in a hundred events; the medians are 0.0005 to 0.05.
TOLERANCE_99 = {
    "DER_mass_transverse_met_lep": 0.11,
    "DER_pt_h": 0.09,
    "DER_deltaeta_jet_jet": 0.0016,
    "DER_prodeta_jet_jet": 0.004,
    "DER_deltar_tau_lep": 0.002,
    "DER_pt_tot": 0.25,
    "DER_sum_pt": 0.0021,
    "DER_pt_ratio_lep_tau": 0.0007,
    "DER_met_phi_centrality": 0.013,
    "DER_lep_eta_centrality": 0.004,
}


def test_the_published_features_are_recomputed_to_the_rounding_of_their_inputs(
    published: dict[str, Floats], primitives: dict[str, Floats], allowed: dict[str, Floats]
) -> None:
    derived = derive(primitives)
    for name, largest in TOLERANCE_99.items():
        np.testing.assert_array_equal(np.isnan(derived[name]), np.isnan(published[name]), err_msg=name)
        there = ~np.isnan(published[name])
        off = np.abs(derived[name] - published[name])[there]
        assert np.all(off <= allowed[name][there]), (name, off.max())
        assert np.quantile(allowed[name][there], 0.99) <= largest, name


def massive(
    primitives: dict[str, Floats], names: tuple[str, str], masses: tuple[Floats | float, Floats | float]
) -> Floats:
    """Invariant mass of two particles that have masses."""
    energy, px, py, pz = (np.zeros(len(primitives["PRI_met"])) for _ in range(4))
    for name, mass in zip(names, masses, strict=True):
        pt, eta, phi = (primitives[f"PRI_{name}_{part}"] for part in ("pt", "eta", "phi"))
        energy = energy + np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
        px, py, pz = px + pt * np.cos(phi), py + pt * np.sin(phi), pz + pt * np.sinh(eta)
    return np.sqrt(energy**2 - px**2 - py**2 - pz**2)


def test_the_published_visible_mass_differs_by_the_mass_of_the_tau(
    published: dict[str, Floats], primitives: dict[str, Floats], allowed: dict[str, Floats]
) -> None:
    """The documentation has massless taus; the published numbers have 0.8 or 1.2 GeV (one or three charged tracks)."""
    derived, rounding = derive(primitives)["DER_mass_vis"], allowed["DER_mass_vis"]
    off = [np.abs(massive(primitives, ("tau", "lep"), (m, 0.0)) - published["DER_mass_vis"]) for m in (0.8, 1.2)]
    assert np.mean(np.minimum(*off) <= 1.05 * rounding + 0.002) > 0.999
    assert np.mean(np.abs(derived - published["DER_mass_vis"]) <= rounding) < 0.9
    assert np.abs(derived - published["DER_mass_vis"]).max() < 0.25


def test_the_published_dijet_mass_differs_by_the_masses_of_the_jets(
    published: dict[str, Floats], primitives: dict[str, Floats], allowed: dict[str, Floats]
) -> None:
    """The documentation has massless jets; the published numbers have masses of about 0.14 of the momentum."""
    there = ~np.isnan(published["DER_mass_jet_jet"])
    real, rounding = published["DER_mass_jet_jet"][there], allowed["DER_mass_jet_jet"][there]
    massless = derive(primitives)["DER_mass_jet_jet"]
    heavy = massive(
        primitives,
        ("jet_leading", "jet_subleading"),
        (0.5 * primitives["PRI_jet_leading_pt"], 0.5 * primitives["PRI_jet_subleading_pt"]),
    )
    np.testing.assert_array_equal(np.isnan(massless), ~there)
    assert np.all(massless[there] - rounding <= real)
    assert np.all(real <= heavy[there] + rounding)
    assert np.median(real / massless[there]) - 1 < 0.008


def test_the_collinear_mass_estimates_the_same_as_the_published_fit(
    published: dict[str, Floats], primitives: dict[str, Floats], allowed: dict[str, Floats]
) -> None:
    collinear = derive(primitives)["DER_mass_MMC"]
    fitted = published["DER_mass_MMC"]
    assert np.mean(np.isnan(collinear) == np.isnan(fitted)) > 0.93
    both = ~np.isnan(collinear) & ~np.isnan(fitted)
    assert 0.89 < np.median(collinear[both] / fitted[both]) < 1.0
    assert np.corrcoef(collinear[both], fitted[both])[0, 1] > 0.6
