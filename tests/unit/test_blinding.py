"""Blinding: the hidden factor, the log, and that nothing of a result gives it away."""

import dataclasses
import json
import re
from datetime import datetime

import numpy as np
import pytest

from megacurie.foundation import units as u
from megacurie.foundation.errors import CampaignError, DataError, RangeError
from megacurie.radiochemistry import blinding, export, files, tables
from megacurie.radiochemistry.campaign import Blinding
from megacurie.radiochemistry.simulate import simulate
from megacurie.studies import blinded, portrait, radiochemistry
from megacurie.studies.blinded import blind, blind_curves
from megacurie.studies.rates import ZoneRate

HIDDEN = Blinding(salt="salt", range=0.2)
MADE = dataclasses.replace(simulate(tables.built_in("best-2022"), ratio=0.79, seed=1)[0], blinding=HIDDEN)
RESULT = radiochemistry.measure(MADE)


def test_factors_fill_the_range_evenly() -> None:
    """Of 4000 salts: mean 1, standard deviation range / sqrt 3, within four standard errors; none outside."""
    found = np.array([blinding.factor(Blinding(salt=str(i), range=0.2), "00", "inner") for i in range(4000)])
    assert np.all((found >= 0.8) & (found < 1.2))
    sigma = 0.2 / np.sqrt(3)
    assert abs(found.mean() - 1) < 4 * sigma / np.sqrt(4000)
    assert found.std() == pytest.approx(sigma, rel=4 * np.sqrt(0.8 / 4 / 4000))  # kurtosis of a uniform: 9/5


def test_the_factor_depends_on_salt_data_and_zone() -> None:
    all_ = {blinding.factor(Blinding(salt=salt, range=0.2), data, zone) for salt in "ab" for data in ("00", "11") for zone in ("inner", "outer")}
    assert len(all_) == 8


def test_the_fingerprint_is_that_of_the_events(tmp_path) -> None:
    """Not of the salt, nor of the order of rows; one microsecond of one event changes it, as does an event more."""
    export.write(MADE, tmp_path / "d")
    read = files.read(tmp_path / "d")
    data = blinding.fingerprint(read)
    lines = (tmp_path / "d/events.csv").read_text().splitlines()
    (tmp_path / "d/events.csv").write_text("\n".join([lines[0], *reversed(lines[1:]), ""]))
    assert blinding.fingerprint(files.read(tmp_path / "d")) == data
    assert blinding.fingerprint(dataclasses.replace(read, blinding=None)) == data
    i = next(i for i, line in enumerate(lines) if line.endswith(",") and ",K," in line)
    later = re.sub(r"(\d+\.\d{6})", lambda found: f"{float(found[0]) + 2e-6:.6f}", lines[i], count=1)
    for changed in ([*lines[:i], later, *lines[i + 1 :]], [*lines, later]):
        (tmp_path / "d/events.csv").write_text("\n".join([*changed, ""]))
        assert blinding.fingerprint(files.read(tmp_path / "d")) != data


def test_every_shown_rate_has_the_factor_of_its_zone() -> None:
    shown, data = blind(RESULT, MADE).result, blinding.fingerprint(MADE)
    for kind in ("zones", "extractions"):
        for true, seen in zip(getattr(RESULT, kind), getattr(shown, kind), strict=True):
            by = blinding.factor(HIDDEN, data, true.zone)
            assert abs(by - 1) > 1e-3  # of this salt: something is hidden
            for name in ("rate", "plus", "minus"):
                assert getattr(seen, name) == pytest.approx(by * getattr(true, name), rel=1e-12)
    for true, seen in zip(RESULT.zones, shown.zones, strict=True):
        assert seen.ratio / seen.rate == pytest.approx(true.ratio / true.rate, rel=1e-12)
        assert seen.total_error / seen.rate == pytest.approx(true.total_error / true.rate, rel=1e-12)
    ratio = shown.zones[1].ratio / shown.zones[0].ratio
    assert shown.outer_over_inner["ratio"] == pytest.approx(ratio, rel=1e-12)
    assert abs(ratio / RESULT.outer_over_inner["ratio"] - 1) > 1e-3


