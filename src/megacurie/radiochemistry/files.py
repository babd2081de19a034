"""A campaign as a folder: ``campaign.toml`` and tables as CSV files.

Every problem of every file is reported at once, with file and line. An event outside the live time is an error, never dropped.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from megacurie.foundation import units
from megacurie.foundation.arrays import Array
from megacurie.foundation.errors import CampaignError, RangeError, did_you_mean
from megacurie.radiochemistry.campaign import PEAKS, Calibration, Campaign, Counting, Extraction, PeakWindow, PublishedRate, Pulses
from megacurie.radiochemistry.columns import Columns, Line, any_text, moment, number, one_of, read_table, whole, word
from megacurie.radiochemistry.heading import Heading, read_heading

_RUN = {"zone": word, "run": whole(1)}
_FILLING = {**_RUN, "counter": word}
_FRACTION = number(above=0, high=1)
_ERROR = number(low=0, high=1)
TABLES: Mapping[str, Columns] = {
    "exposures.csv": Columns(
        needed={
            **_RUN, "source_in": moment, "source_out": moment, "solar_begin": moment, "extraction": moment, "mass_t": number(above=0),
            "efficiency": _FRACTION, "efficiency_error": _ERROR, "efficiency_from_gallium": _FRACTION, "efficiency_from_gallium_error": _ERROR,
        }
    ),
    "countings.csv": Columns(
        needed={
            **_FILLING, "start": moment, "peak": one_of(*PEAKS), "efficiency": _FRACTION,
            "live_time_d": number(above=0, empty=True), "decay_sum": number(above=0, high=1, empty=True),
        },
        together={"rise_time_cut_ns": number(above=0, empty=True)},
    ),
    "intervals.csv": Columns(needed={**_FILLING, "peak": one_of(*PEAKS), "begin": moment, "end": moment}),
    "events.csv": Columns(
        needed={**_FILLING, "t_live_start_s": number(low=0), "peak": one_of(*PEAKS, "")},
        together={"energy_keV": number(low=0), "rise_time_ns": number(low=0), "adp": number(), "nai_keV": number(low=0), "flags": any_text},
    ),
    "calibrations.csv": Columns(
        needed={"counter": word, "time": moment, "energy_keV": number(above=0), "channel": number(above=0), "resolution": number(above=0)}
    ),
    "rates.csv": Columns(
        needed={
            "zone": word, "run": lambda text: None if text == "all" else whole(1)(text), "peak": one_of(*PEAKS, "KL"), "at": one_of("reference", "start"),
            "candidates": whole(0), "fitted": number(low=0), "source": number(), "solar": number(low=0), "carried": number(low=0),
            "rate_per_day": number(), "plus": number(low=0), "minus": number(low=0),
            "nw2": number(low=0, empty=True), "probability": number(low=0, high=1, empty=True),
        }
    ),
}  # fmt: skip
NEEDED = ("campaign.toml", "exposures.csv", "countings.csv")
_SAME = 1e-3  # sums of live time that are also printed may be rounded

_Filling = tuple[str, int, str]


def read(folder: str | Path) -> Campaign:
    """The campaign of a folder.

    Raises
    ------
    CampaignError
        With every problem of every file: file and line, what was found, what was expected.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CampaignError([f"{folder}: no such folder; expected one with {', '.join(NEEDED)}"])
    problems = [f"{folder / name}: no such file; a campaign needs {', '.join(NEEDED)}" for name in NEEDED if not (folder / name).is_file()]
    known = ("campaign.toml", *TABLES)
    problems += [
        f"{path}: not a file of a campaign. {did_you_mean(path.name, known)}"
        for path in sorted(folder.iterdir())
        if path.suffix in (".csv", ".toml") and path.name not in known
    ]
    heading = read_heading(folder / "campaign.toml", problems) if (folder / "campaign.toml").is_file() else None
    if heading is not None and heading.blinding is not None and not (folder / "events.csv").is_file():
        problems.append(f"{folder / 'campaign.toml'}: blinding: there is no events.csv to blind; rates of rates.csv can be read by all. Leave [blinding] out")
    lines, partial = {}, set()
    for name, columns in TABLES.items():
        if (folder / name).is_file():
            before = len(problems)
            lines[name] = read_table(folder / name, columns, problems)
            if len(problems) > before:
                partial.add(name)
    try:
        campaign = _Reader(folder, heading, lines, problems, partial).campaign()
    except RangeError as error:  # what the parts of a campaign refuse, beyond what is checked row by row
        raise CampaignError([f"{folder}: {error}"]) from None
    if problems or campaign is None:
        raise CampaignError(dict.fromkeys(problems))
    return campaign


