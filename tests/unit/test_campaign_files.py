"""Campaigns as folders: what is written is read back, and every problem is said with file and line."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError, StoreError
from megacurie.radiochemistry import export, files, tables
from megacurie.radiochemistry.campaign import Campaign
from megacurie.radiochemistry.simulate import simulate

BEST = tables.built_in("best-2022")
ULPS = 1e-9  # numbers are written with twelve digits

SMALL = {
    "campaign.toml": """\
name = "small"

[source]
nuclide = "51Cr"
activity = { value = "1 MCi", plus = "10 kCi", minus = "10 kCi" }
at = "2030-01-01T00:00Z"

[germanium]
half_life = "11.43 d"

[[zone]]
name = "tank"
solar = "0.02 1/(d t)"
predicted = { value = "20 1/d", plus = "0.6 1/d", minus = "0.5 1/d" }

[[systematic]]
name = "chemistry"
plus = "1.6 %"
minus = "1.5 %"
""",
    "exposures.csv": """\
zone,run,source_in,source_out,solar_begin,extraction,mass_t,efficiency,efficiency_error,efficiency_from_gallium,efficiency_from_gallium_error
tank,1,2030-01-01T00:00Z,2030-01-11T00:00Z,2029-12-31T12:00Z,2030-01-11T06:00Z,7.5,0.95,0.012,0.98,0.01
tank,2,2030-01-12T00:00Z,2030-01-21T00:00Z,2030-01-11T06:00Z,2030-01-21T06:00Z,7.5,0.96,0.012,0.98,0.01
""",
    "countings.csv": """\
zone,run,counter,start,peak,efficiency,live_time_d,decay_sum
tank,1,A,2030-01-12T00:00Z,K,0.36,,
tank,1,A,2030-01-12T00:00Z,L,0.38,,
tank,2,B,2030-01-22T00:00Z,K,0.35,10,
""",
    "intervals.csv": """\
zone,run,counter,peak,begin,end
tank,1,A,K,2030-01-12T00:00Z,2030-01-20T00:00Z
tank,1,A,K,2030-01-21T00:00Z,2030-02-12T00:00Z
tank,1,A,L,2030-01-12T00:00Z,2030-02-12T00:00Z
tank,2,B,K,2030-01-22T00:00Z,2030-02-01T00:00Z
""",
    "events.csv": """\
zone,run,counter,t_live_start_s,peak,energy_keV,rise_time_ns,adp,nai_keV,flags
tank,1,A,3600.5,K,10.4,5.1,1.0,0,
tank,1,A,700000,K,10.2,5.1,1.0,0,radon
tank,1,A,90000,L,1.2,5.1,1.0,0,
tank,1,A,100000,,5.0,50.0,0.4,0,
""",
    "calibrations.csv": """\
counter,time,energy_keV,channel,resolution
A,2030-01-12T00:00Z,5.9,1180,0.21
""",
    "rates.csv": """\