def numbers(value):
    """All numbers in a JSON object."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def test_nothing_true_is_left() -> None:
    """No number that depends on the rate stands in both outputs; counts are not there at all."""
    hidden, true = blind(RESULT, MADE).to_dict(), RESULT.to_dict()
    harmless = {0.0, *(float(i) for i in range(11))}  # runs, degrees of freedom
    harmless |= {x for one in true["zones"].values() for x in (one["chi2"],)} | {x for one in true["extractions"] for x in (one["nw2_p"],) if x}
    common = set(numbers(hidden)) & set(numbers(true)) - harmless
    assert not common
    assert "candidates" not in json.dumps(hidden)
    assert "ge71" not in json.dumps(hidden)
    words = str(blind(RESULT, MADE))
    assert words.startswith(blinded.NOTE)
    assert words.endswith(blinded.NOTE)
    for one in RESULT.extractions:
        assert f"{one.rate * u.day:.1f} +{one.plus * u.day:.1f} -{one.minus * u.day:.1f}" not in words
        assert f" {one.candidates} " not in words


@pytest.mark.parametrize("kind", [ZoneRate, radiochemistry.ExtractionRate, radiochemistry.CampaignResult])
def test_whoever_adds_a_field_says_whether_it_gives_the_rate_away(kind) -> None:
    """A field is scaled, known to be harmless, or has a default by which it is hidden."""
    known = {*blinded._SCALED, *blinded._KEPT, *blinded._WITHOUT, *blinded._SHOWN, "diagnostics"}
    assert [item.name for item in dataclasses.fields(kind) if item.name not in known and item.default is dataclasses.MISSING] == []


def test_curves_are_blinded_as_rates_are() -> None:
    (zone, *_) = blind_curves(portrait.likelihood_curves(MADE, ["inner"], points=21), MADE)
    best = zone.rate[zone.log_likelihood.argmax()]
    assert best == pytest.approx(blind(RESULT, MADE).result.zones[0].rate, rel=1e-9)


def test_a_campaign_that_is_not_blinded_cannot_be_hidden() -> None:
    with pytest.raises(DataError, match="is not blinded: expected"):
        blind(RESULT, dataclasses.replace(MADE, blinding=None))


def test_the_log_only_grows(tmp_path) -> None:
    assert blinding.read_log(tmp_path) == ()
    blinding.unblind(tmp_path, "0123456789abcdef", "cuts frozen")
    before = (tmp_path / blinding.LOG).read_bytes()
    blinding.unblind(tmp_path, "fedcba9876543210", "again, with α")
    assert (tmp_path / blinding.LOG).read_bytes().startswith(before)
    one, two = blinding.read_log(tmp_path)
    assert (one.why, two.why) == ("cuts frozen", "again, with α")
    assert datetime.fromisoformat(one.when).utcoffset() is not None
    assert blinding.first((one, two), "fedcba9876543210") == two.when
    assert blinding.first((one, two), "0000000000000000") is None


@pytest.mark.parametrize("why", ["", "  ", "two\nlines", "a\ttab"])
def test_a_reason_is_one_line(tmp_path, why) -> None:
    with pytest.raises(DataError, match="expected a reason in one line"):
        blinding.unblind(tmp_path, "0123456789abcdef", why)
    assert not (tmp_path / blinding.LOG).exists()


@pytest.mark.parametrize("text", ["x\n", "2030-01-01T00:00:00\t0123456789abcdef\twhy\n", "2030-01-01T00:00:00+00:00\t0123\twhy\n", "\n",
                                  "2030-01-01T00:00:00+00:00\t0123456789abcdef\twhy"])  # fmt: skip
def test_a_broken_log_is_refused_and_not_added_to(tmp_path, text) -> None:
    (tmp_path / blinding.LOG).write_text(text)
    with pytest.raises(CampaignError, match="unblinding.log"):
        blinding.unblind(tmp_path, "0123456789abcdef", "why")
    assert (tmp_path / blinding.LOG).read_text() == text


@pytest.mark.parametrize(("salt", "size"), [("", 0.2), ("s", 0.0), ("s", 1.0), ("s", float("nan"))])
def test_what_a_blinding_needs(salt, size) -> None:
    with pytest.raises(RangeError, match="blinding: "):
        Blinding(salt=salt, range=size)
