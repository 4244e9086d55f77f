"""Derived features: the 13 ``DER_`` columns of a HiggsML event, computed from its 17 ``PRI_`` columns.

The definitions are those of the challenge's documentation: C. Adam-Bourdarios et al., "Learning to discover: the Higgs
boson machine learning challenge" (2014), appendices A and B, CERN Open Data record 329,
DOI 10.7483/OPENDATA.ATLAS.MQ5J.GHXA. Tau, lepton and jets are massless there. Momenta and masses are in GeV,
angles in radians, NaN is "not defined for this event".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
import vector

__all__ = ["DERIVED", "PRIMITIVES", "Floats", "collinear_mass", "derive", "momenta", "total"]

Floats = npt.NDArray[np.float64]
Vectors = TypeVar("Vectors", vector.MomentumNumpy2D, vector.MomentumNumpy4D)

PRIMITIVES = (
    "PRI_tau_pt",
    "PRI_tau_eta",
    "PRI_tau_phi",
    "PRI_lep_pt",
    "PRI_lep_eta",
    "PRI_lep_phi",
    "PRI_met",
    "PRI_met_phi",
    "PRI_met_sumet",
    "PRI_jet_num",
    "PRI_jet_leading_pt",
    "PRI_jet_leading_eta",
    "PRI_jet_leading_phi",
    "PRI_jet_subleading_pt",
    "PRI_jet_subleading_eta",
    "PRI_jet_subleading_phi",
    "PRI_jet_all_pt",
)
"""The columns that `derive` reads, in the published order."""

DERIVED = (
    "DER_mass_MMC",
    "DER_mass_transverse_met_lep",
    "DER_mass_vis",
    "DER_pt_h",
    "DER_deltaeta_jet_jet",
    "DER_mass_jet_jet",
    "DER_prodeta_jet_jet",
    "DER_deltar_tau_lep",
    "DER_pt_tot",
    "DER_sum_pt",
    "DER_pt_ratio_lep_tau",
    "DER_met_phi_centrality",
    "DER_lep_eta_centrality",
)
"""The columns that `derive` makes, in the published order."""

MET_TOLERANCE = 3.0
"""How far, in units of sqrt(sum of E_T / GeV) GeV, missing momentum may lie from any collinear solution.

The resolution of each component is 0.5 to 0.7 of that unit (ATLAS, Eur. Phys. J. C 72 (2012) 1844), so this is four to
six standard deviations. With it, 93 % of the published events are defined or undefined as the published mass fit is.
"""

MIN_FRACTION = 0.1
"""The least fraction of a tau's momentum that is visible, as in ATLAS, JHEP 09 (2012) 070.

