"""Expected counts of a design: backgrounds in bins of distance, what the source makes, what is free, windows of angle and distance."""

import math

import numpy as np
import pytest

import megacurie as mci
from megacurie import units as u
from megacurie.foundation.errors import CardError, RangeError
from megacurie.physics import spectra
from megacurie.physics.schedule import Exposure, Schedule
from megacurie.studies import design
from megacurie.studies.expected import ExpectedCounts, expected_counts
from megacurie.studies.variation import vary

CENTER = "ciuffoli-2025/juno-center"


def test_a_uniform_background_fills_shells_as_their_volume() -> None:
    """Shells r^3 about a source at the centre of a ball that holds the whole of each shell."""
    settings = {"detector.bins": '{ recoil = ["200 keV", "600 keV", 1], distance = ["1 m", "2 m", "5 m", "10 m"] }'}
    counts = expected_counts(mci.load(CENTER, settings)).background
    shells = np.diff(np.array([1.0, 2.0, 5.0, 10.0]) ** 3)
    assert counts / counts.sum() == pytest.approx(shells / shells.sum(), rel=1e-5)  # volumes are integrated to 1e-6


def test_a_flat_spectrum_is_shared_as_the_range() -> None:
    flat = spectra.flat(1 * u.MeV, 3 * u.MeV)
    inside = (flat.edges[1:] + flat.edges[:-1]) / 2 < 1.5 * u.MeV
    assert flat.fraction[inside].sum() == pytest.approx(0.25, abs=2 / len(flat.fraction))  # one bin at most lies on the edge
    assert flat.fraction.sum() == pytest.approx(1)


def test_the_activity_bounds_finding_and_excluding() -> None:
    """Of endless events: delta / error to find; delta / ((1 - delta) error) to exclude, because the error scales what is tested."""
    endless = ExpectedCounts(signal=np.array([1e12]), backgrounds={}, errors={}, activity_error=0.01, off=0.0)
    assert endless.separation(0.8, 1.0) == pytest.approx(20, rel=1e-3)
    assert endless.separation(1.0, 0.8) == pytest.approx(25, rel=1e-3)


def test_what_the_source_makes_grows_with_it_and_is_absent_without_it() -> None:
    both = {"room": np.array([30.0]), "gamma": np.array([50.0])}
    errors = {"room": math.inf, "gamma": math.inf}
    one = ExpectedCounts(signal=np.array([100.0]), backgrounds=both, errors=errors, activity_error=0.0, off=2.0, of_source=frozenset({"gamma"}))
    more = one.scaled(activity=3.0, live=2.0)
    assert more.backgrounds["room"] == pytest.approx([60])
    assert more.backgrounds["gamma"] == pytest.approx([150])
    # a run without the source tells nothing of the gammas, so that one bin tells nothing
    assert one.separation(0.5, 1.0) == pytest.approx(0, abs=1e-6)
    known = ExpectedCounts(signal=np.array([100.0]), backgrounds=both, errors=errors, activity_error=0.0, off=2.0)
    assert known.separation(0.5, 1.0) > 2


def test_windows_of_angle_and_distance_count_only_what_is_inside() -> None:
    """The signal in half of the directions and in the whole; the spectrum of a prediction agrees with the bins."""
    whole = mci.load("jne-500t-water")
    angle = tuple(np.degrees(whole.detector.angle))
    narrow = mci.load("jne-500t-water", {"detector.bins": f'{{ recoil = 20, distance = 1, angle = ["{angle[0]:.6f} deg", "90 deg", 1] }}'})
    counts = narrow.kernel().without_new_physics() - narrow.kernel().background
    assert sum(one.counts for one in mci.predict(narrow).spectrum) == pytest.approx(counts.sum(), rel=1e-6)
    full = whole.kernel().without_new_physics() - whole.kernel().background
    assert counts.sum() < full.sum()


def test_another_mass_keeps_the_density() -> None:
    """The ball of 500 t and 5 m grows at its stated density; a source at the centre sees the radius less its hole of .2 m."""
    masses = [400.0, 800.0]
    result = vary("ciuffoli-2025/jne-500t-center", "mass", masses, study=lambda e: design.deficit(e, rules=()))
    a, b = (one.signal for one in result.results)
    first, second = (5 * (mass / 500) ** (1 / 3) - 0.2 for mass in masses)
    assert b / a == pytest.approx(second / first, rel=1e-5)  # accuracy of the path lengths


def test_days_are_counted_from_the_first_exposure() -> None:
    late = mci.load(CENTER, {"schedule.exposures": '[{ start = "20 d", stop = "50 d" }]'})
    found = design.deficit(late, rules=())
    assert found.days is not None
    stop = (20 * u.day + found.days) / u.day
    again = mci.load(CENTER, {"schedule.exposures": f'[{{ start = "20 d", stop = "{stop!r} d" }}]'})
    assert design.deficit(again, rules=()).find == pytest.approx(5, rel=1e-3)


def test_exposures_that_overlap_are_refused() -> None:
    with pytest.raises(RangeError, match="one until 10 d and one from 5 d overlap"):
        Schedule(exposures=(Exposure(start=5 * u.day, stop=20 * u.day), Exposure(start=0.0, stop=10 * u.day)))
    Schedule(exposures=(Exposure(start=0.0, stop=10 * u.day), Exposure(start=10 * u.day, stop=20 * u.day)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schedule.source_off": "-3 d"}, "expected zero or more"),
        ({"zone.without": '[{ kind = "ball", radius = "2 m" }]', "zone.fiducial": "1 m"}, "no target is left"),
    ],
)
def test_cards_that_are_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(CardError, match=message):
        mci.load(CENTER, settings)


def test_a_seed_below_zero_is_refused() -> None:
    with pytest.raises(RangeError, match="seed -1: expected zero or more"):
        design.measure(mci.load(CENTER), "sin2thetaW", toys=10, seed=-1)


def test_what_cannot_be_told_apart_has_no_precision() -> None:
    """A free background of the same shape as what is measured."""
    from megacurie.studies.precision import _fisher

    slope = np.array([1.0, 2.0, 3.0])
    assert _fisher(slope, 2 * slope[:, None], np.full(3, 10.0), 1) is None
    assert _fisher(slope, np.array([[1.0], [0.0], [0.0]]), np.full(3, 10.0), 1) == pytest.approx(1 / math.sqrt(1.3))


def test_pile_up_of_many_decays_is_refused(tmp_path) -> None:
    card = tmp_path / "my.toml"
    card.write_text('base = "juno-cr51-center"\nname = "many"\n[[background]]\nname = "14C"\nspectrum = "14C"\nabundance = 1e-12\npile_up = "10 us"\n')
    with pytest.raises(CardError, match="because only pairs are counted"):
        mci.load(card)
