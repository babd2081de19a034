"""Lists of the command line, compared as text."""

from dataclasses import replace

import pytest

import megacurie as mci
from megacurie.experiments import cards
from megacurie.foundation import provenance
from megacurie.foundation import units as u
from megacurie.report import listings
from megacurie.studies.published import Checked, Reproduction, Row

ROW = Row(
    id="paper-2020.rate", what="rate", value=50.0, plus=None, minus=None, unit="1/d", ref="Barinov:2021asz", where="Table I", compute="", args={},
    within="0.3 %", because="rounding", status="reproduced", slow=False, reached="", why="",
)  # fmt: skip


def checked(outcome, computed, why="", **row):
    return Checked(row=replace(ROW, **row), computed=computed, outcome=outcome, why=why)


def test_reproduction_groups_by_source_and_gives_a_reason_for_what_differs():
    rows = (
        checked("reproduced", 50.1, why="rounding"),
        checked("explained", 0.0, id="other-2021.zero", value=0.0, unit="1", within="0.1", why="Zero is published.", ref="Bahcall:1997eg"),
        checked("open", 2.5, id="paper-2020.ratio", value=2.0, unit="1", within="0.05", why="Nobody knows."),
        checked("skipped", None, id="paper-2020.slow", why="slow"),
        checked("failed", 60.0, id="paper-2020.wrong", why="outside 0.3 %: rounding"),
    )
    assert listings.reproduction(Reproduction(rows=rows)) == (
        "paper-2020  [Barinov:2021asz]\n"
        "  number  published  computed  deviation  within  status\n"
        "  ------  ---------  --------  ---------  ------  ----------\n"
        "  rate    50 1/d     50.1      +0.2 %     0.3 %   reproduced\n"
        "  ratio   2          2.5       +25 %      0.05    open\n"
        "  slow    50 1/d     -                    0.3 %   skipped\n"
        "  wrong   50 1/d     60        +20 %      0.3 %   failed\n"
        "  open: ratio: Nobody knows.\n"
        "  skipped: slow: slow\n"
        "  failed: wrong: outside 0.3 %: rounding\n"
        "\n"
        "other-2021  [Bahcall:1997eg]\n"
        "  number  published  computed  deviation  within  status\n"
        "  ------  ---------  --------  ---------  ------  ---------\n"
        "  zero    0          0                    0.1     explained\n"
        "  explained: zero: Zero is published.\n"
        "\n"
        "1 of 5 published numbers reproduced, 1 explained, 1 open, 1 skipped, 1 failed."
    )


def test_reproduction_ends_with_the_anomaly_where_it_was_computed():
    rows = (
        checked("reproduced", 0.8, id="giunti-2022.rbar.bahcall-1997", unit="1", value=0.8),
        checked("reproduced", 5.25, id="giunti-2022.significance.bahcall-1997", unit="1", value=5.2),
        checked("reproduced", 4.12, id="paper-2020.significance.ground", unit="1", value=4.1),
        checked("skipped", None, id="paper-2020.significance.other", unit="1", value=9.0),
    )
    *_, first, second = listings.reproduction(Reproduction(rows=rows)).splitlines()
    assert first == "Gallium detectors count 20 % fewer neutrinos than expected: 4.1 to 5.2 sigma, by cross section and treatment of its error."
    assert second == "3 of 4 published numbers reproduced, 0 explained, 0 open, 1 skipped."


def test_reference_data_of_a_few_numbers_tells_their_notes():
    found = provenance.all_data("material.gallium.density")
    assert str(listings.reference_data("material.gallium.density", found)) == (
        "Reference data material.gallium.density\n"
        "  key                       value        reference        where\n"
        "  ------------------------  -----------  ---------------  ----------------------------------------\n"
        "  material.gallium.density  6.095 g/cm3  Barinov:2022wfh  description of the liquid gallium target\n"
        f"  material.gallium.density: {found[0].note}"
    )


def test_reference_data_of_many_numbers_tells_no_notes_but_what_the_dagger_means():
    found = provenance.all_data()
    table = listings.reference_data("", found)
    assert table.title == "Reference data (all)"
    assert len(table.rows) == len(found) > 12
    assert table.notes == ("† assumed or unverified",)


def test_cards_with_and_without_activity():
    best = mci.load("best")
    bare = replace(best, name="bare", source=replace(best.source, history=None))
    assert str(listings.card_list({"best": best, "bare": bare})) == (
        "Built-in experiments ('megacurie show CARD' for one)\n"
        "  card  name  source  activity   zones\n"
        "  ----  ----  ------  ---------  ------------\n"
        "  best  BEST  51Cr    3.414 MCi  inner, outer\n"
        "  bare  bare  51Cr               inner, outer"
    )
    assert len(listings.card_list({name: mci.load(name) for name in cards.built_in()}).rows) == len(cards.built_in())


@pytest.fixture(scope="module")
def scan():
    likelihood = mci.gallium.datasets(only=["best"]).likelihood(mci.ActivityScale())
    return mci.scan(likelihood, {"activity": mci.linspace(0.5, 1.5, 11)})


def test_scan_of_one_parameter(scan):
    table = listings.scan_table(scan, [scan.region(sigma=1), scan.region(confidence=0.9)])
    assert table.title == f"Scan: 11 points, smallest chi2 {scan.chi2.min():.2f}"
    assert table.rows == (
        ("minimum of the grid", "activity = 0.8", ""),
        ("1 sigma, Wilks with 1 parameter", "activity 0.8 to 0.8", "Delta chi2 < 1.00"),
        ("90 %, Wilks with 1 parameter", "activity 0.8 to 0.8", "Delta chi2 < 2.71"),
    )


def test_scan_of_two_parameters_shows_units_and_both_extents():
    likelihood = mci.gallium.datasets(only=["best"]).likelihood(mci.Sterile())
    scan = mci.scan(likelihood, {"dm2": mci.geomspace("0.1 eV2", "10 eV2", 3), "sin2_2theta": mci.linspace(0, 1, 3)})
    table = listings.scan_table(scan, [scan.region(sigma=9 / 2)])
    assert table.title.startswith("Scan: 3 x 3 points, ")
    low, high = scan.region(sigma=9 / 2).bounds("dm2")
    (_, at, _), (label, extent, threshold) = table.rows
    assert at == "dm2 = 10 eV2, sin2_2theta = 0.5"  # there BEST's two zones are both averaged, 1 - s/2 near its .79 and .77
    assert label == "4.5 sigma, Wilks with 2 parameters"
    assert (low, high) == (scan.axes["dm2"].min(), scan.axes["dm2"].max())  # a region that goes on past the axis says so
    assert extent.startswith(f"dm2 {low / u.eV2:.4g} eV2 to {high / u.eV2:.4g} eV2 (to the end of the axis below and above), sin2_2theta ")
    assert threshold == "Delta chi2 < 23.80"  # -2 ln p(4.5 sigma) = -2 ln 6.795e-6