zone,run,peak,at,candidates,fitted,source,solar,carried,rate_per_day,plus,minus,nw2,probability
tank,1,KL,reference,30,28,27,1,0,16,4,3.5,0.05,0.8
tank,all,KL,reference,30,28,27,1,0,16,4,3.5,,
""",
}


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Path]:
    """Writes the small campaign with some files replaced (None leaves one out) and gives the folder."""

    def write(**changes: str | None) -> Path:
        folder = tmp_path / "small"
        folder.mkdir(exist_ok=True)
        for name, text in {**SMALL, **{key.replace("_", ".", 1): text for key, text in changes.items()}}.items():
            if text is not None:
                (folder / name).write_text(text, encoding="utf-8")
        return folder

    return write


def problems(folder: Path) -> list[str]:
    """The lines of the message, with the folder taken off."""
    with pytest.raises(DataError) as caught:
        files.read(folder)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


# --- there and back


def same(one: Campaign, two: Campaign) -> None:
    assert (one.name, one.nuclide, one.references) == (two.name, two.nuclide, two.references)
    assert one.reference_time == two.reference_time
    assert one.history.activity == pytest.approx(two.history.activity, rel=ULPS)
    assert one.source_decay == pytest.approx(two.source_decay, rel=ULPS)
    assert one.germanium_decay == pytest.approx(two.germanium_decay, rel=ULPS)
    for a, b in zip((*one.zones, *one.systematics, *one.rates, *one.calibrations), (*two.zones, *two.systematics, *two.rates, *two.calibrations), strict=True):
        for name in type(a).__slots__:
            left, right = getattr(a, name), getattr(b, name)
            exact = not isinstance(right, float)
            assert left == (right if exact else pytest.approx(right, rel=ULPS, abs=1e-6 * u.s if name == "time" else None)), name
    for first, second in zip(one.extractions, two.extractions, strict=True):
        for name in type(first).__slots__:
            if name not in ("countings", "zone"):
                assert getattr(first, name) == pytest.approx(getattr(second, name), rel=ULPS, abs=1e-6 * u.s), name
        for left, right in zip(first.countings, second.countings, strict=True):
            assert left.counter == right.counter
            assert left.peaks.keys() == right.peaks.keys()
            for peak, window in left.peaks.items():
                other = right.peaks[peak]
                assert window.efficiency == other.efficiency
                assert (window.events is None) == (other.events is None)
                for name in ("live_time", "decay_sum", "begin", "end", *(["events"] if window.events is not None else [])):
                    assert getattr(window, name) == pytest.approx(getattr(other, name), rel=ULPS, abs=(1 if name == "decay_sum" else u.s) * 1e-6), name
            assert (left.pulses is None) == (right.pulses is None)
            if left.pulses is not None and right.pulses is not None:
                assert (left.pulses.flags, left.pulses.peak) == (right.pulses.flags, right.pulses.peak)
                for name in ("time", "energy", "rise_time", "adp", "nai"):
                    assert getattr(left.pulses, name) == pytest.approx(getattr(right.pulses, name), rel=1e-5), name  # six digits


def test_a_published_campaign_is_written_and_read_back(tmp_path: Path) -> None:
    export.write(BEST, tmp_path / "best")
    same(files.read(tmp_path / "best"), BEST)


def test_a_campaign_with_events_is_written_and_read_back(small: Callable[..., Path], tmp_path: Path) -> None:
    campaign = files.read(small())
    export.write(campaign, tmp_path / "again")
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == sorted(SMALL)
    same(files.read(tmp_path / "again"), campaign)


def test_what_a_folder_says(small: Callable[..., Path]) -> None:
    campaign = files.read(small())
    one, two = campaign.extractions
    assert one.extracted / u.day == pytest.approx(10.25, rel=1e-12)
    assert campaign.zones[0].predicted == pytest.approx(20 / u.day, rel=1e-12)
    assert campaign.activity_error == pytest.approx(0.01, rel=1e-9)
    window = one.countings[0].peaks["K"]
    assert window.live_time / u.day == pytest.approx(30, rel=1e-12)
    decay = np.log(2) / 11.43
    assert window.decay_sum == pytest.approx(np.exp(-decay) - np.exp(-9 * decay) + np.exp(-10 * decay) - np.exp(-32 * decay), rel=1e-10)
    assert window.events is not None
    assert window.events / u.s == pytest.approx([11 * 86400 + 3600.5], rel=1e-12)  # one is flagged
    empty = two.countings[0].peaks["K"].events
    assert empty is not None  # counted, and nothing seen
    assert empty.size == 0
    pulses = one.countings[0].pulses
    assert pulses is not None
    assert (pulses.peak, pulses.flags) == (("K", "L", "", "K"), ("", "", "", "radon"))
    assert campaign.has_events
    assert not BEST.has_events


def test_events_need_no_details(small: Callable[..., Path]) -> None:
    folder = small(events_csv="zone,run,counter,t_live_start_s,peak\ntank,1,A,3600.5,K\n")
    counting = files.read(folder).extractions[0].countings[0]
    assert counting.pulses is None
    assert counting.peaks["K"].events is not None


def test_without_intervals_the_sums_are_given(small: Callable[..., Path]) -> None:
    text = SMALL["countings.csv"].replace("0.36,,", "0.36,50.5,0.75").replace("0.38,,", "0.38,50.5,0.75").replace("10,", "10,0.4")
    folder = small(intervals_csv=None, events_csv=None, countings_csv=text)
    window = files.read(folder).extractions[0].countings[0].peaks["K"]
    assert (window.decay_sum, window.events) == (0.75, None)
    assert window.live_time / u.day == pytest.approx(50.5, rel=1e-12)


def test_a_peak_without_intervals_is_not_one_without_events(small: Callable[..., Path]) -> None:
    """Where only sums of the live time are known, no row in events.csv does not mean that nothing was seen."""
    intervals = SMALL["intervals.csv"].replace("tank,2,B,K,2030-01-22T00:00Z,2030-02-01T00:00Z\n", "")
    folder = small(intervals_csv=intervals, countings_csv=SMALL["countings.csv"].replace("0.35,10,", "0.35,10,0.4"))
    one, two = files.read(folder).extractions
    assert one.countings[0].peaks["L"].events is not None
    assert two.countings[0].peaks["K"].events is None


def test_an_extraction_may_follow_at_once(small: Callable[..., Path]) -> None:
    text = SMALL["exposures.csv"].replace("2030-01-11T06:00Z", "2030-01-11T00:00Z").replace("2030-01-12T00:00Z", "2030-01-11T00:00Z")
    one, two = files.read(small(exposures_csv=text)).extractions
    assert one.source_out == one.extracted == two.source_in


def test_what_only_the_whole_refuses_names_the_folder(small: Callable[..., Path]) -> None:
    found = problems(small(exposures_csv=SMALL["exposures.csv"].replace("0.95,0.012", "0.95,1")))
    assert [line.partition(": ")[2] for line in found] == ["tank 1: efficiency_error 1 is outside [0, 1)"]


def test_times_may_have_any_offset_and_rows_comments(small: Callable[..., Path]) -> None:
    text = SMALL["exposures.csv"].replace("2030-01-01T00:00Z", "2030-01-01T03:00+03:00").replace("tank,2", "# a remark\n\ntank,2")
    folder = small(exposures_csv=text)
    assert files.read(folder).extractions[0].source_in == 0.0


# --- writing


def test_a_folder_that_holds_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    export.write(BEST, tmp_path / "there")  # empty: fine
    with pytest.raises(StoreError, match="the folder holds other files. Name a new or an empty one"):
        export.write(BEST, tmp_path / "there")
    with pytest.raises(StoreError, match="no folder"):
        export.write(BEST, tmp_path / "a" / "b")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match="is a file; expected the name of a folder"):
        export.write(BEST, tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "there"]


def test_nothing_is_left_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export.os, "replace", fail)
    with pytest.raises(StoreError, match="cannot be written: No space left on device"):
        export.write(BEST, tmp_path / "best")
    assert not list(tmp_path.iterdir())


# --- what is wrong: file, what is replaced, by what, and the message

WRONG = {
    "time without offset": ("exposures.csv", "2030-01-11T00:00Z", "2030-01-11T00:00",
        "exposures.csv:2: source_out: '2030-01-11T00:00': no UTC offset. Write '2030-01-11T00:00:00+03:00', or Z for UTC, if that is what you mean"),
    "no time": ("exposures.csv", "2030-01-11T00:00Z", "196.376",
        "exposures.csv:2: source_out: '196.376': expected a date and time with UTC offset, such as 2019-07-05T14:02+03:00"),
    "exposure backwards": ("exposures.csv", "1,2030-01-01T00:00Z", "1,2030-01-11T03:00Z",
        "exposures.csv:2: source_out: 2030-01-11T00:00:00+00:00 is not after source_in 2030-01-11T03:00:00+00:00"),
    "exposure before the extraction": ("exposures.csv", "2030-01-12", "2030-01-11",
        "exposures.csv:3: source_in: 2030-01-11T00:00:00+00:00 is before the extraction of the run before, 2030-01-11T06:00:00+00:00"),
    "efficiency in per cent": ("exposures.csv", "0.96", "96", "exposures.csv:3: efficiency: '96': expected a finite number above 0 to 1"),
    "not a number": ("exposures.csv", "7.5,0.95", "nan,0.95", "exposures.csv:2: mass_t: 'nan': expected a finite number above 0"),
    "unknown zone": ("exposures.csv", "tank,2", "tnak,2", "exposures.csv:3: zone: 'tnak' is not a zone of campaign.toml. Did you mean 'tank'?"),
    "run twice": ("exposures.csv", "tank,2", "tank,1", "exposures.csv:3: tank 1 stands at exposures.csv:2 already; expected each run once"),
    "run zero": ("exposures.csv", "tank,2", "tank,0", "exposures.csv:3: run: '0': expected a whole number from 1"),
    "missing cell": ("exposures.csv", ",0.96", "", (
        "exposures.csv:3: 10 cells: expected 11, one for each of zone, run, source_in, source_out, solar_begin, "
        "extraction, mass_t, efficiency, efficiency_error, efficiency_from_gallium, efficiency_from_gallium_error")),
    "misspelt column": ("exposures.csv", "source_out", "source_uot", "exposures.csv:1: 'source_uot' is not a column. Did you mean 'source_out'?"),
    "open quote": ("exposures.csv", "tank,2", '"tank,2', "exposures.csv:3: not CSV: unexpected end of data"),
    "unknown run": ("countings.csv", "tank,2", "tank,3", "countings.csv:4: tank 3 is not in exposures.csv. Did you mean 'tank 2'?"),
    "unknown peak": ("countings.csv", "K,0.35", "M,0.35", "countings.csv:4: peak: 'M': expected 'K' or 'L'"),
    "peak twice": ("countings.csv", "L,0.38", "K,0.38", "countings.csv:3: tank 1 A K stands at countings.csv:2 already; expected each peak once"),
    "two starts": ("countings.csv", "2030-01-12T00:00Z,L", "2030-01-12T01:00Z,L",
        "countings.csv:3: start: 2030-01-12T01:00:00+00:00, but 2030-01-12T00:00:00+00:00 at countings.csv:2"),
    "counting before the end of the exposure": ("countings.csv", "2030-01-22", "2030-01-20",
        "countings.csv:4: start: 2030-01-20T00:00:00+00:00 is before the end of the exposure, 2030-01-21T00:00:00+00:00"),
    "live time that the intervals do not have": ("countings.csv", "0.35,10,", "0.35,11,",
        "countings.csv:4: live_time_d: 11, but the intervals of tank 2 B K add to 10. Mend or leave empty"),
    "interval backwards": ("intervals.csv", "2030-02-01", "2030-01-21",
        "intervals.csv:5: end: 2030-01-21T00:00:00+00:00 is not after begin 2030-01-22T00:00:00+00:00"),
    "overlap": ("intervals.csv", "K,2030-01-21", "K,2030-01-19", (
        "intervals.csv:3: live interval of tank 1 A K from 2030-01-19T00:00:00+00:00 overlaps the one "
        "at intervals.csv:2, which ends 2030-01-20T00:00:00+00:00")),
    "interval before the start": ("intervals.csv", "2030-01-22", "2030-01-21",
        "intervals.csv:5: begin: 2030-01-21T00:00:00+00:00 is before the start of the counting, 2030-01-22T00:00:00+00:00"),
    "interval of no counting": ("intervals.csv", "1,A,L", "1,B,L", "intervals.csv:4: tank 1 B L is not in countings.csv. Did you mean 'tank 1 A L'?"),
    "event in a dead interval": ("events.csv", "3600.5", "694800.25", (
        "events.csv:2: t_live_start_s: 694800.250000: the event lies outside the live intervals of "
        "tank 1 A K; the nearest is from 0.000000 to 691200.000000. Mend intervals.csv, or flag the event")),
    "event after the counting": ("events.csv", "90000,L", "9e6,L", (
        "events.csv:4: t_live_start_s: 9000000.000000: the event lies outside the live intervals of "
        "tank 1 A L; the nearest is from 0.000000 to 2678400.000000. Mend intervals.csv, or flag the event")),
    "event of no counter": ("events.csv", "tank,1,A,100000,,", "tank,1,B,100000,,",
        "events.csv:5: tank 1 B is not in countings.csv. Did you mean 'tank 2 B K'?"),
    "some details": ("events.csv", ",flags", "", "events.csv:1: energy_keV, rise_time_ns, adp, nai_keV without flags: expected all of these columns or none"),
    "unknown counter": ("calibrations.csv", "A,", "C,", "calibrations.csv:2: counter: 'C' is not in countings.csv. Known: A, B."),
    "negative channel": ("calibrations.csv", "1180", "-1180", "calibrations.csv:2: channel: '-1180': expected a finite number above 0"),
    "rate of no run": ("rates.csv", "tank,1", "tank,7", "rates.csv:2: tank 7 is not in exposures.csv. Did you mean 'tank 2'?"),
    "rate of no zone": ("rates.csv", "tank,all", "tnk,all", "rates.csv:3: zone: 'tnk' is not in exposures.csv. Did you mean 'tank'?"),
    "no rate": ("rates.csv", "16,4,3.5,0.05", "x,4,3.5,0.05", "rates.csv:2: rate_per_day: 'x': expected a finite number"),
    "not TOML": ("campaign.toml", '"small"', "small", "campaign.toml: not TOML: Invalid value (at line 1, column 8)"),
    "misspelt key": ("campaign.toml", "half_life", "half_lief", "campaign.toml: germanium.half_lief: not a key of a campaign. Did you mean 'half_life'?"),
    "wrong dimension": ("campaign.toml", "20 1/d", "20 MeV",
        "campaign.toml: zone[0].predicted.value: '20 MeV': expected a unit such as 1/d, but 'MeV' is one of energy"),
    "no unit": ("campaign.toml", '"11.43 d"', "11.43", 'campaign.toml: germanium.half_life: 11.43: expected text with a unit, such as "1 d"'),
    "negative": ("campaign.toml", "0.02 1", "-0.02 1", "campaign.toml: zone[0].solar: '-0.02 1/(d t)': expected zero or more"),
    "reference time without offset": ("campaign.toml", "T00:00Z", "T00:00",
        "campaign.toml: source.at: '2030-01-01T00:00': no UTC offset. Write '2030-01-01T00:00:00+03:00', or Z for UTC, if that is what you mean"),
    "unknown nuclide": ("campaign.toml", "51Cr", "51cr", "campaign.toml: source.nuclide: '51cr' is not a known source nuclide. Did you mean '51Cr'?"),
    "no name": ("campaign.toml", 'name = "small"\n', "", "campaign.toml: name: missing; a campaign needs it"),
    "systematic as a number": ("campaign.toml", '"1.6 %"', "1.6",
        'campaign.toml: systematic[0].plus: 1.6: expected text with a relative error from 0 to below 1, such as "1.6 %"'),
    "unknown reference": ("campaign.toml", "[source]", 'references = ["Barinov:2021"]\n[source]',
        "campaign.toml: references: ref 'Barinov:2021' is not in references.bib. Did you mean 'Barinov:2021asz'?"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_problem_is_said_with_file_and_line(case: str, small: Callable[..., Path]) -> None:
    name, old, new, message = WRONG[case]
    assert old in SMALL[name]
    folder = small(**{name.replace(".", "_"): SMALL[name].replace(old, new, 1)})
    assert message in problems(folder)


def test_all_problems_of_all_files_are_said_at_once(small: Callable[..., Path]) -> None:
    changes = {name: SMALL[name].replace(old, new, 1) for name, old, new, _ in (WRONG[case] for case in ("negative", "efficiency in per cent", "two starts"))}
    found = problems(small(**{name.replace(".", "_"): text for name, text in changes.items()}))
    for case in ("negative", "efficiency in per cent", "two starts"):
        assert WRONG[case][3] in found


@pytest.mark.parametrize("name", SMALL)
def test_a_file_that_is_not_text_is_refused(name: str, small: Callable[..., Path]) -> None:
    folder = small()
    (folder / name).write_bytes(b"\xff\xfe\x00")
    assert f"{name}: not a text file: expected UTF-8" in problems(folder)


@pytest.mark.parametrize("name", SMALL)
def test_an_empty_file_is_refused(name: str, small: Callable[..., Path]) -> None:
    found = problems(small(**{name.replace(".", "_"): ""}))
    assert any(line.startswith(name) for line in found), found


@pytest.mark.parametrize("name", files.NEEDED)
def test_a_missing_file_is_named(name: str, small: Callable[..., Path]) -> None:
    found = problems(small(**{name.replace(".", "_"): None}))
    assert f"{name}: no such file; a campaign needs campaign.toml, exposures.csv, countings.csv" in found


def test_a_file_with_a_wrong_name_is_not_passed_over(small: Callable[..., Path]) -> None:
    folder = small()
    (folder / "events.csv").rename(folder / "event.csv")
    assert problems(folder) == ["event.csv: not a file of a campaign. Did you mean 'events.csv'?"]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape("no such folder; expected one with campaign.toml, exposures.csv, countings.csv")):
        files.read(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["exposures.csv", "countings.csv", "intervals.csv"])
def test_a_row_that_cannot_be_read_is_said_once_not_by_all_that_point_to_it(tmp_path, name) -> None:
    made, _ = simulate(BEST, seed=1)
    export.write(made, tmp_path / "d")
    path = tmp_path / "d" / name
    *rows, last = path.read_text().splitlines()
    cells = last.split(",")
    path.write_text("\n".join([*rows, ",".join([*cells[:-2], "x?", cells[-1]])]) + "\n")
    with pytest.raises(DataError) as caught:
        files.read(tmp_path / "d")
    assert str(caught.value).count("\n") == 0
    assert f"{name}:{len(rows) + 1}: " in str(caught.value)
