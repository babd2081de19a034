"""``megacurie count``."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from megacurie.foundation import units as u
from megacurie.radiochemistry import export, tables
from megacurie.radiochemistry.campaign import Campaign, Counting
from megacurie.radiochemistry.streams import streams

FILES = ("campaign.toml", "exposures.csv", "countings.csv", "rates.csv")


@pytest.fixture
def best(folder):
    """BEST's campaign as a folder."""
    export.write(tables.built_in("best-2022"), folder / "best")
    return folder / "best"


def with_events(rate: float, background: float) -> Campaign:
    """BEST's exposures with sixty days of made-up counting, and events thrown for a rate and a background per day."""
    best, rng = replace(tables.built_in("best-2022"), rates=()), np.random.default_rng(1)
    decay = best.germanium_decay
    empty = []
    for one in best.extractions:
        start = one.countings[0].start
        begin, end = start + np.array([0.0, 31.0]) * u.day, start + np.array([30.0, 60.0]) * u.day
        total = float(np.sum(np.exp(-decay * (begin - one.source_out)) - np.exp(-decay * (end - one.source_out))))
        peaks = {
            name: replace(window, begin=begin, end=end, live_time=float(np.sum(end - begin)), decay_sum=total, events=np.empty(0))
            for name, window in one.countings[0].peaks.items()
        }
        empty.append(replace(one, countings=(Counting(counter="A", start=float(start), peaks=peaks),)))
    found, of = [], {(s.zone, s.run, s.peak): s for s in streams(replace(best, extractions=tuple(empty)))}
    for one in empty:
        (counting,) = one.countings
        peaks = {}
        for name, window in counting.peaks.items():
            stream = of[one.zone, one.run, name]
            amplitude, flat = stream.weight * rate + stream.offset, background / u.day
            most = amplitude + flat
            times = [rng.uniform(a, b, rng.poisson(most * (b - a))) for a, b in zip(stream.begin, stream.end, strict=True)]
            kept = np.sort(np.concatenate([t[rng.uniform(0, most, len(t)) < amplitude * np.exp(-decay * t) + flat] for t in times]))
            peaks[name] = replace(window, events=kept + one.source_out)
        found.append(replace(one, countings=(replace(counting, peaks=peaks),)))
    return replace(best, extractions=tuple(found))


def test_events_of_a_folder_are_fitted(megacurie, folder):
    """Every extraction alone, and each zone with one rate; what was thrown comes out within three of its errors."""
    made = with_events(55 / u.day, 0.1)
    export.write(made, folder / "mine")
    said = megacurie("count", "mine", "--json").json
    assert len(said["extractions"]) == 20
    events = sum(window.events.size for one in made.extractions for window in one.countings[0].peaks.values())
    assert sum(one["candidates"] for one in said["extractions"]) == events
    for zone in said["zones"].values():
        assert abs(zone["rate_per_day"] - 55) < 3 * zone["plus"]
        assert 0.5 < zone["chi2"] / zone["dof"] < 2.5  # 9 degrees of freedom, three sigma
        assert 1.0 < zone["plus"] < 4.0  # BEST: 2.5
    assert said["outer_over_inner"]["ratio"] == pytest.approx(said["zones"]["outer"]["ratio"] / said["zones"]["inner"]["ratio"])
    run = megacurie("count", "mine", "--zone", "inner")
    assert (run.code, run.err) == (0, "")
    assert "inner 10" in run.out


def test_best_in_json(megacurie):
    said = megacurie("count", "best-2022", "--json").json
    assert {"campaign", "extractions", "zones", "outer_over_inner"} <= said.keys()
    assert len(said["extractions"]) == 20
    first = {"zone": "inner", "run": 1, "candidates": 180, "ge71": 176.3, "nw2_p": 0.06}
    assert first.items() <= said["extractions"][0].items()
    assert said["extractions"][0]["rate_per_day"] == pytest.approx(49.4, rel=1e-12)
    # Phys. Rev. Lett. 128, 232501: .79 +- .05, .77 +- .05; the inner rate of a product of likelihoods is 1 % higher
    assert said["zones"]["inner"]["ratio"] == pytest.approx(0.79, abs=0.015)
    assert said["zones"]["outer"]["ratio"] == pytest.approx(0.77, abs=0.005)
    assert said["zones"]["inner"]["ratio_error"] == pytest.approx(0.05, abs=0.005)
    assert said["outer_over_inner"]["ratio_error"] == pytest.approx(0.07, abs=0.005)


def test_best_in_words(megacurie):
    run = megacurie("count", "best-2022")
    assert (run.code, run.err) == (0, "")
    assert "inner 7     91          45.0   64.6 +12.6 -11.6  0.13" in run.out
    assert "Effect of assumptions on the rates, per cent" in run.out
    assert "solar_end printed 246.733, read as 256.633" in run.out


def test_one_zone(megacurie):
    said = megacurie("count", "best-2022", "--zone", "outer", "--json").json
    assert list(said["zones"]) == ["outer"]
    assert said["outer_over_inner"] is None


