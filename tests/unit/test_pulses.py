"""Pulses of counters: shares of the shells, windows, cuts, radon after openings, NaI coincidences, calibrations."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import erf

from megacurie.foundation import units as u
from megacurie.radiochemistry import counter, export, files, pulses, tables
from megacurie.radiochemistry.counter import number
from megacurie.radiochemistry.simulate import simulate
from megacurie.radiochemistry.streams import streams

BEST = tables.built_in("best-2022")
MADE = [simulate(BEST, seed=seed) for seed in range(30)]
SIGMA = 4  # hundreds of comparisons in this file


def fillings(made):
    return [(f"{one.zone} {one.run} {c.counter}", one, c) for one in made.extractions for c in one.countings]


def within(found: float, mean: float, variance: float) -> bool:
    return abs(found - mean) <= SIGMA * math.sqrt(variance) + 1e-9


def test_shares_of_the_shells() -> None:
    """In the K window every capture is of the K shell. In the L window the share of the L shell is l : l + (1 - p) alpha, p by the efficiencies."""
    data = {name: number(f"nuclide.ge71.capture.{name}") for name in ("k_auger", "k_xray_alpha", "k_xray_beta", "l", "m")}
    found = expected = variance = below = below_mean = 0.0
    for made, truth in MADE:
        for name, _, c in fillings(made):
            ratio = c.peaks["K"].efficiency / c.peaks["L"].efficiency
            # eff_K : eff_L = auger + p (alpha + beta) : l + (1 - p) alpha, by two lines instead of by one formula
            p = np.array([0.0, 1.0])
            gap = data["k_auger"] + p * (data["k_xray_alpha"] + data["k_xray_beta"]) - ratio * (data["l"] + (1 - p) * data["k_xray_alpha"])
            absorbed = -gap[0] / (gap[1] - gap[0])
            share = data["l"] / (data["l"] + (1 - absorbed) * data["k_xray_alpha"])
            shells = truth.shells[name]
            n = sum(shells["L"].values())
            found, expected, variance = found + shells["L"].get("L", 0), expected + n * share, variance + n * share * (1 - share)
            assert set(shells["K"]) <= {"K"}
            assert n + sum(shells["K"].values()) == sum(truth.decays[f"{' '.join(name.split()[:2])} {peak}"] for peak in "KL")
            seen = data["k_auger"] + absorbed * (data["k_xray_alpha"] + data["k_xray_beta"])
            below += sum(shells["M"].values())
            below_mean += sum(shells["K"].values()) * (data["m"] + (1 - absorbed) * data["k_xray_beta"]) / (seen * passed())
    assert within(found, expected, variance)
    assert abs(below - below_mean) < SIGMA * math.sqrt(below_mean + below_mean**2 / sum(sum(t.shells[n]["K"].values()) for _, t in MADE for n in t.shells))


def passed() -> float:
    """Share of a peak inside two fwhm and below the cut of the rise time."""
    return float(erf(number("window.half_width") * math.sqrt(4 * math.log(2)))) * number("rise_time.accepted")


def test_shares_of_captures_add_to_one() -> None:
    assert sum(number(f"nuclide.ge71.capture.{name}") for name in ("k", "l", "m")) == pytest.approx(1)


def test_candidates_are_those_of_the_windows_and_pass_the_cuts() -> None:
    for made, truth in MADE[:5]:
        for name, _, c in fillings(made):
            p = c.pulses
            for peak, window in c.peaks.items():
                chosen = np.array([a == peak and not b for a, b in zip(p.peak, p.flags, strict=True)])
                assert np.array_equal(p.time[chosen], window.events)
                low, high = truth.windows[name][peak]
                assert np.all((p.energy[chosen] >= low) & (p.energy[chosen] <= high) & (p.rise_time[chosen] <= window.rise_time_cut))
                inside = (p.energy >= low) & (p.energy <= high) & (p.rise_time <= window.rise_time_cut) & np.array([not f for f in p.flags])
                assert np.array_equal(inside, chosen)  # nothing else would pass
            assert np.all(np.diff(p.time) >= 0)
            assert p.energy.min() >= number("window.threshold")


def test_pulses_leave_the_law_of_the_windows_alone() -> None:
    """With or without pulses the times are the same, so that the efficiency of a window is the campaign's."""
    for seed in (0, 7):
        with_, without = (simulate(BEST, ratio=0.79, seed=seed, pulses=flag)[0] for flag in (True, False))
        for one, two in zip(streams(with_), streams(without), strict=True):
            assert np.array_equal(one.times, two.times)
        assert without.extractions[0].countings[0].pulses is None
        assert without.calibrations == ()


