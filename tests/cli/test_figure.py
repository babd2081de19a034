"""``megacurie figure``, and what holds for every command: help, version, files written whole."""

import csv
import subprocess
import sys
from importlib.metadata import version

import pytest

from megacurie.cli import figure as figures
from megacurie.cli.campaign_figures import CAMPAIGN_FIGURES

HEADS = {
    "ratios": ["measurement", "ratio", "plus", "minus"],
    "regions": ["region", "curve", "sin2_2theta", "dm2_eV2"],
    "fc": ["region", "curve", "sin2_2theta", "dm2_eV2"],
    "paths": ["curve", "distance_m", "fraction"],
    "history": ["experiment", "year", "ratio", "plus", "minus", "sigma"],
    "recoil-spectra": ["experiment", "low_keV", "high_keV", "events_per_keV", "background_per_keV"],
    "significance": ["experiment", "activity_MCi", "find_sigma", "exclude_sigma", "formula_sigma"],
    "sterile-reach": ["curve", "sin2_2theta", "dm2_eV2"],
    "recoil-rates": ["experiment", "low_eV", "high_eV", "events_per_eV", "background_per_eV"],
    "bolometer-reach": ["curve", "sin2_2theta", "dm2_eV2"],
    "flux-precision": ["experiment", "mass_kg", "precision"],
    "target-rates": ["target", "threshold_eV", "events"],
    "activity-mass": ["curve", "mass_kg", "activity_PBq", "mean_flux"],
}
BEGINS = {"pdf": b"%PDF-", "svg": b"<?xml", "png": b"\x89PNG"}
COMMANDS = ("reproduce", "data", "show", "predict", "fit", "scan", "fc", "figure")


@pytest.mark.parametrize(("name", "suffix"), [*((name, "svg") for name in HEADS), *(("ratios", suffix) for suffix in BEGINS if suffix != "svg")])
def test_each_figure_has_its_data_and_caption_beside_it(megacurie, folder, name, suffix):
    run = megacurie("figure", name, "-o", f"{name}.{suffix}")
    assert (run.code, run.out, run.err) == (0, "", "")
    assert run.written == {f"{name}.{suffix}", f"{name}.csv", f"{name}.txt"}
    assert (folder / f"{name}.{suffix}").read_bytes().startswith(BEGINS[suffix])
    with (folder / f"{name}.csv").open(newline="") as text:
        head, *rows = csv.reader(text)
    assert head == HEADS[name]
    assert len(rows) > 4
    assert "\n\nReferences: " in (folder / f"{name}.txt").read_text(encoding="utf-8")


def test_list_names_every_figure(megacurie):
    run = megacurie("figure", "--list")
    assert (run.code, run.err) == (0, "")
    assert {line.split()[0] for line in run.out.splitlines()} == {*HEADS, "explanations", *CAMPAIGN_FIGURES} == {*figures._FIGURES, *CAMPAIGN_FIGURES}
    assert all(len(line.split()) > 3 for line in run.out.splitlines())


def test_options_reach_the_figure(megacurie, folder):
    megacurie("figure", "ratios", "-o", "r.svg", "--cross-section", "kostensalo-2019", "--conventions", "giunti-2022")
    assert "(cross section kostensalo-2019, conventions giunti-2022)" in (folder / "r.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "best", "-H", "sterile"),
        ("fit", "best", "-H", "sterlie", "--json"),
        ("scan", "best", "-H", "sterile", "--axis", "dm2"),
        ("figure", "region"),
    ],
)
def test_a_failing_command_leaves_an_existing_file_as_it_was(megacurie, folder, arguments):
    (folder / "r.pdf").write_text("old")
    run = megacurie(*arguments, "-o", "r.pdf")
    assert (run.code, run.out, run.written) == (2, "", frozenset())
    assert [path.name for path in folder.iterdir()] == ["r.pdf"]


def test_a_working_command_replaces_an_existing_file(megacurie, folder):
    (folder / "out").write_text("old")
    assert megacurie("show", "-o", "out").code == 0
    assert (folder / "out").read_text().startswith("Built-in experiments")
    assert [path.name for path in folder.iterdir()] == ["out"]


def test_version(program, megacurie):
    expected = f"{version('megacurie')}\n"
    for run in (program("--version"), megacurie("--version"), megacurie("--version", "show")):
        assert (run.code, run.out, run.err) == (0, expected, "")


def test_no_command_prints_help(megacurie):
    bare, asked = megacurie(), megacurie("--help")
    assert (bare.code, bare.err) == (asked.code, asked.err) == (0, "")
    assert bare.out.split() == asked.out.split()
    assert all(command in bare.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(megacurie, command):
    run = megacurie(command, "--help")
    assert (run.code, run.err) == (0, "")
    assert run.out.lstrip().startswith(f"Usage: megacurie {command} ")
    assert "--output" in run.out


def test_help_needs_neither_numpy_nor_pydantic():
    code = "import sys, megacurie.cli.main; print(sorted({'numpy', 'pydantic', 'matplotlib', 'scipy', 'rich.progress'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
