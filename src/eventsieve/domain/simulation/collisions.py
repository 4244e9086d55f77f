"""Production: what comes out of a simulated collision, before a detector sees it.

Five processes that end in a lepton and a hadronic tau, or in what is taken for one. Spectra are parametrised, not
calculated: power laws that fall from a threshold, and Gaussian curves in rapidity, with numbers chosen so that the
columns come out like the published ones (docs/simulation.md has the comparison). Arrays have shape (events,), those of
jets (events, jets); momenta are in GeV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import vector

from eventsieve.domain.kinematics import Floats, momenta
from eventsieve.domain.simulation.decays import (
    TAU_MASS,
    breit_wigner,
    hadronic_fraction,
    helicities,
    leptonic_fraction,
    two_body,
)

__all__ = ["Collision", "Jets", "gluon_fusion", "top_pair", "vector_boson_fusion", "w_jets", "z_boson"]

HIGGS_MASS, Z_MASS, W_MASS, TOP_MASS, BOTTOM_MASS = 125.0, 91.19, 80.37, 172.6, 4.8
Z_WIDTH, W_WIDTH = 2.50, 2.09

JET_THRESHOLD = 20.0
"""The least transverse momentum of a parton that is followed as a jet; what is softer is in the soft recoil."""

SOFT_RECOIL = 12.0
"""Width in GeV of each component of what recoils too softly for jets, the blur by other collisions included."""

MOST_JETS = 5

B_TAG = 0.7
"""Efficiency to see that a jet comes from a bottom quark; the challenge's selection drops events with such a jet."""


@dataclass(frozen=True)
class Jets:
    """Jets as arrays of shape (events, jets); where a jet does not exist its ``pt`` is 0."""

    pt: Floats
    eta: Floats
    phi: Floats

    def beside(self, other: Jets) -> Jets:
        """These jets and others of the same events."""
        return Jets(*(np.hstack(pair) for pair in ((self.pt, other.pt), (self.eta, other.eta), (self.phi, other.phi))))

    @property
    def recoil(self) -> tuple[Floats, Floats]:
        """Components of the summed transverse momentum, each of shape (events,)."""
        return (self.pt * np.cos(self.phi)).sum(axis=1), (self.pt * np.sin(self.phi)).sum(axis=1)


@dataclass(frozen=True)
class Collision:
    """The visible particles of collisions; neutrinos are what is missing to a transverse momentum of zero.

    Attributes:
        tau: visible hadrons of the tau, or the jet that is taken for one; shape (events,).
        lepton: electron or muon; shape (events,).
        jets: shape (events, jets), in any order.
        soft: components of the recoil too soft for jets; shape (2, events).
    """

    tau: vector.MomentumNumpy4D
    lepton: vector.MomentumNumpy4D
    jets: Jets
    soft: Floats

    def only(self, events: npt.NDArray[np.bool_]) -> Collision:
        """Those events where the mask, of shape (events,), is True."""
        jets = Jets(self.jets.pt[events], self.jets.eta[events], self.jets.phi[events])
        tau, lepton = (cast("vector.MomentumNumpy4D", particle[events]) for particle in (self.tau, self.lepton))
        return Collision(tau, lepton, jets, self.soft[:, events])


def gluon_fusion(rng: np.random.Generator, events: int) -> Collision:
    """Higgs bosons to tau pairs, with the jets that gluons radiate."""
    jets = _radiation(rng, events, mean=0.75, hardness=23.0, spread=1.9)
    return _tau_pair(rng, np.full(events, HIGGS_MASS), jets, spread=1.4, polarisation=0.0, scalar=True)


def vector_boson_fusion(rng: np.random.Generator, events: int) -> Collision:
    """Higgs bosons to tau pairs between two hard jets, one forward and one backward."""
    jets = _tagging_jets(rng, events).beside(_radiation(rng, events, mean=0.25, hardness=22.0, spread=1.9))
    return _tau_pair(rng, np.full(events, HIGGS_MASS), jets, spread=1.2, polarisation=0.0, scalar=True)


def z_boson(rng: np.random.Generator, events: int) -> Collision:
    """Z bosons to tau pairs; as in the published sample, more often with jets than in nature."""
    mass = breit_wigner(rng, np.full(events, Z_MASS), np.full(events, Z_WIDTH), 60.0, 120.0)
    jets = _radiation(rng, events, mean=1.95, hardness=18.0, spread=1.9)
    return _tau_pair(rng, mass, jets, spread=1.8, polarisation=-0.15, scalar=False)


def w_jets(rng: np.random.Generator, events: int) -> Collision:
    """W bosons to a lepton and a neutrino, with a jet that is taken for a hadronic tau."""
    mass = breit_wigner(rng, np.full(events, W_MASS), np.full(events, W_WIDTH), 40.0, 120.0)
    boost = _rapidity(rng, (events,), 1.2)
    fake = momenta(
        _falling(rng, (events,), 17.0, 8.0), boost + _rapidity(rng, (events,), 1.2), _azimuth(rng, (events,))
    )
    jets = _radiation(rng, events, mean=0.55, hardness=18.0, spread=1.6)
    soft = _soft_recoil(rng, events)
    recoil = (jets.recoil[0] + fake.px + soft[0], jets.recoil[1] + fake.py + soft[1])
    lepton, _ = two_body(rng, _recoiling(mass, recoil, boost + _rapidity(rng, (events,), 1.5)), 0.0, 0.0)
    return Collision(fake, lepton, jets, soft)


