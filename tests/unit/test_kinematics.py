"""The derived features, against closed formulas written out for one event at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eventsieve.domain.kinematics import DERIVED, MIN_FRACTION, PRIMITIVES, Floats, derive
from eventsieve.domain.schema import load_schema

ANGLES = {"eta": (-2.5, 2.5), "phi": (-math.pi, math.pi)}


def random_events(events: int = 300, seed: int = 5) -> dict[str, Floats]:
    """Primitives that fill phase space, with no, one and two jets."""
    rng = np.random.default_rng(seed)
    made = {
        name: rng.uniform(*ANGLES.get(name.rsplit("_", 1)[1], (20.0, 200.0)), events)
        for name in PRIMITIVES
        if name != "PRI_jet_num"
    }
    made["PRI_jet_num"] = rng.integers(0, 4, events).astype(float)
    for least, jet in ((1, "leading"), (2, "subleading")):
        for part in ("pt", "eta", "phi"):
            made[f"PRI_jet_{jet}_{part}"][made["PRI_jet_num"] < least] = np.nan
    return made


def one(values: dict[str, Floats], event: int) -> dict[str, float]:
    return {name.removeprefix("PRI_"): float(column[event]) for name, column in values.items()}


def pair_mass(e: dict[str, float], first: str, second: str) -> float:
    """``m^2 = 2 pt pt' (cosh(delta eta) - cos(delta phi))`` of massless particles."""
    rise = math.cosh(e[f"{first}_eta"] - e[f"{second}_eta"]) - math.cos(e[f"{first}_phi"] - e[f"{second}_phi"])
    return math.sqrt(2 * e[f"{first}_pt"] * e[f"{second}_pt"] * rise)


def vector_sum(e: dict[str, float], *particles: str) -> float:
    sizes = {"met": e["met"]} | {p: e[f"{p}_pt"] for p in particles if p != "met"}
    there = [p for p in particles if not math.isnan(sizes[p])]
    return abs(sum(sizes[p] * complex(math.cos(e[f"{p}_phi"]), math.sin(e[f"{p}_phi"])) for p in there))


def expected(e: dict[str, float]) -> dict[str, float]:
    """The published definitions, for one event."""
    turn = (e["tau_phi"] - e["lep_phi"] + math.pi) % (2 * math.pi) - math.pi
    sign = math.copysign(1, math.sin(e["tau_phi"] - e["lep_phi"]))
    a, b = math.sin(e["met_phi"] - e["lep_phi"]) * sign, math.sin(e["tau_phi"] - e["met_phi"]) * sign
    eta1, eta2 = e["jet_leading_eta"], e["jet_subleading_eta"]
    return {
        "DER_mass_transverse_met_lep": math.sqrt(
            max(0.0, (e["lep_pt"] + e["met"]) ** 2 - vector_sum(e, "lep", "met") ** 2)
        ),
        "DER_mass_vis": pair_mass(e, "tau", "lep"),
        "DER_pt_h": vector_sum(e, "tau", "lep", "met"),
        "DER_deltaeta_jet_jet": abs(eta1 - eta2),
        "DER_mass_jet_jet": pair_mass(e, "jet_leading", "jet_subleading"),
        "DER_prodeta_jet_jet": eta1 * eta2,
        "DER_deltar_tau_lep": math.hypot(e["tau_eta"] - e["lep_eta"], turn),
        "DER_pt_tot": vector_sum(e, "tau", "lep", "met", "jet_leading", "jet_subleading"),
        "DER_sum_pt": e["tau_pt"] + e["lep_pt"] + e["jet_all_pt"],
        "DER_pt_ratio_lep_tau": e["lep_pt"] / e["tau_pt"],
        "DER_met_phi_centrality": (a + b) / math.sqrt(a * a + b * b),
        "DER_lep_eta_centrality": math.exp(-4 / (eta1 - eta2) ** 2 * (e["lep_eta"] - (eta1 + eta2) / 2) ** 2),
    }


def test_the_columns_are_those_of_the_schema_in_its_order() -> None:
    assert load_schema("atlas-higgs-2014").feature_names == (*DERIVED, *PRIMITIVES)
    assert tuple(derive(random_events(1))) == DERIVED


def test_every_feature_is_its_published_formula() -> None:
    events = random_events()
    derived = derive(events)
    for event in range(len(events["PRI_met"])):
        for name, value in expected(one(events, event)).items():
            assert derived[name][event] == pytest.approx(value, rel=1e-9, abs=1e-7, nan_ok=True), name