def test_mean_and_width_of_the_peaks() -> None:
    """Decays without background: the mean is the energy of the peak, the width grows as the root of the energy."""
    rng, shown = np.random.default_rng(1), counter.Response(resolution=0.2, cuts={"K": 15 * u.ns, "L": 10 * u.ns}, absorbed=0.1)
    n = 20_000
    for peak, energy in (("K", 10.367), ("L", 1.2)):
        sigma = 0.2 / math.sqrt(8 * math.log(2)) * math.sqrt(5.9 * energy)
        both = [shown.energies(peak, rng, n, inside=flag) / u.keV for flag in (True, False)]
        assert abs(both[0].mean() - energy) < SIGMA * sigma / math.sqrt(n)
        assert np.all(np.abs(both[0] - energy) <= 2.3549 * sigma)
        assert np.all((np.abs(both[1] - energy) >= 2.3548 * sigma) | (both[1] == 0))
        # a Gaussian cut at z sigma has the variance 1 - 2 z phi(z) / (1 - 2 tail)
        z = math.sqrt(8 * math.log(2))
        cut = 1 - 2 * z * math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) / math.erf(z / math.sqrt(2))
        assert both[0].std() == pytest.approx(sigma * math.sqrt(cut), rel=SIGMA / math.sqrt(n))
        rise = [shown.rise_times(peak, rng, n, inside=flag) for flag in (True, False)]
        assert rise[0].max() <= shown.cuts[peak] <= rise[1].min()


def test_cut_pulses_are_as_many_as_the_shares_say() -> None:
    """Tracks in the windows with long rise times, and decays that a cut removes: means of Poisson numbers."""
    found = dict.fromkeys("KL", 0)
    mean = dict.fromkeys("KL", 0.0)
    for made, truth in MADE:
        for name, one, c in fillings(made):
            p = c.pulses
            good = np.array([not f for f in p.flags])
            flat = {peak: truth.backgrounds[f"{one.zone} {one.run} {peak}"] for peak in "KL"}
            below = {peak: 1 - math.exp(-0.5 * (c.peaks[peak].rise_time_cut / number("rise_time.extended")) ** 2) for peak in "KL"}
            width = {peak: high - low for peak, (low, high) in truth.windows[name].items()}
            density = min(flat[peak] / (below[peak] * width[peak]) for peak in "KL")
            for peak, window in c.peaks.items():
                low, high = truth.windows[name][peak]
                found[peak] += int(np.sum(good & (p.energy >= low) & (p.energy <= high) & (p.rise_time > window.rise_time_cut)))
                tracks = density * width[peak] * window.live_time
                points = flat[peak] * window.live_time - tracks * below[peak]
                stream = next(s for s in streams(made) if (s.zone, s.run, s.peak) == (one.zone, one.run, peak))
                decays = (stream.weight * truth.rates[one.zone] + stream.offset) * stream.decay_sum / BEST.germanium_decay
                mean[peak] += tracks * (1 - below[peak]) + (decays + points) * (1 / number("rise_time.accepted") - 1)
    for peak in "KL":
        assert within(found[peak], mean[peak], mean[peak])