def top_pair(rng: np.random.Generator, events: int) -> Collision:
    """Top quark pairs: each to a bottom quark and a W, one W to a lepton, one to a hadronic tau; no jet is tagged."""
    jets = _radiation(rng, events, mean=1.1, hardness=18.0, spread=1.9)
    soft = _soft_recoil(rng, events)
    pt, phi = rng.gamma(2.0, 36.0, events), _azimuth(rng, (events,))
    across = (pt * np.cos(phi), pt * np.sin(phi))
    top = _recoiling(np.full(events, TOP_MASS), across, _rapidity(rng, (events,), 1.1))
    against = (jets.recoil[0] + soft[0] - across[0], jets.recoil[1] + soft[1] - across[1])
    antitop = _recoiling(np.full(events, TOP_MASS), against, _rapidity(rng, (events,), 1.1))
    (first, bottom), (second, antibottom) = (two_body(rng, t, W_MASS, BOTTOM_MASS) for t in (top, antitop))
    lepton, _ = two_body(rng, first, 0.0, 0.0)
    parent, _ = two_body(rng, second, TAU_MASS, 0.0)
    tau = parent.scale(hadronic_fraction(rng, np.full(events, -1.0)))
    bottoms = Jets(
        *(
            np.stack(pair, axis=1)
            for pair in ((bottom.pt, antibottom.pt), (bottom.eta, antibottom.eta), (bottom.phi, antibottom.phi))
        )
    )
    tagged = (bottoms.pt > 30.0) & (np.abs(bottoms.eta) < 2.5) & (rng.random((events, 2)) < B_TAG)
    return Collision(tau, lepton, jets.beside(bottoms), soft).only(np.logical_not(tagged.any(axis=1)))


def _tau_pair(
    rng: np.random.Generator, mass: Floats, jets: Jets, *, spread: float, polarisation: float, scalar: bool
) -> Collision:
    """A boson that recoils against jets and decays to two taus, the one to a lepton, the other to hadrons."""
    events = len(mass)
    soft = _soft_recoil(rng, events)
    recoil = (jets.recoil[0] + soft[0], jets.recoil[1] + soft[1])
    boson = _recoiling(mass, recoil, _rapidity(rng, (events,), spread))
    first, second = two_body(rng, boson, TAU_MASS, TAU_MASS)
    one, other = helicities(rng, events, polarisation=polarisation, scalar_parent=scalar)
    lepton, tau = first.scale(leptonic_fraction(rng, one)), second.scale(hadronic_fraction(rng, other))
    return Collision(tau, lepton, jets, soft)


def _recoiling(mass: Floats, recoil: tuple[Floats, Floats], rapidity: Floats) -> vector.MomentumNumpy4D:
    """A particle of that mass and rapidity whose transverse momentum balances the recoil."""
    px, py = -recoil[0], -recoil[1]
    across = np.sqrt(mass**2 + px**2 + py**2)
    return vector.MomentumNumpy4D(
        {"px": px, "py": py, "pz": across * np.sinh(rapidity), "E": across * np.cosh(rapidity)}
    )


def _radiation(rng: np.random.Generator, events: int, *, mean: float, hardness: float, spread: float) -> Jets:
    """Jets that quarks and gluons radiate: a Poisson number of them, in any direction."""
    shape = (events, MOST_JETS)
    exist = np.arange(MOST_JETS) < rng.poisson(mean, events)[:, None]
    pt = np.where(exist, _falling(rng, shape, JET_THRESHOLD, hardness), 0.0)
    return Jets(pt, _rapidity(rng, shape, spread), _azimuth(rng, shape))


def _tagging_jets(rng: np.random.Generator, events: int) -> Jets:
    """The two quarks that radiated the fusing W or Z bosons: transverse momenta about m_W, opposite hemispheres."""
    shape = (events, 2)
    side = np.where(rng.random(events) < 0.5, 1.0, -1.0)[:, None] * np.array([1.0, -1.0])
    eta = side * rng.normal(2.1, 1.2, shape)
    return Jets(rng.gamma(2.0, 28.0, shape), eta, _azimuth(rng, shape))


def _falling(rng: np.random.Generator, shape: tuple[int, ...], threshold: float, hardness: float) -> Floats:
    """Transverse momenta above a threshold: ``dN/dp_T ~ (1 + 0.3 (p_T - threshold) / hardness)^-4.3``."""
    fall: Floats = threshold + hardness / 0.3 * (rng.random(shape) ** -0.3 - 1)
    return np.minimum(fall, 1000.0)


def _rapidity(rng: np.random.Generator, shape: tuple[int, ...], spread: float) -> Floats:
    return np.clip(rng.normal(0.0, spread, shape), -5.0, 5.0)


def _azimuth(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return rng.uniform(-np.pi, np.pi, shape)


def _soft_recoil(rng: np.random.Generator, events: int) -> Floats:
    return rng.normal(0.0, SOFT_RECOIL, (2, events))
