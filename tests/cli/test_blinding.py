"""Blinded campaigns on the command line."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TABLE = '\n[blinding]\nsalt = "pepper"\nrange = 0.2\n'


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A simulated campaign, once for all, and its true rates."""
    where = tmp_path_factory.mktemp("campaign")

    def program(*arguments):
        done = subprocess.run([Path(sys.executable).parent / "megacurie", *arguments], cwd=where, capture_output=True, text=True, check=True)
        return done.stdout

    program("count", "--simulate", "mine", "--ratio", "0.79", "--seed", "2")
    return where / "mine", json.loads(program("count", "mine", "--json"))


@pytest.fixture
def mine(folder, simulated):
    """Its true rates; then it is blinded."""
    made, true = simulated
    shutil.copytree(made, folder / "mine")
    with (folder / "mine/campaign.toml").open("a", encoding="utf-8") as text:
        text.write(TABLE)
    return true


def test_there_and_back(megacurie, folder, mine):
    hidden = megacurie("count", "mine", "--json").json
    assert (hidden["blinded"], hidden["first_unblinded"]) == (True, None)
    for name, zone in hidden["zones"].items():
        assert 0.8 <= zone["ratio"] / mine["zones"][name]["ratio"] < 1.2
        assert zone["ratio"] != pytest.approx(mine["zones"][name]["ratio"], rel=1e-3)
    assert megacurie("count", "mine").out.startswith("BLINDED: ")
    assert not (folder / "mine/unblinding.log").exists()

    run = megacurie("count", "mine", "--unblind", "cuts frozen", "--json")
    assert run.written == {"mine/unblinding.log"}
    shown = run.json
    assert shown["blinded"] is False
    assert shown["zones"] == mine["zones"]
    line = (folder / "mine/unblinding.log").read_text(encoding="utf-8")
    when, data, why = line.rstrip("\n").split("\t")
    assert (when, why) == (shown["first_unblinded"], "cuts frozen")
    assert re.fullmatch("[0-9a-f]{16}", data)

    again = megacurie("count", "mine", "--unblind", "to see it again")
    assert "Unblinded " in again.out.splitlines()[0]
    assert (folder / "mine/unblinding.log").read_text(encoding="utf-8").startswith(line)
    hidden = megacurie("count", "mine", "--json").json
    assert (hidden["blinded"], hidden["first_unblinded"]) == (True, when)


def test_check_hides_the_candidates(megacurie, mine):
    assert "hidden" in megacurie("count", "mine", "--check").out
    said = megacurie("count", "mine", "--check", "--json").json
    assert {c["candidates"] for one in said["extractions"] for c in one["countings"]} == {None}


def test_figures_of_a_blinded_campaign(megacurie, folder, mine):
    for name in ("event-times", "event-spectrum"):
        run = megacurie("figure", name, "--campaign", "mine", "-o", "x.svg")
        assert (run.code, run.written) == (2, frozenset())
        assert "the campaign is blinded" in run.err
    hidden = megacurie("count", "mine", "--json").json
    for name in ("extraction-rates", "rate-likelihoods"):
        assert megacurie("figure", name, "--campaign", "mine", "-o", f"{name}.svg").code == 0
        assert (folder / f"{name}.txt").read_text(encoding="utf-8").startswith("BLINDED: ")
    with (folder / "extraction-rates.csv").open(newline="") as text:
        drawn = {row["zone"]: float(row["rate_per_day"]) for row in csv.DictReader(text) if row["run"] == "all"}
    assert drawn == pytest.approx({name: zone["rate_per_day"] for name, zone in hidden["zones"].items()}, rel=1e-9)  # ten digits
    assert megacurie("count", "mine", "--unblind", "done").code == 0
    for name in ("event-times", "extraction-rates"):
        assert megacurie("figure", name, "--campaign", "mine", "-o", f"{name}.svg").code == 0
        assert not (folder / f"{name}.txt").read_text(encoding="utf-8").startswith("BLINDED")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mine", "--unblind", ""), "expected a reason in one line of text"),
        (("mine", "--unblind", "why", "--check"), "--check shows no rates: leave --unblind out"),
        (("best-2022", "--unblind", "why"), "best-2022: is not blinded: leave --unblind out"),
        (("mine", "--unblind", "why", "--zone", "iner"), "no zone 'iner'"),
        (("mine", "--unblind", "why", "--simulate", "d"), "leave --zone, --joint, --check, --unblind"),
        (("mine", "--unblind", "why", "-o", "a/b"), "no folder 'a'"),
    ],
)
def test_what_is_refused_is_not_logged(megacurie, folder, mine, arguments, message):
    run = megacurie("count", *arguments)
    assert (run.code, run.out, run.written) == (2, "", frozenset())
    assert message in run.err
    assert not (folder / "mine/unblinding.log").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("range = 0.2", "range = 2", "blinding.range: 2: expected a number above 0 and below 1, such as 0.2"),
        ("range = 0.2", "", "blinding.range: missing: expected a number"),
        ('salt = "pepper"', "", "blinding.salt: missing"),
        ("salt", "slat", "blinding.slat: not a key of a campaign. Did you mean 'salt'?"),
        ("range = 0.2", "range = true", "blinding.range: True: expected a number"),
    ],
)
def test_a_wrong_table_is_refused(megacurie, folder, mine, old, new, message):
    path = folder / "mine/campaign.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    run = megacurie("count", "mine")
    assert (run.code, run.out) == (2, "")
    assert f"mine/campaign.toml: {message}" in run.err


def test_rates_in_a_table_cannot_be_blinded(megacurie, folder, mine):
    (folder / "mine/events.csv").unlink()
    run = megacurie("count", "mine")
    assert run.code == 2
    assert "mine/campaign.toml: blinding: there is no events.csv to blind" in run.err


def test_a_broken_log_is_refused_by_name(megacurie, folder, mine):
    (folder / "mine/unblinding.log").write_text("never\n", encoding="utf-8")
    for arguments in ((), ("--unblind", "why")):
        run = megacurie("count", "mine", *arguments)
        assert (run.code, run.out, run.written) == (2, "", frozenset())
        assert "mine/unblinding.log:1: 'never': expected a time with UTC offset" in run.err
