"""Decays of particles into momenta: the physics under `eventsieve.domain.simulation`.

Everything is vectorised over events: arrays have shape (events,), momenta are four-vectors in GeV.
Masses and widths are those of the Particle Data Group, Phys. Rev. D 110 (2024) 030001.
"""

from __future__ import annotations

import numpy as np
import vector

from eventsieve.domain.kinematics import Floats

__all__ = [
    "TAU_MASS",
    "breit_wigner",
    "hadronic_fraction",
    "helicities",
    "leptonic_fraction",
    "two_body",
]

TAU_MASS = 1.777

HADRONS = (  # mass and width in GeV, and branching fraction of the tau, with all charged and neutral pions they end in
    (0.140, 0.000, 0.108),  # pion
    (0.775, 0.149, 0.255),  # rho(770)
    (1.230, 0.420, 0.185),  # a1(1260)
)


def breit_wigner(rng: np.random.Generator, mass: Floats, width: Floats, low: float, high: float) -> Floats:
    """Masses of resonances: the non-relativistic Breit-Wigner curve between two limits.

    ``mass`` and ``width`` have shape (n,), so that one call may draw different resonances.
    """
    scale = np.maximum(width, 1e-9) / 2
    first, last = np.arctan((low - mass) / scale), np.arctan((high - mass) / scale)
    drawn: Floats = mass + scale * np.tan(rng.uniform(first, last))
    return np.clip(drawn, low, high)


def two_body(
    rng: np.random.Generator, parent: vector.MomentumNumpy4D, first: Floats | float, second: Floats | float
) -> tuple[vector.MomentumNumpy4D, vector.MomentumNumpy4D]:
    """A decay into two particles of masses ``first`` and ``second``, isotropic in the rest frame of ``parent``."""
    mass = parent.mass
    energy = (mass**2 + first**2 - second**2) / (2 * mass)
    momentum = np.sqrt(np.maximum(energy**2 - first**2, 0.0))
    cosine, azimuth = rng.uniform(-1, 1, mass.shape), rng.uniform(-np.pi, np.pi, mass.shape)
    across = momentum * np.sqrt(1 - cosine**2)
    px, py, pz = across * np.cos(azimuth), across * np.sin(azimuth), momentum * cosine
    daughters = (
        vector.MomentumNumpy4D({"px": sign * px, "py": sign * py, "pz": sign * pz, "E": share})
        for sign, share in ((1, energy), (-1, mass - energy))
    )
    one, other = (daughter.boost_p4(parent) for daughter in daughters)
    return one, other


def helicities(
    rng: np.random.Generator, events: int, *, polarisation: float, scalar_parent: bool
) -> tuple[Floats, Floats]:
    """Helicities (-1 or +1, in the convention of the negative tau) of a tau pair.

    The taus of a scalar have opposite effective helicities, those of a vector boson the same one, whose mean is the
    polarisation: -0.15 for the Z (ALEPH, DELPHI, L3, OPAL and SLD, Phys. Rep. 427 (2006) 257).
    """
    one = np.where(rng.random(events) < (1 + polarisation) / 2, 1.0, -1.0)
    return one, -one if scalar_parent else one


def leptonic_fraction(rng: np.random.Generator, helicity: Floats) -> Floats:
    """The fraction of a tau's momentum that the lepton of a leptonic decay carries.

    ``dN/dx = (5 - 9 x^2 + 4 x^3) / 3 + h (1 - 9 x^2 + 8 x^3) / 3`` for a tau that is fast in the laboratory
    (Y.-S. Tsai, Phys. Rev. D 4 (1971) 2821; B. K. Bullock, K. Hagiwara and A. D. Martin, Nucl. Phys. B 395 (1993) 499).
    """
    x = np.linspace(0.0, 1.0, 513)
    free, polarised = (5 * x - 3 * x**3 + x**4) / 3, (x - 3 * x**3 + 2 * x**4) / 3
    u = rng.random(helicity.shape)
    return np.where(helicity > 0, np.interp(u, free + polarised, x), np.interp(u, free - polarised, x))


def hadronic_fraction(rng: np.random.Generator, helicity: Floats) -> Floats:
    """The fraction of a tau's momentum that the hadrons of a hadronic decay carry.

    The tau goes to a neutrino and a pion, rho or a1 at an angle of ``dN/dcos = (1 + a h cos) / 2`` in its rest frame,
    with ``a = 1`` for the pion and ``(m_tau^2 - 2 m^2) / (m_tau^2 + 2 m^2)`` for a vector meson of mass ``m`` (Bullock,
    Hagiwara and Martin, as above).
    """
    masses, widths, branching = (np.array(column) for column in zip(*HADRONS, strict=True))
    kind = rng.choice(len(HADRONS), size=helicity.shape, p=branching / branching.sum())
    mass = breit_wigner(rng, masses[kind], widths[kind], 0.139, 1.7)
    ratio = (mass / TAU_MASS) ** 2
    analysing = np.where(kind == 0, 1.0, (1 - 2 * ratio) / (1 + 2 * ratio)) * helicity
    u = rng.random(helicity.shape)
    cosine = (4 * u - 2 + analysing) / (1 + np.sqrt(1 - analysing * (2 - analysing - 4 * u)))
    fraction: Floats = ((1 + ratio) + (1 - ratio) * cosine) / 2
    return fraction
