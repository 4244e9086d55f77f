"""Decays, against conservation laws and the integrals of the published spectra."""

from __future__ import annotations

import numpy as np
import pytest

from eventsieve.domain.kinematics import momenta, total
from eventsieve.domain.simulation import decays

EVENTS = 40_000


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_two_body_decays_conserve_momentum_and_energy(rng: np.random.Generator) -> None:
    parent = momenta(*(rng.uniform(*sides, 500) for sides in ((1, 200), (-3, 3), (-3, 3))), rng.uniform(20, 150, 500))
    first, second = decays.two_body(rng, parent, 5.0, np.linspace(0.0, 10.0, 500))
    whole = total(first, second)
    for part in ("px", "py", "pz", "E"):
        np.testing.assert_allclose(getattr(whole, part), getattr(parent, part), rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(first.mass, 5.0, rtol=1e-6)
    np.testing.assert_allclose(second.mass, np.linspace(0.0, 10.0, 500), atol=1e-4)


def test_two_body_decays_are_isotropic_at_rest(rng: np.random.Generator) -> None:
    zero = np.zeros(EVENTS)
    first, _ = decays.two_body(rng, momenta(zero, zero, zero, 100.0), 0.0, 0.0)
    cosine = first.pz / first.p
    np.testing.assert_allclose(first.p, 50.0)
    assert np.histogram(cosine, 10, (-1, 1))[0] == pytest.approx(EVENTS / 10, rel=0.06)
    assert np.histogram(first.phi, 10, (-np.pi, np.pi))[0] == pytest.approx(EVENTS / 10, rel=0.06)


@pytest.mark.parametrize(("helicity", "mean"), [(-1.0, 0.40), (1.0, 0.30)])
def test_leptons_carry_a_third_of_the_tau(rng: np.random.Generator, helicity: float, mean: float) -> None:
    """Means of the spectrum: 7/20 without, minus or plus 1/20 with polarisation."""
    fraction = decays.leptonic_fraction(rng, np.full(EVENTS, helicity))
    assert fraction.mean() == pytest.approx(mean, abs=0.005)
    assert fraction.min() >= 0
    assert fraction.max() <= 1


def test_the_leptonic_spectrum_is_the_published_one(rng: np.random.Generator) -> None:
    fraction = decays.leptonic_fraction(rng, np.resize([1.0, -1.0], EVENTS))
    edges = np.linspace(0, 1, 11)
    middle = (edges[1:] + edges[:-1]) / 2
    density = (5 - 9 * middle**2 + 4 * middle**3) / 3
    assert np.histogram(fraction, edges)[0] / EVENTS * 10 == pytest.approx(density, abs=0.07)


@pytest.mark.parametrize("helicity", [-1.0, 1.0])
def test_pions_carry_what_the_polarisation_gives_them(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, helicity: float
) -> None:
    """``dN/dx = 1 + h (2 x - 1)`` for a massless pion: a mean of 1/2 plus h/6."""
    monkeypatch.setattr(decays, "HADRONS", ((0.14, 0.0, 1.0),))
    fraction = decays.hadronic_fraction(rng, np.full(EVENTS, helicity))
    assert fraction.mean() == pytest.approx(0.5 + helicity / 6, abs=0.01)


def test_hadrons_carry_more_than_leptons(rng: np.random.Generator) -> None:
    fraction = decays.hadronic_fraction(rng, np.resize([1.0, -1.0], EVENTS))
    assert 0.5 < fraction.mean() < 0.7
    assert fraction.min() >= 0
    assert fraction.max() <= 1 + 1e-12


def test_resonances_have_their_mass_and_width(rng: np.random.Generator) -> None:
    mass = decays.breit_wigner(rng, np.full(EVENTS, 91.0), np.full(EVENTS, 2.5), 0.0, 1e6)
    assert np.quantile(mass, [0.25, 0.5, 0.75]) == pytest.approx([89.75, 91.0, 92.25], abs=0.05)
    cut = decays.breit_wigner(rng, np.full(EVENTS, 91.0), np.full(EVENTS, 2.5), 90.0, 95.0)
    assert cut.min() >= 90.0
    assert cut.max() <= 95.0


@pytest.mark.parametrize("scalar", [True, False])
def test_helicities_are_opposite_for_a_scalar_only(rng: np.random.Generator, scalar: bool) -> None:  # noqa: FBT001, parametrised
    one, other = decays.helicities(rng, EVENTS, polarisation=-0.15, scalar_parent=scalar)
    assert one.mean() == pytest.approx(-0.15, abs=0.02)
    np.testing.assert_array_equal(other, -one if scalar else one)