def test_radon_follows_openings() -> None:
    """Every radon pulse is flagged and less than 2.6 h after an opening, outside of the live intervals; others are live."""
    n = openings = 0
    for made, _ in MADE[:10]:
        for _, _, c in fillings(made):
            window, p = c.peaks["K"], c.pulses
            opened = pulses.openings(c.start, window)
            radon = np.array([flag == "radon" for flag in p.flags])
            since = p.time[radon] - opened[np.searchsorted(opened, p.time[radon], side="right") - 1]
            assert np.all((since >= 0) & (since <= 2.6 * u.hour))
            assert not np.any(window.is_live(p.time[radon]))
            outside = np.array([not (window.is_live(np.array([t]))[0] or c.peaks["L"].is_live(np.array([t]))[0]) for t in p.time[~radon]])
            assert not outside.any()
            n, openings = n + int(radon.sum()), openings + len(opened)
    assert within(n, openings * number("radon.pulses"), openings * number("radon.pulses"))


def test_coincidences_are_flagged() -> None:
    share, good, paired = number("nai.share"), 0, 0
    for made, truth in MADE[:10]:
        for name, _, c in fillings(made):
            p = c.pulses
            flags = np.array(p.flags)
            assert np.array_equal(flags == "nai", p.nai > 0)
            beside = p.energy > truth.windows[name]["K"][1] + 3 * u.keV  # no decays there
            good += int(np.sum(beside & (flags == "")))
            paired += int(np.sum(beside & (flags == "nai")))
    assert within(paired, (good + paired) * share, (good + paired) * share * (1 - share))


def test_calibrations_show_the_gain() -> None:
    """One at each opening; channels as the gain of the counter says, within its error."""
    made, truth = MADE[0]
    opened = [t for _, _, c in fillings(made) for t in pulses.openings(c.start, c.peaks["K"])]
    assert np.allclose([one.time for one in made.calibrations], opened)
    pull = []
    for one in made.calibrations:
        gain = truth.gains[one.counter]
        pull.append((one.channel / (gain.channel * 5.9 * u.keV * (1 + gain.drift * one.time)) - 1) / number("gain.error"))
    assert within(np.sum(np.square(pull)), len(pull), 2 * len(pull))
    assert abs(np.mean(pull)) < SIGMA / math.sqrt(len(pull))


def test_pauses_between_live_intervals_are_the_radon_cut() -> None:
    for _, _, c in fillings(MADE[0][0]):
        for window in c.peaks.values():
            assert np.allclose((window.begin[1:] - window.end[:-1]) / u.hour, 2.6, rtol=1e-6)


def test_there_and_back_through_files(tmp_path) -> None:
    made, _ = MADE[1]
    export.write(made, tmp_path / "d")
    back = files.read(tmp_path / "d")
    for (_, _, one), (_, _, two) in zip(fillings(made), fillings(back), strict=True):
        assert (one.pulses.flags, one.pulses.peak) == (two.pulses.flags, two.pulses.peak)
        for column in ("energy", "rise_time", "adp", "nai"):
            assert np.allclose(getattr(one.pulses, column), getattr(two.pulses, column), rtol=1e-5)  # six digits
        assert {peak: w.rise_time_cut for peak, w in one.peaks.items()} == pytest.approx({peak: w.rise_time_cut for peak, w in two.peaks.items()})
    assert len(back.calibrations) == len(made.calibrations)


def test_one_peak_alone_and_no_background() -> None:
    """A campaign that counts L only, and one whose efficiencies no share of x rays explains: thrown all the same."""

    def alone(peaks):
        return replace(BEST, extractions=tuple(replace(o, countings=tuple(replace(c, peaks=peaks(c.peaks)) for c in o.countings)) for o in BEST.extractions))

    only = simulate(alone(lambda peaks: {"L": peaks["L"]}))[0]
    assert {flag for _, _, c in fillings(only) for flag in c.pulses.peak} <= {"", "L"}
    odd = alone(lambda peaks: {"K": replace(peaks["K"], efficiency=0.01), "L": peaks["L"]})
    assert counter.response(odd.extractions[0].countings[0].peaks, 0.2).absorbed == 0
    simulate(odd)
