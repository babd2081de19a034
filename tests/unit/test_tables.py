"""Tables: rows of results and of what an experiment resolves to."""

from pathlib import Path

import pytest

import megacurie as mci
from megacurie.experiments import cards
from megacurie.foundation import units as u
from megacurie.foundation.display import Table
from megacurie.foundation.errors import RangeError
from megacurie.studies import gallium

MEANING = "† assumed or unverified; 'megacurie data' says why"
CARD = """
name = "design"
[source]
nuclide = "51Cr"
activity = { value = "3 MCi", plus = "0.3 MCi", minus = "0.1 MCi" }
at = "2027-01-01T00:00Z"
[target]
material = "gallium"
cross_section = "ground-state"
[[zone]]
name = "ball"
shape = { kind = "ball", radius = "1 m" }
[detector]
efficiency = 0.3
[schedule]
exposures = [{ start = "0 d", stop = "10 d" }, { start = "12 d", stop = "22 d", live_fraction = 0.5 }]
"""


def rows(card: str | Path, settings: dict[str, str] | None = None) -> dict[str, str]:
    return dict(mci.report.summary(mci.load(card, settings)).rows)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "design.toml"
    path.write_text(CARD)
    return path


def test_table_of_results() -> None:
    data = gallium.datasets(only=["best"])
    assert mci.report.table(data) == data.table()
    fit = mci.fit(data.likelihood(mci.ActivityScale()))
    assert mci.report.table(fit) == fit.table()


def test_what_has_no_table() -> None:
    with pytest.raises(RangeError, match="int has no table: expected data sets, a fit or another result"):
        mci.report.table(3)
    with pytest.raises(RangeError, match=r"Experiment has no table: .* Use report\.summary for an experiment"):
        mci.report.table(mci.load("best"))


def test_summary_of_best() -> None:
    experiment = mci.load("best")
    table = mci.report.summary(experiment)
    found = dict(table.rows)
    assert isinstance(table, Table)
    assert table.title == "BEST"
    assert found["source"] == "51Cr, line table four"
    assert [label for label in found if label.startswith("line ")] == ["line 747 keV", "line 752 keV", "line 427 keV", "line 432 keV"]
    assert found["line 747 keV"] == "0.8163 per decay"
    assert found["activity"] == "3.414 MCi +- 0.008 MCi at 2019-07-05T14:02+03:00"
    assert found["target"] == "gallium of 6.095 g/cm3"
    assert found["density of 71Ga"].startswith("2.1000")
    assert found["density of 71Ga"].endswith("e+22 1/cm3")
    assert found["cross section"] == experiment.channel.describe(experiment.source)
    assert found["cross section"] == f"capture on 71Ga, bahcall-1997: {experiment.channel.average(experiment.source)}"
    assert found["inner: mass"] == f"{experiment.zones[0].shape.volume / u.m3 * 6.095:.5g} t"
    assert found["inner: mean path"].endswith("cm from the shape; published and used 52.03 cm")
    assert found["inner: measured rate"] == "54.9 +2.5 -2.4 1/d; predicted 69.41 1/d (cross section bahcall-1997) [Barinov:2021asz]"


def test_expectation_is_the_kernel() -> None:
    experiment = mci.load("best")
    expected = experiment.kernel().without_new_physics()
    found = rows("best")
    for zone, rate in zip(("inner", "outer"), expected * u.day, strict=True):
        assert found[f"{zone}: expected"] == f"{rate:.5g} 1/d at the reference time"


def test_missing_inputs_are_named(card: Path) -> None:
    assert rows("gallex-cr1")["target"] == "null: missing target.material"
    assert "density of 71Ga" not in rows("gallex-cr1")
    assert rows("gallex-cr1")["tank: expected"] == "null: missing target.material (number of targets per volume)"
    assert "tank: mass" not in rows("gallex-cr1")
    card.write_text(CARD.replace("activity =", "#").replace('material = "gallium"', ""))
    found = rows(card)
    assert found["activity"] == "null: missing source.activity"
    assert found["decays"] == "null: missing source.activity"
    assert found["ball: expected"] == "null: missing source.activity, target.material (number of targets per volume)"