def test_a_folder_says_what_the_built_in_campaign_says(megacurie, best):
    one, two = (megacurie("count", name, "--json").json for name in ("best-2022", "best"))
    for zone in ("inner", "outer"):
        for key, value in one["zones"][zone].items():
            assert two["zones"][zone][key] == pytest.approx(value, rel=1e-8), key  # twelve digits in files
    assert two["assumptions"] is None  # of published campaigns


def test_check(megacurie, best):
    run = megacurie("count", "best", "--check")
    assert run.code == 0
    assert run.out.startswith("BEST: nothing wrong\n")
    said = megacurie("count", "best", "--check", "--json").json
    assert [len(said[key]) for key in ("zones", "extractions")] == [2, 20]
    assert said["extractions"][0]["countings"][0]["counter"] == "YCT92"


def test_output_to_a_file(megacurie, folder):
    run = megacurie("count", "best-2022", "--json", "-o", "rates.json")
    assert (run.out, run.written) == ("", frozenset({"rates.json"}))
    assert json.loads((folder / "rates.json").read_text(encoding="utf-8"))["campaign"] == "BEST"


@pytest.mark.parametrize("check", [(), ("--check",)])
@pytest.mark.parametrize("name", FILES)
def test_a_corrupted_copy_of_each_file_is_refused_by_name(megacurie, best, folder, name, check):
    text = (best / name).read_text(encoding="utf-8").splitlines(keepends=True)
    for change in ([text[0], text[1].replace(text[1][0], "\x00", 1), *text[2:]], [line[: len(line) // 2] + "\n" for line in text]):
        shutil.copytree(best, folder / "copy")
        (folder / "copy" / name).write_text("".join(change), encoding="utf-8")
        run = megacurie("count", "copy", *check)
        assert (run.code, run.out, run.written) == (2, "", frozenset())
        assert all(line.startswith("copy/") for line in run.err.splitlines()), run.err  # as a compiler's messages do
        assert f"copy/{name}:" in run.err
        assert "Traceback" not in run.err
        shutil.rmtree(folder / "copy")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("best-2021",), "megacurie: best-2021: neither a folder nor a published campaign. Published: best-2022"),
        (("best-2022", "--zone", "iner"), "megacurie: BEST: no zone 'iner'. Did you mean 'inner'?"),
        (("best-2022", "-o", "a/b.txt"), "megacurie: a/b.txt: no folder 'a'. Make it first, or save into one that exists"),
    ],
)
def test_bad_arguments(megacurie, arguments, message):
    run = megacurie("count", *arguments)
    assert (run.code, run.out, run.err.rstrip("\n"), run.written) == (2, "", message, frozenset())


def test_a_file_is_not_a_campaign(megacurie, folder):
    (folder / "exposures.csv").write_text("x\n", encoding="utf-8")
    run = megacurie("count", "exposures.csv")
    assert run.code == 2
    assert "no such folder; expected one with campaign.toml, exposures.csv, countings.csv" in run.err


def test_simulate_and_count(megacurie, folder):
    run = megacurie("count", "--simulate", "d", "--seed", "1", "--ratio", "0.79")
    assert (run.code, run.err) == (0, "")
    truth = json.loads((folder / "d.truth.json").read_text(encoding="utf-8"))
    said = megacurie("count", "d", "--json").json
    for name, zone in said["zones"].items():
        assert abs(zone["rate_per_day"] - truth["rates_per_day"][name]) < 3 * zone["plus"]
    assert "truth" not in " ".join(path.name for path in (folder / "d").iterdir())


@pytest.mark.parametrize("name", ["events.csv", "intervals.csv", "countings.csv", "exposures.csv", "calibrations.csv", "campaign.toml"])
def test_a_corrupted_simulation_is_refused_by_name(megacurie, folder, name):
    assert megacurie("count", "--simulate", "d").code == 0
    lines = (folder / "d" / name).read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "d" / name).write_text("".join([lines[0], *(line[: len(line) // 2] + "\n" for line in lines[1:])]), encoding="utf-8")
    run = megacurie("count", "d")
    assert (run.code, run.out) == (2, "")
    assert f"d/{name}:" in run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--ratio", "0.8"), "--ratio, --seed: expected with --simulate DIR"),
        (("--simulate", "d", "--check"), "--simulate writes a folder: leave --zone, --joint, --check, --unblind, --json and -o out"),
        (("--simulate", "d", "--ratio", "-1"), "ratio -1.0: expected zero or more"),
        (("--simulate", "a/d"), "a/d: no folder 'a'"),
        (("--simulate", "."), ".: expected the name of a folder to make"),
    ],
)
def test_bad_simulations(megacurie, arguments, message):
    run = megacurie("count", *arguments)
    assert (run.code, run.out, run.written) == (2, "", frozenset())
    assert message in run.err


def test_a_truth_is_not_written_over(megacurie, folder):
    (folder / "d.truth.json").write_text("{}", encoding="utf-8")
    run = megacurie("count", "--simulate", "d")
    assert (run.code, run.written) == (2, frozenset())
    assert "d.truth.json: is there already" in run.err
