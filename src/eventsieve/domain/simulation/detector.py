"""The detector: collisions in, the 17 ``PRI_`` columns of the events that it selects out.

Resolutions are of the size that ATLAS gives for its first run: jets in Eur. Phys. J. C 75 (2015) 17, taus in Eur.
Phys. J. C 75 (2015) 303, missing transverse momentum in Eur. Phys. J. C 77 (2017) 241; rounded, and the same at every
angle. The selection is the challenge's: a lepton above 26 GeV, a hadronic tau above 20 GeV, jets above 30 GeV.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import vector

from eventsieve.domain.kinematics import Floats
from eventsieve.domain.simulation.collisions import Collision, Jets

__all__ = ["observe"]

LEPTON_PT, TAU_PT, JET_PT = 26.0, 20.0, 30.0
CENTRAL, FORWARD = 2.5, 4.5
"""Largest sizes of pseudorapidity for lepton and tau (the tracker) and for jets (the calorimeter)."""
CONE = 0.4
"""Two objects nearer than this are one."""
SOFT_TERM = 0.15
"""Part of the soft recoil that is measured: the rest is what the missing momentum gets wrong without any jet."""


@dataclass(frozen=True)
class _Track:
    """Lepton or tau as measured; each of shape (events,)."""

    pt: Floats
    eta: Floats
    phi: Floats


def observe(rng: np.random.Generator, collision: Collision) -> dict[str, Floats]:
    """What is measured of collisions, for those that are selected.

    Returns:
        The ``PRI_`` columns, float64 of shape (selected events,); NaN where a jet does not exist.
    """
    tau = _smeared(rng, collision.tau, stochastic=0.9, constant=0.08)
    lepton = _smeared(rng, collision.lepton, stochastic=0.0, constant=0.02)
    jets = _measured_jets(rng, collision.jets, tau, lepton)
    columns = _tracks(tau, lepton) | _missing(rng, collision.soft, tau, lepton, jets) | _jets(jets)
    selected = (
        (lepton.pt > LEPTON_PT)
        & (tau.pt > TAU_PT)
        & (np.abs(lepton.eta) < CENTRAL)
        & (np.abs(tau.eta) < CENTRAL)
        & (_distance(tau.eta, tau.phi, lepton.eta, lepton.phi) > CONE)
    )
    return {name: column[selected] for name, column in columns.items()}


def _smeared(
    rng: np.random.Generator, particle: vector.MomentumNumpy4D, *, stochastic: float, constant: float
) -> _Track:
    """A particle with the resolution ``stochastic / sqrt(p_T / GeV)`` plus, in quadrature, ``constant``."""
    pt: Floats = particle.pt
    return _Track(_smear(rng, pt, stochastic, constant), particle.eta, particle.phi)


def _smear(rng: np.random.Generator, pt: Floats, stochastic: float, constant: float) -> Floats:
    width = np.sqrt(stochastic**2 * pt + (constant * pt) ** 2)
    return np.maximum(rng.normal(pt, width), 0.0)


def _measured_jets(rng: np.random.Generator, jets: Jets, tau: _Track, lepton: _Track) -> Jets:
    """Jets as measured, hardest first; those out of reach, or under the lepton or the tau, have ``pt`` 0."""
    jets = jets.beside(_pile_up(rng, len(tau.pt)))
    pt = _smear(rng, jets.pt, 0.8, 0.06)
    seen = np.abs(jets.eta) < FORWARD
    for track in (tau, lepton):
        seen &= _distance(jets.eta, jets.phi, track.eta[:, None], track.phi[:, None]) > CONE
    pt = np.where(seen, pt, 0.0)
    order = np.argsort(-pt, axis=1, kind="stable")
    return Jets(*(np.take_along_axis(values, order, axis=1) for values in (pt, jets.eta, jets.phi)))


def _pile_up(rng: np.random.Generator, events: int) -> Jets:
    """Soft jets of other collisions in the same crossing: nothing recoils against them, so they spoil the balance."""
    shape = (events, 2)
    exist = np.arange(2) < rng.poisson(0.5, events)[:, None]
    pt = np.where(exist, 20.0 + rng.exponential(4.0, shape), 0.0)
    return Jets(pt, np.clip(rng.normal(0.0, 2.2, shape), -5.0, 5.0), rng.uniform(-np.pi, np.pi, shape))


def _tracks(tau: _Track, lepton: _Track) -> dict[str, Floats]:
    return {
        f"PRI_{name}_{part}": getattr(track, part)
        for name, track in (("tau", tau), ("lep", lepton))
        for part in ("pt", "eta", "phi")
    }


def _missing(rng: np.random.Generator, soft: Floats, tau: _Track, lepton: _Track, jets: Jets) -> dict[str, Floats]:
    """Missing transverse momentum: minus the sum of what is measured, the softest jets included.

    What is soft is measured in part, with an error that grows with the square root of its transverse energy. Half of
    the leptons are muons, which leave nothing in the calorimeter: the total transverse energy is without them.
    """
    events = len(tau.pt)
    energy = rng.gamma(2.5, 23.0, events)
    noise = rng.normal(0.0, 0.2 * np.sqrt(energy), (2, events))
    hard = jets.recoil
    px = -(tau.pt * np.cos(tau.phi) + lepton.pt * np.cos(lepton.phi) + hard[0] + SOFT_TERM * soft[0] + noise[0])
    py = -(tau.pt * np.sin(tau.phi) + lepton.pt * np.sin(lepton.phi) + hard[1] + SOFT_TERM * soft[1] + noise[1])
    electron = rng.random(events) < 0.5
    total = tau.pt + np.where(electron, lepton.pt, 0.0) + jets.pt.sum(axis=1) + energy
    return {"PRI_met": np.hypot(px, py), "PRI_met_phi": np.arctan2(py, px), "PRI_met_sumet": total}


def _jets(jets: Jets) -> dict[str, Floats]:
    """The columns of jets; ``jets`` come hardest first."""
    counted = jets.pt > JET_PT
    columns: dict[str, Floats] = {"PRI_jet_num": np.minimum(counted.sum(axis=1), 3).astype(np.float64)}
    for place, name in enumerate(("leading", "subleading")):
        for part in ("pt", "eta", "phi"):
            values = getattr(jets, part)[:, place]
            columns[f"PRI_jet_{name}_{part}"] = np.where(counted[:, place], values, np.nan)
    columns["PRI_jet_all_pt"] = np.where(counted, jets.pt, 0.0).sum(axis=1)
    return columns


def _distance(eta: Floats, phi: Floats, other_eta: Floats, other_phi: Floats) -> Floats:
    """Distance R in pseudorapidity and azimuth."""
    apart: Floats = np.hypot(eta - other_eta, np.remainder(phi - other_phi + np.pi, 2 * np.pi) - np.pi)
    return apart
