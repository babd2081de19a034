"""Blinding: factors on what a campaign shows, drawn from a salt and the data, and the log of when they were lifted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from megacurie.foundation import units
from megacurie.foundation.errors import CampaignError, DataError, StoreError
from megacurie.radiochemistry.campaign import Blinding, Campaign

LOG = "unblinding.log"
_HEX = 16  # digits of a fingerprint
_BITS = 64  # of a hash that make a number in [0, 1)


def fingerprint(campaign: Campaign) -> str:
    """What tells the data of a campaign from others: a hash of the times of its candidates, to the microsecond.

    It does not depend on the order of the rows of a file, nor on the salt.

    Examples
    --------
    >>> from megacurie.radiochemistry import simulate, tables
    >>> best = tables.built_in("best-2022")
    >>> one, two = (fingerprint(simulate.simulate(best, seed=1, pulses=flag)[0]) for flag in (True, False))
    >>> print(len(one), one == two)
    16 True
    """
    text = "\n".join(_lines(campaign))
    return hashlib.sha256(text.encode()).hexdigest()[:_HEX]


def _lines(campaign: Campaign) -> Iterator[str]:
    for one in sorted(campaign.extractions, key=lambda one: (one.zone, one.run)):
        for counting in sorted(one.countings, key=lambda counting: (counting.counter, counting.start)):
            for peak, window in sorted(counting.peaks.items()):
                times = [] if window.events is None else [f"{(time - counting.start) / units.us:.0f}" for time in window.events]
                yield " ".join([one.zone, str(one.run), counting.counter, peak, *times])


def factor(blinding: Blinding, data: str, zone: str) -> float:
    """The hidden factor on the rate of a zone: uniform in 1 - range to 1 + range, the same for the same salt, data and zone.

    Each zone has its own, so that the ratio of two zones is hidden, too.

    Parameters
    ----------
    blinding : Blinding
    data : str
        Fingerprint of the data.
    zone : str

    Examples
    --------
    >>> hidden = Blinding(salt="a secret", range=0.2)
    >>> print(0.8 <= factor(hidden, "00", "inner") < 1.2, factor(hidden, "00", "inner") == factor(hidden, "00", "outer"))
    True False
    """
    digest = hashlib.sha256("\0".join((blinding.salt, data, zone)).encode()).digest()
    u = int.from_bytes(digest[: _BITS // 8], "big") * 2.0**-_BITS
    return 1 + blinding.range * (2 * u - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unblinding:
    """A line of the log: when (ISO-8601 with UTC offset), of which data, why."""

    when: str
    data: str
    why: str


def read_log(folder: Path) -> tuple[Unblinding, ...]:
    """All unblindings of a folder, in their order; none where there is no log.

    Raises
    ------
    CampaignError
        With file and line of what is not a line of such a log.
    """
    path = folder / LOG
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError):
        raise CampaignError([f"{path}: cannot be read as text: expected lines of time, fingerprint and reason. Put back the log as it was"]) from None
    found, problems = [], []
    for n, line in enumerate(text.splitlines(), start=1):
        parts = line.split("\t", 2)
        if len(parts) != 3 or not _is_moment(parts[0]) or len(parts[1]) != _HEX or set(parts[1]) - set("0123456789abcdef") or not parts[2].strip():
            problems.append(f"{path}:{n}: {line[:60]!r}: expected a time with UTC offset, a fingerprint and a reason, with tabs between. "
                            "Put back the log as it was")  # fmt: skip
            continue
        found.append(Unblinding(when=parts[0], data=parts[1], why=parts[2]))
    if text and not text.endswith("\n"):
        problems.append(f"{path}: the last line has no end. Put back the log as it was")
    if problems:
        raise CampaignError(problems)
    return tuple(found)


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).utcoffset() is not None
    except ValueError:
        return False


def first(log: tuple[Unblinding, ...], data: str) -> str | None:
    """When these data were first unblinded, None if they never were."""
    return next((one.when for one in log if one.data == data), None)


def check_reason(why: str) -> None:
    """Refuse a reason that is empty or would not fit into one line.

    Raises
    ------
    DataError
    """
    if not why.strip() or not why.isprintable():
        raise DataError(f'--unblind {why!r}: expected a reason in one line of text, such as --unblind "cuts frozen"')


def unblind(folder: Path, data: str, why: str) -> Unblinding:
    """Append to the log of a folder that its data were unblinded now; on disk when this returns.

    Raises
    ------
    DataError
        If there is no reason.
    CampaignError
        If the log is not one.
    StoreError
        If it cannot be written.
    """
    check_reason(why)
    read_log(folder)
    one = Unblinding(when=datetime.now().astimezone().isoformat(timespec="seconds"), data=data, why=why.strip())
    path = folder / LOG
    try:
        target = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(target, f"{one.when}\t{one.data}\t{one.why}\n".encode())  # one call: lines of two programs do not mix
            os.fsync(target)
        finally:
            os.close(target)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}. Nothing is unblinded without a line in the log") from None
    return one