class _Reader:
    """Puts the rows of all tables together."""

    def __init__(self, folder: Path, heading: Heading | None, lines: Mapping[str, list[Line]], problems: list[str], partial: set[str]) -> None:
        self.folder, self.heading, self.lines, self.problems = folder, heading, lines, problems
        # what is missing from a table may be in a row that could not be read: one mistake is said once, not by every row that points to it
        self.runs_known = "exposures.csv" not in partial
        self.windows_known = self.runs_known and "countings.csv" not in partial
        self.live_known = "intervals.csv" not in partial
        # the tables are checked when the heading is wrong, too
        self.zero = heading.reference_time if heading else datetime(1970, 1, 1, tzinfo=UTC)
        self.decay = heading.germanium_decay if heading else math.log(2) / units.day

    def campaign(self) -> Campaign | None:
        exposures = self._exposures()
        countings = self._countings(exposures)
        calibrations = self._calibrations({counter for _, _, counter in countings})
        rates = self._rates(exposures)
        if self.problems or self.heading is None:
            return None
        extractions = tuple(_extraction(self, line, tuple(c for key, c in countings.items() if key[:2] == run)) for run, line in exposures.items())
        return self.heading.campaign(extractions=extractions, calibrations=calibrations, rates=rates)

    def at(self, when: datetime) -> float:
        return (when - self.zero).total_seconds() * units.s

    def _exposures(self) -> dict[tuple[str, int], Line]:
        found: dict[tuple[str, int], Line] = {}
        last: dict[str, Line] = {}
        zones = [zone.name for zone in self.heading.zones] if self.heading else None
        for line in self.lines.get("exposures.csv", ()):
            run = (line["zone"], line["run"])
            if zones is not None and line["zone"] not in zones:
                self.problems.append(f"{line.place}: zone: {line['zone']!r} is not a zone of campaign.toml. {did_you_mean(line['zone'], zones)}")
            if run in found:
                self.problems.append(f"{line.place}: {run[0]} {run[1]} stands at {found[run].place} already; expected each run once")
            for one, two in (("source_in", "source_out"), ("source_out", "extraction"), ("solar_begin", "extraction")):
                if line[two] < line[one] or (line[two] == line[one] and one != "source_out"):
                    self.problems.append(f"{line.place}: {two}: {line[two].isoformat()} is not after {one} {line[one].isoformat()}")
            before = last.get(line["zone"])
            if before is not None:
                if line["run"] <= before["run"]:
                    self.problems.append(f"{line.place}: run: {line['run']} after {before['run']}; expected the runs of a zone in their order")
                for one, two in (("extraction", "source_in"), ("source_out", "solar_begin")):
                    if line[two] < before[one]:
                        self.problems.append(f"{line.place}: {two}: {line[two].isoformat()} is before the {one} of the run before, {before[one].isoformat()}")
            found[run] = last[line["zone"]] = line
        if "exposures.csv" in self.lines and not found and not self.problems:
            self.problems.append(f"{self.folder / 'exposures.csv'}: no exposures: expected at least one row")
        return found

    def _known_run(self, line: Line, exposures: Mapping[tuple[str, int], Line]) -> bool:
        """Whether a row belongs to an exposure; said otherwise, unless the exposures are wrong themselves."""
        run = (line["zone"], line["run"])
        if run not in exposures and exposures and self.runs_known:
            names = [f"{zone} {number}" for zone, number in exposures]
            self.problems.append(f"{line.place}: {run[0]} {run[1]} is not in exposures.csv. {did_you_mean(f'{run[0]} {run[1]}', names)}")
        return run in exposures

    def _countings(self, exposures: Mapping[tuple[str, int], Line]) -> dict[_Filling, Counting]:
        rows: dict[_Filling, dict[str, Line]] = defaultdict(dict)
        for line in self.lines.get("countings.csv", ()):
            if not self._known_run(line, exposures):
                continue
            peaks = rows[_filling(line)]
            if line["peak"] in peaks:
                self.problems.append(f"{line.place}: {_said(line)} stands at {peaks[line['peak']].place} already; expected each peak once")
            other = next(iter(peaks.values()), line)
            if other["start"] != line["start"]:
                self.problems.append(f"{line.place}: start: {line['start'].isoformat()}, but {other['start'].isoformat()} at {other.place}")
            source_out = exposures[line["zone"], line["run"]]["source_out"]
            if line["start"] < source_out:
                self.problems.append(f"{line.place}: start: {line['start'].isoformat()} is before the end of the exposure, {source_out.isoformat()}")
            peaks[line["peak"]] = line
        if "countings.csv" in self.lines and not rows and not self.problems:
            self.problems.append(f"{self.folder / 'countings.csv'}: no countings: expected at least one row")
        live = self._live(rows)
        events = self._events(rows, live)
        found = {}
        for filling, peaks in rows.items():
            end = self.at(exposures[filling[:2]]["source_out"])
            windows = {peak: self._window(line, live.get((*filling, peak)), events.get((*filling, peak)), end) for peak, line in peaks.items()}
            start = self.at(next(iter(peaks.values()))["start"])
            if not self.problems:
                pulses = self._pulses(filling, start)
                found[filling] = Counting(counter=filling[2], start=start, peaks={k: w for k, w in windows.items() if w is not None}, pulses=pulses)
        return found

    def _live(self, rows: Mapping[_Filling, Mapping[str, Line]]) -> dict[tuple[str, int, str, str], tuple[Array, Array]]:
        """Live intervals of each window, in the order of time."""
        grouped: dict[tuple[str, int, str, str], list[Line]] = defaultdict(list)
        for line in self.lines.get("intervals.csv", ()):
            if not self._known_window(line, rows):
                continue
            if not line["begin"] < line["end"]:
                self.problems.append(f"{line.place}: end: {line['end'].isoformat()} is not after begin {line['begin'].isoformat()}")
            start = rows[_filling(line)][line["peak"]]["start"]
            if line["begin"] < start:
                self.problems.append(f"{line.place}: begin: {line['begin'].isoformat()} is before the start of the counting, {start.isoformat()}")
            grouped[*_filling(line), line["peak"]].append(line)
        for lines in grouped.values():
            lines.sort(key=lambda line: (line["begin"], line["end"]))
            for one, two in itertools.pairwise(lines):
                if two["begin"] < one["end"]:
                    self.problems.append(f"{two.place}: live interval of {_said(two)} from {two['begin'].isoformat()} overlaps the one at {one.place}, "
                                         f"which ends {one['end'].isoformat()}")  # fmt: skip
        return {
            window: (np.array([self.at(line["begin"]) for line in lines]), np.array([self.at(line["end"]) for line in lines]))
            for window, lines in grouped.items()
        }

    def _known_window(self, line: Line, rows: Mapping[_Filling, Mapping[str, Line]]) -> bool:
        there = line["peak"] in rows.get(_filling(line), ()) if line["peak"] else _filling(line) in rows
        if not there and rows and self.windows_known:
            names = [f"{zone} {run} {counter} {peak}" for (zone, run, counter), peaks in rows.items() for peak in peaks]
            self.problems.append(f"{line.place}: {_said(line)} is not in countings.csv. {did_you_mean(_said(line), names)}")
        return there

    def _events(
        self, rows: Mapping[_Filling, Mapping[str, Line]], live: Mapping[tuple[str, int, str, str], tuple[Array, Array]]
    ) -> dict[tuple[str, int, str, str], Array]:
        """Times of the candidates of each window: events with a peak and without flags."""
        if "events.csv" not in self.lines:
            return {}
        times: dict[tuple[str, int, str, str], list[float]] = {window: [] for window in live}  # without intervals nothing says that no event means none
        for line in self.lines["events.csv"]:
            if not self._known_window(line, rows) or not line["peak"] or line.values.get("flags"):
                continue
            window = (*_filling(line), line["peak"])
            time = self.at(rows[_filling(line)][line["peak"]]["start"]) + line["t_live_start_s"] * units.s
            begin, end = live.get(window, (np.empty(0), np.empty(0)))
            i = int(np.searchsorted(begin, time, side="right")) - 1
            if i < 0 or not time < end[i]:
                if not self.live_known:
                    continue
                self.problems.append(f"{line.place}: t_live_start_s: {line['t_live_start_s']:.6f}: the event lies outside the live intervals of {_said(line)}"
                                     f"{self._nearest(begin, end, time, window, rows)}. Mend intervals.csv, or flag the event")  # fmt: skip
                continue
            times[window].append(time)
        return {window: np.sort(np.array(found)) for window, found in times.items()}

    def _nearest(self, begin: Array, end: Array, time: float, window: tuple[str, int, str, str], rows: Mapping[_Filling, Mapping[str, Line]]) -> str:
        if not begin.size:
            return ", which has none in intervals.csv"
        i = int(np.argmin(np.maximum(begin - time, time - end)))
        start = self.at(rows[window[:3]][window[3]]["start"])
        first, last = ((x - start) / units.s for x in (begin[i], end[i]))
        return f"; the nearest is from {first:.6f} to {last:.6f}"

    def _window(self, line: Line, live: tuple[Array, Array] | None, events: Array | None, source_out: float) -> PeakWindow | None:
        begin, end = live if live is not None else (np.empty(0), np.empty(0))
        sums = {
            "live_time_d": float(np.sum(end - begin)) / units.day,
            "decay_sum": float(np.sum(np.exp(-self.decay * (begin - source_out)) - np.exp(-self.decay * (end - source_out)))),
        }
        for name, value in sums.items():
            if not begin.size:
                if line[name] is None:
                    self.problems.append(f"{line.place}: {name}: empty: expected a number, because {_said(line)} has no rows in intervals.csv")
                    return None
                sums[name] = line[name]
            elif line[name] is not None and self.heading is not None and self.live_known and abs(line[name] - value) > _SAME * value:
                self.problems.append(f"{line.place}: {name}: {line[name]:.6g}, but the intervals of {_said(line)} add to {value:.6g}. Mend or leave empty")
        if self.problems:
            return None
        cut = line.values.get("rise_time_cut_ns")
        return PeakWindow(
            efficiency=line["efficiency"], live_time=sums["live_time_d"] * units.day, decay_sum=sums["decay_sum"], begin=begin, end=end, events=events,
            rise_time_cut=None if cut is None else cut * units.ns,
        )  # fmt: skip

    def _pulses(self, filling: _Filling, start: float) -> Pulses | None:
        lines = [line for line in self.lines.get("events.csv", ()) if _filling(line) == filling]
        if not lines or "energy_keV" not in lines[0].values:
            return None
        lines.sort(key=lambda line: line["t_live_start_s"])

        def column(name: str, unit: float = 1.0) -> Array:
            return np.array([line[name] for line in lines]) * unit

        return Pulses(
            time=start + column("t_live_start_s", units.s),
            energy=column("energy_keV", units.keV),
            rise_time=column("rise_time_ns", units.ns),
            adp=column("adp"),
            nai=column("nai_keV", units.keV),
            flags=tuple(line["flags"] for line in lines),
            peak=tuple(line["peak"] for line in lines),
        )

    def _calibrations(self, counters: set[str]) -> tuple[Calibration, ...]:
        found = []
        for line in self.lines.get("calibrations.csv", ()):
            if counters and line["counter"] not in counters and self.windows_known:
                self.problems.append(f"{line.place}: counter: {line['counter']!r} is not in countings.csv. {did_you_mean(line['counter'], counters)}")
            found.append(
                Calibration(
                    counter=line["counter"],
                    time=self.at(line["time"]),
                    energy=line["energy_keV"] * units.keV,
                    channel=line["channel"],
                    resolution=line["resolution"],
                )
            )
        return tuple(found)

    def _rates(self, exposures: Mapping[tuple[str, int], Line]) -> tuple[PublishedRate, ...]:
        found = []
        for line in self.lines.get("rates.csv", ()):
            if line["run"] is not None:
                self._known_run(line, exposures)
            elif exposures and self.runs_known and line["zone"] not in {zone for zone, _ in exposures}:
                self.problems.append(f"{line.place}: zone: {line['zone']!r} is not in exposures.csv. {did_you_mean(line['zone'], {z for z, _ in exposures})}")
            counts = {name: line[name] for name in ("zone", "run", "peak", "candidates", "fitted", "source", "solar", "carried", "nw2", "probability")}
            rates = {name: line[column] / units.day for name, column in (("rate", "rate_per_day"), ("plus", "plus"), ("minus", "minus"))}
            found.append(PublishedRate(**counts, **rates, at_start=line["at"] == "start"))
        return tuple(found)


def _filling(line: Line) -> _Filling:
    return line["zone"], line["run"], line["counter"]


def _said(line: Line) -> str:
    return " ".join(str(line[name]) for name in ("zone", "run", "counter", "peak")).strip()


def _extraction(reader: _Reader, line: Line, countings: tuple[Counting, ...]) -> Extraction:
    numbers: dict[str, Any] = {name: value for name, value in line.values.items() if name.startswith("efficiency")}
    return Extraction(
        zone=line["zone"],
        run=line["run"],
        source_in=reader.at(line["source_in"]),
        source_out=reader.at(line["source_out"]),
        solar_begin=reader.at(line["solar_begin"]),
        extracted=reader.at(line["extraction"]),
        mass=line["mass_t"] * units.t,
        countings=countings,
        **numbers,
    )
