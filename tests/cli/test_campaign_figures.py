"""``megacurie figure`` of a campaign: what is drawn of a folder, of a published campaign, and what is refused."""

import csv

import pytest

from megacurie.cli.campaign_figures import CAMPAIGN_FIGURES

HEADS = {
    "event-times": ["peak", "low_d", "high_d", "live_d", "candidates", "expected", "background"],
    "event-spectrum": ["low_keV", "high_keV", "pulses", "in_K", "in_L", "flagged"],
    "extraction-rates": ["zone", "run", "rate_per_day", "plus", "minus"],
    "rate-likelihoods": ["zone", "run", "rate_per_day", "minus_two_log"],
    "activity": ["what", "name", "run", "time_d", "end_d", "activity_MCi"],
}
OF_EVENTS = ("event-times", "event-spectrum")


def rows(path):
    with path.open(newline="") as text:
        return list(csv.DictReader(text))


def test_every_figure_is_tried_here() -> None:
    assert set(HEADS) == set(CAMPAIGN_FIGURES)


@pytest.mark.parametrize("name", [name for name in HEADS if name not in OF_EVENTS])
def test_figures_of_a_published_campaign(megacurie, folder, name):
    run = megacurie("figure", name, "-o", f"{name}.svg")
    assert (run.code, run.out, run.err) == (0, "", "")
    assert run.written == {f"{name}.svg", f"{name}.csv", f"{name}.txt"}
    assert list(rows(folder / f"{name}.csv")[0]) == HEADS[name]
    assert "Barinov" in (folder / f"{name}.txt").read_text(encoding="utf-8")


def test_figures_of_a_folder(megacurie, folder):
    """What is drawn is what the folder holds and what ``count`` says of it."""
    assert megacurie("count", "--simulate", "d", "--seed", "3").code == 0
    said = megacurie("count", "d", "--json").json
    for name, head in HEADS.items():
        run = megacurie("figure", name, "--campaign", "d", "-o", f"{name}.svg")
        assert (run.code, run.out, run.err) == (0, "", ""), name
        assert list(rows(folder / f"{name}.csv")[0]) == head
    candidates = sum(one["candidates"] for one in said["extractions"])
    assert sum(float(row["candidates"]) for row in rows(folder / "event-times.csv")) == candidates
    assert sum(float(row["in_K"]) + float(row["in_L"]) for row in rows(folder / "event-spectrum.csv")) == candidates
    drawn = {row["zone"]: row for row in rows(folder / "extraction-rates.csv") if row["run"] == "all"}
    curves = rows(folder / "rate-likelihoods.csv")
    for zone, found in said["zones"].items():
        assert float(drawn[zone]["rate_per_day"]) == pytest.approx(found["rate_per_day"], rel=1e-9)  # ten digits
        lowest = min((row for row in curves if (row["zone"], row["run"]) == (zone, "all")), key=lambda row: float(row["minus_two_log"]))
        assert float(lowest["rate_per_day"]) == pytest.approx(found["rate_per_day"], rel=1e-9)


@pytest.mark.parametrize("name", OF_EVENTS)
def test_without_events_the_way_out_is_named(megacurie, name):
    run = megacurie("figure", name, "-o", "x.svg")
    assert (run.code, run.out, run.written) == (2, "", frozenset())
    assert "BEST: no event times" in run.err
    assert "megacurie count --simulate d" in run.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ratios", "--campaign", "best-2022"), "--campaign: ratios is not drawn of a campaign"),
        (("activity", "--campaign", "best-2021"), "best-2021: neither a folder nor a published campaign"),
        (("event-time",), "Did you mean 'event-times'?"),
    ],
)
def test_what_is_refused(megacurie, arguments, message):
    run = megacurie("figure", *arguments, "-o", "x.svg")
    assert (run.code, run.out, run.written) == (2, "", frozenset())
    assert message in run.err
