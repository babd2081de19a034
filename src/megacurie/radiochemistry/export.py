"""A campaign written as a folder, which ``files.read`` reads."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from megacurie.foundation import units
from megacurie.foundation.errors import StoreError
from megacurie.radiochemistry.campaign import Campaign, Counting, Extraction, PeakWindow
from megacurie.radiochemistry.files import TABLES
from megacurie.radiochemistry.heading import SOLAR


def write(campaign: Campaign, folder: str | Path) -> None:
    """Write a campaign: all files into a folder beside it first, which is then renamed.

    Parameters
    ----------
    campaign : Campaign
    folder : str or Path
        Made if it is not there; it may be there if it is empty.

    Raises
    ------
    StoreError
        If the folder holds files, its parent is not there, or it cannot be written.
    """
    folder = Path(folder)
    check_folder(folder)
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir()
        for name, text in contents(campaign).items():
            (part / name).write_text(text, encoding="utf-8")
        os.replace(part, folder)  # onto an empty folder, too
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}. Write into a folder that you may write to") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds files or whose parent is not there, before anything is computed.

    Raises
    ------
    StoreError
        Naming the folder.
    """
    if not folder.name:
        raise StoreError(f"{folder}: expected the name of a folder to make, not the one you are in")
    if not folder.absolute().parent.is_dir():
        raise StoreError(f"{folder}: no folder {str(folder.parent)!r}. Make it first, or write into one that exists")
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder}: is a file; expected the name of a folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise StoreError(f"{folder}: the folder holds other files. Name a new or an empty one")


def contents(campaign: Campaign) -> dict[str, str]:
    """The files of a campaign by name; tables without rows are left out.

    Examples
    --------
    >>> from megacurie.radiochemistry.tables import built_in
    >>> print(*contents(built_in("best-2022")))
    campaign.toml exposures.csv countings.csv rates.csv
    """
    rows = {
        "exposures.csv": _exposures(campaign),
        "countings.csv": _countings(campaign),
        "intervals.csv": _intervals(campaign),
        "events.csv": _events(campaign),
        "calibrations.csv": _calibrations(campaign),
        "rates.csv": _rates(campaign),
    }
    files = {"campaign.toml": _heading(campaign)}
    for name, lines in rows.items():
        found = list(lines)
        if found or (name == "events.csv" and campaign.has_events):
            head = list(TABLES[name].needed)
            files[name] = _csv([*head, *TABLES[name].together] if found and len(found[0]) > len(head) else head, found)
    return files


def _csv(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([head, *rows])
    return stream.getvalue()


def _number(value: float | None, unit: str = "1") -> str:
    return "" if value is None else f"{units.to_display(value, unit):.12g}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # a TOML basic string


def _quantity(value: float, plus: float, minus: float, unit: str) -> str:
    parts = [_text(f"{_number(x, unit)} {unit}") for x in (value, plus, minus)]
    return parts[0] if not (plus or minus) else f"{{ value = {parts[0]}, plus = {parts[1]}, minus = {parts[2]} }}"


def _heading(campaign: Campaign) -> str:
    error = campaign.activity_error * campaign.history.activity
    lines = [f"name = {_text(campaign.name)}"]
    if campaign.references:
        lines.append(f"references = [{', '.join(map(_text, sorted(campaign.references)))}]")
    lines += [
        "",
        "[source]",
        f"nuclide = {_text(campaign.nuclide)}",
        f"activity = {_quantity(campaign.history.activity, error, error, 'MCi')}",
        f"at = {_text(campaign.history.reference_time)}",
        f"half_life = {_text(_number(campaign.history.half_life, 'd') + ' d')}",
        "",
        "[germanium]",
        f"half_life = {_text(_number(campaign.germanium_half_life, 'd') + ' d')}",
    ]
    for zone in campaign.zones:
        lines += ["", "[[zone]]", f"name = {_text(zone.name)}", f"solar = {_text(f'{_number(zone.solar, SOLAR)} {SOLAR}')}"]
        if zone.predicted is not None:
            lines.append(f"predicted = {_quantity(zone.predicted, zone.plus, zone.minus, '1/d')}")
    for item in campaign.systematics:
        lines += ["", "[[systematic]]", f"name = {_text(item.name)}", *(f'{side} = "{_number(getattr(item, side), "%")} %"' for side in ("plus", "minus"))]
    if campaign.blinding is not None:
        lines += ["", "[blinding]", f"salt = {_text(campaign.blinding.salt)}", f"range = {campaign.blinding.range!r}"]
    return "\n".join([*lines, ""])


def _exposures(campaign: Campaign) -> Iterator[list[str]]:
    for one in campaign.extractions:
        times = [campaign.moment(t).isoformat() for t in (one.source_in, one.source_out, one.solar_begin, one.extracted)]
        chemistry = (one.efficiency, one.efficiency_error, one.efficiency_from_gallium, one.efficiency_from_gallium_error)
        yield [one.zone, str(one.run), *times, _number(one.mass, "t"), *map(_number, chemistry)]


def _windows(campaign: Campaign) -> Iterator[tuple[Extraction, Counting, str, PeakWindow, list[str]]]:
    for one in campaign.extractions:
        for counting in one.countings:
            for peak, window in counting.peaks.items():
                yield one, counting, peak, window, [one.zone, str(one.run), counting.counter]


def _countings(campaign: Campaign) -> Iterator[list[str]]:
    known = any(window.rise_time_cut is not None for *_, window, _ in _windows(campaign))
    for _, counting, peak, window, names in _windows(campaign):
        sums = [_number(window.live_time, "d"), _number(window.decay_sum)]
        cut = [_number(window.rise_time_cut, "ns")] if known else []
        yield [*names, campaign.moment(counting.start).isoformat(), peak, _number(window.efficiency), *sums, *cut]


def _intervals(campaign: Campaign) -> Iterator[list[str]]:
    for _, _, peak, window, names in _windows(campaign):
        for begin, end in zip(window.begin, window.end, strict=True):
            yield [*names, peak, campaign.moment(float(begin)).isoformat(), campaign.moment(float(end)).isoformat()]


def _events(campaign: Campaign) -> Iterator[list[str]]:
    for one in campaign.extractions:
        for counting in one.countings:
            names = [one.zone, str(one.run), counting.counter]
            if counting.pulses is not None:
                p = counting.pulses
                detail = (p.energy / units.keV, p.rise_time / units.ns, p.adp, p.nai / units.keV)
                for i, (time, peak, flags) in enumerate(zip(p.time, p.peak, p.flags, strict=True)):
                    yield [*names, _after(time - counting.start), peak, *(f"{column[i]:.6g}" for column in detail), flags]
                continue
            for peak, window in counting.peaks.items():
                for time in window.events if window.events is not None else ():
                    yield [*names, _after(time - counting.start), peak]


def _after(time: float) -> str:
    return f"{time / units.s:.6f}"


def _calibrations(campaign: Campaign) -> Iterator[list[str]]:
    for one in campaign.calibrations:
        yield [one.counter, campaign.moment(one.time).isoformat(), _number(one.energy, "keV"), _number(one.channel), _number(one.resolution)]


def _rates(campaign: Campaign) -> Iterator[list[str]]:
    for one in campaign.rates:
        counts = [str(one.candidates), *map(_number, (one.fitted, one.source, one.solar, one.carried))]
        rates = [_number(rate, "1/d") for rate in (one.rate, one.plus, one.minus)]
        at = "start" if one.at_start else "reference"
        yield [one.zone, "all" if one.run is None else str(one.run), one.peak, at, *counts, *rates, _number(one.nw2), _number(one.probability)]
