"""The reasons given in ``why`` of BEST's measurement, each shown by a calculation."""

import math
from datetime import date

import numpy as np
import pytest

from megacurie import units as u
from megacurie.radiochemistry import tables
from megacurie.studies import assumptions
from megacurie.studies.published import counting
from megacurie.studies.rates import chain, published_rates, zone_rate

BEST = tables.built_in("best-2022")
COMBINED = {(row.zone, row.peak): row for row in BEST.rates if row.run is None}


def test_errors_stand_in_the_wrong_order_in_the_long_paper_and_the_talk() -> None:
    """Every row of the letter has them the other way round, as counts have them: the error upwards is the larger one."""
    for row in tables.printed("best-2022", "rates"):
        assert (row["up_printed"], row["down_printed"]) == (row["down_prl"], row["up_prl"])
        assert float(row["up_prl"]) > float(row["down_prl"])
    for one in BEST.rates:
        if one.peak == "KL":
            assert one.plus > one.minus


def test_total_error_of_the_outer_rate_from_the_printed_statistical_one() -> None:
    row, total = COMBINED["outer", "KL"], chain("best-2022", "prl").printed_plus
    assert math.hypot(row.plus, total * row.rate) * u.day == pytest.approx(3.1, abs=0.05)  # half a unit of the last digit


def test_candidates_of_the_outer_zone() -> None:
    printed = {(row["zone"], row["run"], row["peak"]): int(row["candidates"]) for row in tables.printed("best-2022", "peaks")}
    sums = {peak: sum(n for (zone, run, p), n in printed.items() if (zone, p) == ("outer", peak) and run != "comb") for peak in "KL"}
    assert sums == {"K": 525, "L": 545}
    assert (printed["outer", "comb", "K"], printed["outer", "comb", "L"]) == (524, 545)
    assert printed["outer", "comb", "K"] + printed["outer", "comb", "L"] == int(tables.printed("best-2022", "rates")[-1]["candidates"]) == 1069
    assert COMBINED["outer", "KL"].candidates == sum(sums.values()) == counting.candidates("outer")


def test_candidates_of_both_peaks_are_those_of_each() -> None:
    for row in BEST.rates:
        if row.peak == "KL":
            parts = [one.candidates for one in BEST.rates if (one.zone, one.run) == (row.zone, row.run) and one.peak != "KL"]
            assert sum(parts) == row.candidates


def test_systematic_errors_of_the_letter_within_the_rounding_of_what_goes_in() -> None:
    items = {item.name: item.minus for item in chain("best-2022", "prc").items}
    chemical = math.hypot(*(value for name, value in items.items() if " dG" in name))
    assert round(100 * chemical, 1) == 1.6
    others = math.hypot(*(item.minus for item in chain("best-2022", "prl").items if "subtotal" not in item.name))
    assert round(100 * math.hypot(chemical, 0.0184, others), 1) == 2.5  # 1.84 is printed 1.8


def test_exposures_are_ten_days_apart() -> None:
    ends = np.array([one.extracted for one in BEST.of_zone("inner")])
    assert np.diff(ends).mean() / u.day == pytest.approx(10, abs=0.05)


def test_dates_of_the_schedule() -> None:
    """The talk: exposures from 5 July to 13 October 2019, counting from 16 July 2019 to 20 March 2020."""
    assert BEST.moment(min(one.source_in for one in BEST.extractions)).date() == date(2019, 7, 5)
    assert BEST.moment(max(one.extracted for one in BEST.extractions)).date() == date(2019, 10, 13)
    assert BEST.moment(min(one.countings[0].start for one in BEST.extractions)).date() == date(2019, 7, 16)
    # the last counting had 147 d of live time, so that it ended some days later than this
    assert date(2020, 3, 1) < BEST.moment(counting.schedule("all")).date() < date(2020, 3, 20)


def test_inner_7_is_exposed_to_the_sun_until_its_extraction() -> None:
    """The corrected end is the extraction, as in every other row, and its printed end the begin."""
    zero = 186.585
    for row, one in zip(tables.corrected("best-2022", "exposures"), BEST.extractions, strict=True):
        assert float(row["solar_end"]) == pytest.approx(one.extracted / u.day + zero, abs=0.0011)  # minutes, and .001 d
    printed = {(row["zone"], row["run"]): row for row in tables.printed("best-2022", "exposures")}["inner", "7"]
    assert printed["solar_end"] == printed["solar_begin"]


@pytest.mark.parametrize(("zone", "printed", "measured"), [("inner", 9.7, 7.7), ("outer", 6.8, 5.1)])
def test_carry_over_was_taken_at_the_predicted_rate(zone: str, printed: float, measured: float) -> None:
    """About two counts too many are subtracted in each zone: .3 % of the rate."""
    assert counting.carried(zone, "measured") == pytest.approx(measured, abs=0.05)
    assert abs(counting.carried(zone) - printed) < 0.2 * abs(counting.carried(zone, "measured") - printed)
    effect = next(one for one in assumptions.assumptions().effects if one.assumption == "carry-over at the measured rate")
    assert 0.002 < effect.changes[zone] < 0.003


def test_the_fit_and_the_symmetric_mean() -> None:
    """The printed rate of the inner zone lies between the symmetric mean and the product of likelihoods."""
    rates = published_rates(BEST).zone("inner")
    weights = (0.5 * (rates.plus[0] + rates.minus[0])) ** -2
    symmetric = float(np.sum(weights * rates.value[0]) / weights.sum())
    assert symmetric < COMBINED["inner", "KL"].rate < zone_rate(rates, "inner").rate
    assert symmetric * u.day == pytest.approx(54.3, abs=0.05)  # as the row says