def test_summary_of_a_design(card: Path) -> None:
    experiment = mci.load(card)
    found = rows(card)
    assert found["schedule"] == "2 exposures, 15 d live"
    assert found["decays"] == f"{experiment.schedule.decays(experiment.source.history):.6g}"
    assert found["efficiency"] == "0.3"
    assert found["ball: volume"] == "4.1888 m3"  # 4 pi / 3
    assert found["ball: mean path"] == "100 cm from the shape"
    assert found["ball: mean distance"] == "75 cm of the volume, 50 cm weighted with the flux"  # 3/4 and 1/2 of the radius
    assert found["ball: expected"] == f"{experiment.kernel().without_new_physics()[0]:.5g} events"
    assert found["activity"].startswith("3 MCi +- 0.3 MCi at 2027-01-01T00:00")
    assert not [label for label in found if "measured" in label]


def test_a_note_says_what_a_dagger_means() -> None:
    """The doubts of the card first, each with its dagger; then, where a row has one, what it means."""
    for name in cards.built_in():
        experiment = mci.load(name)
        table = mci.report.summary(experiment)
        marked = any("†" in cell for row in table.rows for cell in row)
        assert table.notes == (*experiment.notes, *([MEANING] if marked else []))


def test_doubts_of_a_card_are_notes(card: Path) -> None:
    assert mci.report.summary(mci.load(card)).notes == (MEANING,)  # of the cross section of the ground state
    card.write_text(CARD.replace('name = "ball"', 'name = "ball"\nstatus = "assumed"\nnote = "a guess"'))
    assert mci.report.summary(mci.load(card)).notes == ("† zone.ball: assumed. a guess", MEANING)
    inner, outer, *_ = mci.report.summary(mci.load("best")).notes
    assert inner.startswith("† zone.inner: assumed. the cavity around the source is not published")
    assert outer.startswith("† zone.outer: assumed. the height of the source above the floor")


def test_density_of_each_target() -> None:
    found = rows("lif7-cr51")
    assert found["target"] == "lif7 of 2.635 g/cm3†"
    assert found["density of 7Li"] == found["density of 19F"]
    # a mole weighs 7.016003 + 18.998403 g; printed digits
    assert float(found["density of 7Li"].removesuffix(" 1/cm3†")) == pytest.approx(2.635 / 26.014407 * 6.02214076e23, rel=1e-6)
    assert found["cross section"] == "coherent scattering on 7Li, 19F, radiative couplings, axial part of 7Li, 19F, exact kinematics"
    assert found["recoils"].startswith("recorded above 20 eV, at most 173.1 eV")  # 7Li: 2 (752 keV)^2/M
    assert found["crystals: expected"].endswith(" events")
    found = rows("jne-500t-cr51-center")
    # 3.3724e29 electrons per ton (note on scattering) at .859 t/m3
    assert float(found["density of electron"].removesuffix(" 1/cm3†")) == pytest.approx(3.3724e29 * 0.859e-6, rel=2e-5)
    assert found["cross section"] == "electron scattering with radiative corrections, sin2 theta_W = 0.2312"
    assert found["recoils"] == "recorded above 200 keV, at most 561.3 keV"


def test_models_derived_for_argon_carry_the_dagger() -> None:
    from megacurie.physics.channels.nuclear_capture import NuclearCapture, models
    from megacurie.physics.sources import source

    derived = [model for model in models() if NuclearCapture(model=model).derived(source("37Ar"))]
    assert derived
    for model in derived:
        table = mci.report.summary(mci.load("sage-ar", {"target.cross_section": model}))
        assert dict(table.rows)["cross section"].endswith("†")
        assert table.notes[-1] == MEANING


def test_unknown_names_of_the_report() -> None:
    with pytest.raises(AttributeError, match=r"module 'megacurie\.report' has no attribute 'tabel'"):
        _ = mci.report.tabel