Smaller ones come from taus that are back to back, where neutrino momenta of any size cancel and the mass means nothing.
"""


def derive(primitives: Mapping[str, Floats]) -> dict[str, Floats]:
    """The derived features of events.

    Args:
        primitives: the columns of ``PRIMITIVES``, each float64 of shape (events,), NaN where a jet does not exist.

    Returns:
        The columns of ``DERIVED``, in that order, each float64 of shape (events,); NaN where not defined.
    """
    tau = _momenta(primitives, "PRI_tau")
    lepton = _momenta(primitives, "PRI_lep")
    leading = _momenta(primitives, "PRI_jet_leading")
    subleading = _momenta(primitives, "PRI_jet_subleading")
    met = _missing(primitives)
    higgs = total(_transverse(tau), _transverse(lepton), met)
    features = {
        "DER_mass_MMC": collinear_mass(primitives),
        "DER_mass_transverse_met_lep": _transverse_mass(lepton, met),
        "DER_mass_vis": total(tau, lepton).mass,
        "DER_pt_h": higgs.pt,
        "DER_deltaeta_jet_jet": np.abs(leading.eta - subleading.eta),
        "DER_mass_jet_jet": total(leading, subleading).mass,
        "DER_prodeta_jet_jet": leading.eta * subleading.eta,
        "DER_deltar_tau_lep": tau.deltaR(lepton),
        "DER_pt_tot": total(higgs, _transverse(leading), _transverse(subleading)).pt,
        "DER_sum_pt": tau.pt + lepton.pt + primitives["PRI_jet_all_pt"],
        "DER_pt_ratio_lep_tau": lepton.pt / tau.pt,
        "DER_met_phi_centrality": _azimuthal_centrality(met.phi, tau.phi, lepton.phi),
        "DER_lep_eta_centrality": _eta_centrality(lepton.eta, leading.eta, subleading.eta),
    }
    return {name: np.asarray(features[name], dtype=np.float64) for name in DERIVED}


def collinear_mass(primitives: Mapping[str, Floats]) -> Floats:
    """The mass of the tau pair, its neutrinos taken as flying along the visible tau and the lepton.

    The two components of the missing transverse momentum then give the two neutrino momenta, as multiples ``a`` and
    ``b`` of the visible ones, and ``m = m_vis sqrt((1 + a) (1 + b))`` (R. K. Ellis, I. Hinchliffe, M. Soldate and
    J. J. van der Bij, Nucl. Phys. B 297 (1988) 221); the visible fractions of the tau momenta are ``1 / (1 + a)`` and
    ``1 / (1 + b)``.
    Where missing momentum points out of the wedge between tau and lepton, a fraction would be above 1: it is then moved
    to the nearest point of the wedge, if its resolution allows for that (``MET_TOLERANCE``). It stands where the
    challenge has the missing mass calculator (A. Elagin et al., Nucl. Instrum. Meth. A 654 (2011) 481), and is a
    coarser estimate of the same quantity.

    Args:
        primitives: the columns of ``PRIMITIVES``.

    Returns:
        Mass in GeV, float64 of shape (events,); NaN where the fractions stay unphysical or are below ``MIN_FRACTION``.
    """
    tau, lepton = _momenta(primitives, "PRI_tau"), _momenta(primitives, "PRI_lep")
    met = _missing(primitives)
    with np.errstate(divide="ignore", invalid="ignore"):  # tau and lepton back to back
        wedge = lepton.px * tau.py - lepton.py * tau.px
        by_lepton = (met.px * tau.py - met.py * tau.px) / wedge
        by_tau = (lepton.px * met.py - lepton.py * met.px) / wedge
    inside = (by_lepton >= 0) & (by_tau >= 0)
    edge_lepton, miss_lepton = _nearest_on_ray(met, lepton)
    edge_tau, miss_tau = _nearest_on_ray(met, tau)
    at_lepton = miss_lepton <= miss_tau
    by_lepton = np.where(inside, by_lepton, np.where(at_lepton, edge_lepton, 0.0))
    by_tau = np.where(inside, by_tau, np.where(at_lepton, 0.0, edge_tau))
    miss = np.where(inside, 0.0, np.minimum(miss_lepton, miss_tau))
    near = miss <= MET_TOLERANCE * np.sqrt(primitives["PRI_met_sumet"])
    physical = near & (np.maximum(by_lepton, by_tau) <= 1 / MIN_FRACTION - 1)
    mass = total(tau, lepton).mass * np.sqrt((1 + by_lepton) * (1 + by_tau))
    return np.where(physical, mass, np.nan)


def _nearest_on_ray(met: vector.MomentumNumpy2D, visible: vector.MomentumNumpy4D) -> tuple[Floats, Floats]:
    """The point on the ray along ``visible`` nearest to ``met``: as a multiple of ``visible``, and its distance."""
    multiple = np.maximum(0.0, (met.px * visible.px + met.py * visible.py) / visible.pt2)
    return multiple, np.hypot(met.px - multiple * visible.px, met.py - multiple * visible.py)


def momenta(pt: Floats, eta: Floats, phi: Floats, mass: Floats | float = 0.0) -> vector.MomentumNumpy4D:
    """Four-momenta from the coordinates of a collider; all of shape (n,)."""
    return vector.MomentumNumpy4D({"pt": pt, "phi": phi, "eta": eta, "mass": np.broadcast_to(mass, pt.shape)})


def total(first: Vectors, *others: Vectors) -> Vectors:
    """The sum of momenta."""
    whole = first
    for other in others:
        whole = cast("Vectors", whole + other)  # vector's own annotation says ndarray
    return whole


def _momenta(primitives: Mapping[str, Floats], particle: str) -> vector.MomentumNumpy4D:
    """The massless four-momenta of a particle from its columns ``_pt``, ``_eta``, ``_phi``."""
    pt, eta, phi = (primitives[f"{particle}_{part}"] for part in ("pt", "eta", "phi"))
    return momenta(pt, eta, phi)


def _missing(primitives: Mapping[str, Floats]) -> vector.MomentumNumpy2D:
    """The missing transverse momentum."""
    return vector.MomentumNumpy2D({"pt": primitives["PRI_met"], "phi": primitives["PRI_met_phi"]})


def _transverse(particle: vector.MomentumNumpy4D) -> vector.MomentumNumpy2D:
    """The transverse momentum of a particle, zero where the particle does not exist."""
    return vector.MomentumNumpy2D({"px": np.nan_to_num(particle.px), "py": np.nan_to_num(particle.py)})


def _transverse_mass(lepton: vector.MomentumNumpy4D, met: vector.MomentumNumpy2D) -> Floats:
    """``sqrt(2 p_T E_T^miss (1 - cos delta phi))``, written with a sine so that small angles keep their digits."""
    mass: Floats = 2 * np.sqrt(lepton.pt * met.pt) * np.abs(np.sin(lepton.deltaphi(met) / 2))
    return mass


def _azimuthal_centrality(middle: Floats, first: Floats, second: Floats) -> Floats:
    """Where ``middle`` lies between two azimuths: sqrt 2 on their bisector, 1 at either, below 1 outside.

    ``(A + B) / sqrt(A^2 + B^2)`` with ``A = sin(middle - second)`` and ``B = sin(first - middle)``, both times the sign
    of ``sin(first - second)``.
    """
    side = np.where(np.sin(first - second) < 0, -1.0, 1.0)
    by_second = np.sin(middle - second) * side
    by_first = np.sin(first - middle) * side
    size = np.hypot(by_second, by_first)
    centrality: Floats = np.divide(by_second + by_first, size, out=np.full_like(size, np.nan), where=size > 0)
    return centrality


def _eta_centrality(middle: Floats, first: Floats, second: Floats) -> Floats:
    """Where ``middle`` lies between two pseudorapidities: 1 half way, 1/e at either, 0 far outside.

    ``exp(-4 (middle - (first + second) / 2)^2 / (first - second)^2)``, and its limit 0 where both are the same.
    """
    gap = first - second
    offset = np.divide(middle - (first + second) / 2, gap, out=np.full_like(gap, np.inf), where=gap != 0)
    centrality: Floats = np.exp(-4 * np.where(np.isnan(gap), np.nan, offset) ** 2)
    return centrality