def test_what_needs_jets_is_undefined_without_them() -> None:
    events = random_events()
    two = events["PRI_jet_num"] >= 2
    derived = derive(events)
    for name in DERIVED[1:]:
        needs_jets = "jet_jet" in name or "lep_eta" in name
        np.testing.assert_array_equal(np.isnan(derived[name]), ~two if needs_jets else False, err_msg=name)


def single(**values: float) -> dict[str, Floats]:
    """One event; what is not said is 50 GeV, at an angle of 0."""
    whole = {name: np.array([0.0 if name.endswith(("eta", "phi")) else 50.0]) for name in PRIMITIVES}
    return whole | {f"PRI_{name}": np.array([value]) for name, value in values.items()}


@pytest.mark.parametrize(
    ("met_phi", "centrality"), [(0.5, math.sqrt(2)), (0.0, 1.0), (1.0, 1.0), (0.5 + math.pi, -math.sqrt(2))]
)
@pytest.mark.parametrize("mirrored", [1, -1])
def test_missing_momentum_on_the_bisector_is_central(met_phi: float, centrality: float, mirrored: int) -> None:
    event = single(tau_phi=1.0 * mirrored, lep_phi=0.0, met_phi=met_phi * mirrored)
    assert derive(event)["DER_met_phi_centrality"] == pytest.approx(centrality)


@pytest.mark.parametrize(("lepton", "centrality"), [(1.0, 1.0), (3.0, 1 / math.e), (-1.0, 1 / math.e), (40.0, 0.0)])
def test_a_lepton_between_the_jets_is_central(lepton: float, centrality: float) -> None:
    event = single(jet_leading_eta=3.0, jet_subleading_eta=-1.0, lep_eta=lepton)
    assert derive(event)["DER_lep_eta_centrality"] == pytest.approx(centrality, abs=1e-12)


def test_jets_at_one_pseudorapidity_have_nothing_between_them() -> None:
    assert derive(single(lep_eta=1.0))["DER_lep_eta_centrality"] == 0.0


def decay(mass: float, lepton_part: float, tau_part: float, apart: float) -> dict[str, Floats]:
    """A boson to massless taus at an angle in the transverse plane; what is missing is collinear."""
    pt = mass / math.sqrt(2 * (1 - math.cos(apart)))
    lepton, tau = lepton_part * pt, tau_part * pt
    missing = (pt - lepton) + (pt - tau) * complex(math.cos(apart), math.sin(apart))
    size, azimuth = abs(missing), math.atan2(missing.imag, missing.real)
    return single(lep_pt=lepton, tau_pt=tau, tau_phi=apart, met=size, met_phi=azimuth, met_sumet=100.0)


@pytest.mark.parametrize("apart", [0.7, 1.8, 2.9, -2.0])
@pytest.mark.parametrize(("lepton_part", "tau_part"), [(0.3, 0.7), (0.9, 0.15), (0.5, 0.5)])
def test_the_collinear_mass_is_that_of_a_collinear_decay(apart: float, lepton_part: float, tau_part: float) -> None:
    assert derive(decay(125.0, lepton_part, tau_part, apart))["DER_mass_MMC"] == pytest.approx(125.0)


def test_missing_momentum_a_little_out_of_the_wedge_is_moved_to_its_edge() -> None:
    """Along the lepton, 5 GeV aside of it: the tau has no neutrino, the lepton's has what is along the lepton."""
    event = single(tau_phi=2.0, met=math.hypot(50.0, 5.0), met_phi=-math.atan2(5.0, 50.0), met_sumet=100.0)
    visible = derive(event)["DER_mass_vis"]
    assert derive(event)["DER_mass_MMC"] == pytest.approx(visible * math.sqrt(2))


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(single(tau_phi=1.0, met_phi=0.5 + math.pi, met_sumet=100.0), id="missing momentum points away"),
        pytest.param(decay(125.0, 0.9 * MIN_FRACTION, 0.9, 2.0), id="too little is visible"),
    ],
)
def test_the_collinear_mass_is_undefined_where_fractions_are_unphysical(event: dict[str, Floats]) -> None:
    assert np.isnan(derive(event)["DER_mass_MMC"])


def test_taus_back_to_back_raise_no_warning() -> None:
    derive(single(tau_phi=math.pi))
    derive(single(tau_phi=0.0))
