"""Bad input: the whole message on stderr, exit 2, nothing on stdout, nothing written, no traceback."""

import os
from pathlib import Path

import pytest

MEASUREMENT = """
[measurement]
quantity = "rate"
values = { ball = { value = "50 1/d", plus = "2 1/d", minus = "2 1/d" } }
pulls = [{ name = "common", absolute = "1 1/d" }, { name = "other", relative = "2 %" }]
"""
MODULES = {
    "mine.py": "import megacurie\nclass Plain: pass\nclass Needy(megacurie.Hypothesis):\n    def __init__(self, a): pass\n",
    "broken.py": "def (\n",
    "failing.py": "1 / 0\n",
    "fast.py": (
        "import numpy as np\nimport megacurie as mci\nfrom megacurie import units as u\n"
        "class Fast(mci.Hypothesis):\n"
        "    name = 'fast'\n"
        "    parameters = (mci.Parameter('dm2', 'eV2', low=0.1, high=1000.0, scale='log'),)\n"
        "    def phase(self, theta):\n        return float(np.max(theta['dm2'])) / (4 * u.hbarc)\n"
    ),
}
STERILE = ("-H", "sterile")
POINT = ("--set", "dm2=1 eV2", "--set", "sin2_2theta=0.1")
AXIS = ("--axis", "dm2=0.1 eV2:10 eV2:3:log")
FORM = 'expected NAME=LOW:HIGH:POINTS or NAME=LOW:HIGH:POINTS:log, such as --axis "dm2=0.1 eV2:30 eV2:61:log"'
WHOLE = "'megacurie show --template gallium' prints a whole one"
START = "'megacurie show --template gallium > my.toml' writes one to start from"


def refused(run, message):
    assert run.err.rstrip("\n") == message
    assert (run.code, run.out, run.written) == (2, "", frozenset())


# --- text of a card: what is replaced, by what, and the message after the name of the file

CARDS = {
    "unknown key": (
        "nuclide",
        "nuclid",
        f"source.nuclid: not a key of a card. Did you mean 'nuclide'?\nmy.toml: source.nuclide: missing; a card needs it. {WHOLE}",
    ),
    "unknown key of a zone": ('"ball"\n', '"ball"\nsourc_at = "1 m"\n', "zone[0].sourc_at: not a key of a card. Did you mean 'source_at'?"),
    "unknown key of a shape": ("radius", "raduis", "zone[0].shape.raduis: not a key of a card. Did you mean 'radius'?"),
    "unknown table": ("[target]", "[targte]", "targte: not a key of a card. Did you mean 'target'?"),
    "wrong dimension": ("1 MCi", "3 MeV", "source.activity: '3 MeV': expected activity (Bq, Ci, MCi, PBq), but 'MeV' is a unit of energy"),
    "missing unit": ("1 MCi", "3", "source.activity: '3': no unit; expected activity (Bq, Ci, MCi, PBq). Write '3 Bq' if that is what you mean"),
    "bare number": ('"1 MCi"', "3", 'source.activity: 3: expected text with a unit of activity, such as "1 Bq"'),
    "unknown unit": ("1 MCi", "1 MCy", "source.activity: '1 MCy': 'MCy' is not a known unit. Did you mean 'MCi'?"),
    "negative activity": ("1 MCi", "-1 MCi", "source.activity: '-1 MCi': expected a positive value"),
    "no activity": ("1 MCi", "0 MCi", "source.activity: '0 MCi': expected a positive value"),
    "negative error": ('"1 MCi"', '{ value = "1 MCi", plus = "-1 kCi" }', "source.activity.plus: '-1 kCi': expected zero or more"),
    "nan": ("1 MCi", "nan MCi", "source.activity: 'nan MCi': expected a finite number with a unit of activity, such as '1 Bq'"),
    "inf": ("1 MCi", "inf MCi", "source.activity: 'inf MCi': expected a finite number with a unit of activity, such as '1 Bq'"),
    "too large": ("1 MCi", "1e999 MCi", "source.activity: '1e999 MCi': expected a finite number with a unit of activity, such as '1 Bq'"),
    "nan as a number": ('"1 MCi"', "nan", 'source.activity: nan: expected text with a unit of activity, such as "1 Bq"'),
    "unknown nuclide": ("51Cr", "51cr", "source.nuclide: '51cr' is not a known source nuclide. Did you mean '51Cr'?"),
    "nuclide without data": ("51Cr", "64Cu", "source.nuclide: '64Cu' is not a known source nuclide. Known: 144Ce, 37Ar, 51Cr, 58Co, 65Zn."),
    "nuclide without a capture cross section": ("51Cr", "65Zn", "source.nuclide: no capture cross section on 71Ga for 65Zn. Known: 51Cr, 37Ar"),
    "unknown lines": ("[target]", 'lines = "fuor"\n[target]', "source: 51Cr has no table of lines 'fuor'. Did you mean 'four'?"),
    "unknown calibration": ("[target]", 'calibration = "gama"\n[target]', "source.calibration: 'gama' is not known. Did you mean 'gamma'?"),
    "no date": ("[target]", 'at = "yesterday"\n[target]', "source.at: 'yesterday': expected a date and time, such as \"2019-07-05T14:02+03:00\""),
    "unknown reference": (
        "[target]",
        'ref = "Barinov:2021"\n[target]',
        "source.ref: 'Barinov:2021' is not a known key of references.bib. Did you mean 'Barinov:2021asz'?",
    ),
    "unknown material": ('"gallium"', '"galium"', "target.material: 'galium' is not a known material. Did you mean 'gallium'?"),
    "unknown channel": ("material", 'channel = "cenvs"\nmaterial', "target.channel: 'cenvs' is not a known channel. Did you mean 'cevns'?"),
    "channel of no kind": (
        "material",
        'channel = "x"\nmaterial',
        "target.channel: 'x' is not a known channel. Known: cevns, electron-scattering, ga71-capture, inverse-beta.",
    ),
    "coherent scattering on what": ('material = "gallium"', 'channel = "cevns"', "target.material: missing; coherent scattering needs to know its nuclei"),
    "negative threshold": ("[target]", '[detector]\nthreshold = "-1 keV"\n[target]', "detector.threshold: '-1 keV': expected zero or more"),
    "threshold in metres": (
        "[target]",
        '[detector]\nthreshold = "1 m"\n[target]',
        "detector.threshold: '1 m': expected energy (MeV, keV, eV), but 'm' is a unit of length",
    ),
    "unknown model": (
        "material",
        'cross_section = "bahcal-1997"\nmaterial',
        "target.cross_section: 'bahcal-1997' is not a known cross-section model. Did you mean 'bahcall-1997'?",
    ),
    "efficiency above 1": ("[target]", "[detector]\nefficiency = 1.2\n[target]", "detector.efficiency: 1.2 is outside [0, 1]"),
    "efficiency above 100 %": ("[target]", '[detector]\nefficiency = "120 %"\n[target]', "detector.efficiency: 120 % is outside [0, 1]"),
    "efficiency nan": ("[target]", "[detector]\nefficiency = nan\n[target]", "detector.efficiency: nan is outside [0, 1]"),
    "efficiency true": ("[target]", "[detector]\nefficiency = true\n[target]", "detector.efficiency: True is outside [0, 1]"),
    "a name that is no text": ('"toy"', "3", 'name: 3: expected text, such as "inner"'),
    "text for a shape": ('{ kind = "ball", radius = "1 m" }', '"ball"', "zone[0].shape: 'ball': expected a list, such as [{ key = ... }]"),
    "no shape": ('{ kind = "ball", radius = "1 m" }', "[]", "zone[0].shape: empty; expected at least one table"),
    "text for a table": (
        '{ kind = "ball", radius = "1 m" }',
        '{ kind = "cylinder", radius = "1 m", height = "1 m", fill = "1 m" }',
        "zone[0].shape.fill: '1 m': expected a table, such as { key = ... }",
    ),
    "table for a list": (
        'radius = "1 m" }',
        'radius = "1 m" }\nwithout = { kind = "ball", radius = "2 cm" }',
        "zone[0].without: a table: expected a list, such as [{ key = ... }]",
    ),
    "unknown shape": ('kind = "ball"', 'kind = "bal"', "zone[0].shape.kind: 'bal' is not known. Did you mean 'ball'?"),
    "size of no ball": ('"1 m" }', '"1 m", height = "1 m" }', "zone[0].shape: a ball with height, radius: expected radius (and mass) or mass"),
    "size of no shell": ('kind = "ball"', 'kind = "shell"', "zone[0].shape: a shell with radius: expected inner, outer"),
    "cylinder given twice": (
        '"ball", radius = "1 m"',
        '"cylinder", radius = "1 m", height = "1 m", from = "0 m", to = "1 m"',
        (
            "zone[0].shape: a cylinder with from, height, radius, to: expected "
            "height, radius (and bottom, fill) or from, radius, to (and fill) or bottom, fill, radius"
        ),
    ),
    "zero radius": ("1 m", "0 m", "zone[0].shape.radius: '0 m': expected a positive value"),
    "fill by both": (
        '"ball", radius = "1 m"',
        '"cylinder", radius = "1 m", height = "1 m", fill = { height = "1 m", mass = "1 t" }',
        "zone[0].shape.fill: expected either height or mass",
    ),
    "shell inside out": (
        '"ball", radius = "1 m"',
        '"shell", inner = "2 m", outer = "1 m"',
        "zone[0]: shell: inner radius 2 m: expected less than the outer radius 1 m.",
    ),
    "cylinder upside down": (
        '"ball", radius = "1 m"',
        '"cylinder", radius = "1 m", from = "1 m", to = "0 m"',
        "zone[0]: cylinder: top at 0 m: expected above its bottom at 1 m.",
    ),
    "cylinder without end": (
        '"ball", radius = "1 m"',
        '"cylinder", radius = "1 m", from = "bottom", to = "top"',
        "zone[0]: a target of inf m3: expected a positive finite volume. Do the cavities swallow it, has it a bottom and a top?",
    ),
    "fill that overflows": (
        '"ball", radius = "1 m"',
        '"cylinder", radius = "1 m", height = "1 m", fill = { height = "2 m" }',
        "zone[0]: fill height: 2 m: expected more than 0 and at most the 1 m of the tank.",
    ),
    "cavity that swallows the target": (
        'radius = "1 m" }',
        'radius = "1 m" }\nwithout = [{ kind = "ball", radius = "2 m" }]',
        "zone[0]: a target of 0 m3: expected a positive finite volume. Do the cavities swallow it, has it a bottom and a top?",
    ),
    "mass without material": (
        'material = "gallium"\n\n[[zone]]\nname = "ball"\nshape = { kind = "ball", radius = "1 m" }',
        '[[zone]]\nname = "ball"\nshape = { kind = "ball", mass = "1 t" }',
        "zone[0]: a mass needs a density to become a volume: set target.material",
    ),
    "source that is a shell": (
        "[target]",
        'shape = { kind = "shell", inner = "1 cm", outer = "2 cm" }\n[target]',
        "source.shape: a shell with a reach of 0.02 m; expected a ball or a finite cylinder",
    ),
    "source by mass": (
        "[target]",
        'shape = { kind = "ball", mass = "3 kg" }\n[target]',
        "source.shape: a mass; expected sizes, because the density of the source is not known",
    ),
    "two zones of one name": (
        '"1 m" }',
        '"1 m" }\n[[zone]]\nname = "ball"\nshape = { kind = "ball", radius = "2 m" }',
        "two zones have one name: ball, ball; expected each once",
    ),
    "stop before start": (
        "[target]",
        '[schedule]\nexposures = [{ start = "2 d", stop = "1 d" }]\n[target]',
        "schedule.exposures: exposure from 2 d to 1 d: expected stop after start",
    ),
    "no exposures": ("[target]", "[schedule]\nexposures = []\n[target]", "schedule.exposures: empty; expected at least one table"),
    "never live": (
        "[target]",
        '[schedule]\nexposures = [{ start = "0 d", stop = "1 d", live_fraction = 0 }]\n[target]',
        "schedule.exposures: exposure: live fraction 0.0 is outside (0, 1]",
    ),
    "exposure without stop": (
        "[target]",
        '[schedule]\nexposures = [{ start = "0 d" }]\n[target]',
        f"schedule.exposures[0].stop: missing; a card needs it. {WHOLE}",
    ),
}


@pytest.mark.parametrize("case", CARDS)
def test_cards(megacurie, toy, case):
    old, new, message = CARDS[case]
    refused(megacurie("predict", toy(old, new)), f"my.toml: {message}")


MEASUREMENTS = {
    "zones that do not match": ("{ ball =", "{ bal =", "measurement.values has bal: expected one entry per zone (ball)"),
    "zones of the prediction": ("pulls", 'predicted = { bal = "60 1/d" }\npulls', "measurement.predicted has bal: expected one entry per zone (ball)"),
    "unknown quantity": ('"rate"', '"rates"', "measurement.quantity: 'rates' is not known. Did you mean 'rate'?"),
    "no unit": ("50 1/d", "50", "measurement.values.ball.value: '50': no unit; expected rate (1/d, 1/s). Write '50 1/d' if that is what you mean"),
    "wrong dimension": ("50 1/d", "50 m", "measurement.values.ball.value: '50 m': expected rate (1/d, 1/s), but 'm' is a unit of length"),
    "unit of a ratio": (
        '"rate"',
        '"ratio"',
        "\nmy.toml: ".join(
            f"measurement.{key}: {text!r}: expected dimensionless (1, %), but '1/d' is a unit of activity"
            for key, text in (("values.ball.value", "50 1/d"), ("values.ball.plus", "2 1/d"), ("values.ball.minus", "2 1/d"), ("pulls[0].absolute", "1 1/d"))
        ),
    ),
    "bare number": ('"50 1/d"', "50", 'measurement.values.ball.value: 50: expected text with a unit, such as "54.9 1/d"; a pure number also stands as text'),
    "negative error": ('plus = "2 1/d"', 'plus = "-2 1/d"', "measurement.values.ball.plus: '-2 1/d': expected a positive value"),
    "no error": ('minus = "2 1/d"', 'minus = "0 1/d"', "measurement.values.ball.minus: '0 1/d': expected a positive value"),
    "nothing predicted": ("pulls", 'predicted = { ball = "0 1/d" }\npulls', "measurement.predicted.ball: '0 1/d': expected a positive value"),
    "pull of two kinds": (
        'absolute = "1 1/d"',
        'absolute = "1 1/d", relative = 0.1',
        'measurement.pulls[0]: expected one of absolute, relative, from = "cross_section"',
    ),
    "pull of unknown kind": ('absolute = "1 1/d"', 'from = "xs"', "measurement.pulls[0].from: 'xs' is not known. Known: cross_section."),
    "pull above 1": ('"2 %"', "2", "measurement.pulls[1].relative: 2 is outside [0, 1]"),
    "two pulls of one name": ('"other"', '"common"', "measurement: two pulls have one name: common, common; expected each once"),
}


@pytest.mark.parametrize("case", MEASUREMENTS)
def test_measurements_of_cards(megacurie, toy, case):
    old, new, message = MEASUREMENTS[case]
    assert old in MEASUREMENT
    refused(megacurie("fit", toy(more=MEASUREMENT.replace(old, new)), *STERILE), f"my.toml: {message}")


def test_counts_need_a_schedule_or_a_published_prediction(megacurie, toy):
    text = MEASUREMENT.replace('"rate"', '"counts"').replace(" 1/d", "")
    message = "my.toml: measurement.predicted: missing, and without a [schedule] no counts follow; expected one of the two"
    refused(megacurie("fit", toy(more=text), *STERILE), message)


def test_an_absolute_pull_needs_something_to_compare_it_with(megacurie, toy):
    message = "my.toml: measurement.pulls[0].absolute: nothing to compare it with; expected measurement.predicted, or source.activity"
    refused(megacurie("fit", toy('activity = "1 MCi"\n', "", more=MEASUREMENT), *STERILE), message)


def test_all_problems_of_a_file_at_once(megacurie, toy):
    card = toy("nuclide", "efficiency = 3\nnuclide", more="sourc_at = 3\n[detector]\nefficiency = 1.2\n[[zone]]\nshape = { kind = 'shell' }\n")
    refused(
        megacurie("predict", card),
        "my.toml: detector.efficiency: 1.2 is outside [0, 1]\n"
        "my.toml: source.efficiency: not a key of a card. "
        "Known: activity, at, calibration, half_life, irradiate, lines, note, nuclide, ref, shape, status, where.\n"
        "my.toml: zone[0].sourc_at: not a key of a card. Did you mean 'source_at'?\n"
        f"my.toml: zone[1].name: missing; a card needs it. {WHOLE}\n"
        "my.toml: zone[1].shape: a shell with no size: expected inner, outer",
    )


def test_all_sizes_that_do_not_fit_at_once(megacurie, toy):
    card = toy(
        'radius = "1 m" }',
        'radius = "1 m" }\nwithout = [{ kind = "ball", radius = "2 m" }]',
        more='[schedule]\nexposures = [{ start = "2 d", stop = "1 d" }]\n' + MEASUREMENT.replace("50 1/d", "50"),
    )
    refused(
        megacurie("predict", card),
        "my.toml: zone[0]: a target of 0 m3: expected a positive finite volume. Do the cavities swallow it, has it a bottom and a top?\n"
        "my.toml: schedule.exposures: exposure from 2 d to 1 d: expected stop after start\n"
        "my.toml: measurement.values.ball.value: '50': no unit; expected rate (1/d, 1/s). Write '50 1/d' if that is what you mean",
    )


# --- files

FILES = {
    "": "my.toml: the file is empty: expected a TOML card. 'megacurie show --template gallium' prints one",
    " \n\t\n": "my.toml: the file is empty: expected a TOML card. 'megacurie show --template gallium' prints one",
    "# nothing\n": "\n".join(f"my.toml: {key}: missing; a card needs it. {WHOLE}" for key in ("name", "source", "zone")),
    "name: toy\n": "my.toml: not TOML: Expected '=' after a key in a key/value pair (at line 1, column 5)",
    "name = 'toy'\nzone = []\n": f"my.toml: source: missing; a card needs it. {WHOLE}\nmy.toml: zone: empty; expected at least one table",
    "name = 'toy'\nsource = '51Cr'\nzone = 5\n": (
        "my.toml: source: '51Cr': expected a table, such as { key = ... }\nmy.toml: zone: 5: expected a list, such as [{ key = ... }]"
    ),
}


@pytest.mark.parametrize("text", FILES)
@pytest.mark.parametrize("command", [("show",), ("predict",), ("fit", *STERILE)])
def test_files_that_are_no_cards(megacurie, folder, text, command):
    (folder / "my.toml").write_text(text)
    refused(megacurie(command[0], "my.toml", *command[1:]), FILES[text])


def test_binary_file(megacurie, folder):
    (folder / "my.toml").write_bytes(b"\x80\x81\xff\x00")
    refused(megacurie("predict", "my.toml"), "my.toml: not a text file: expected TOML in UTF-8")


def test_folder_for_a_card(megacurie, folder):
    (folder / "my.toml").mkdir()
    refused(megacurie("predict", "my.toml"), "my.toml: cannot be read: Is a directory; expected a TOML file")


NAMES = {
    ("predict", "bset"): "bset: neither a file nor a built-in card. Did you mean 'best'? 'megacurie show' lists the built-in ones",
    ("show", "x"): "x: neither a file nor a built-in card. 'megacurie show' lists the built-in ones",
    ("predict", "absent.toml"): f"absent.toml: no such file; expected a TOML card. {START}",
    ("fit", "no/absent", *STERILE): f"no/absent: no such file; expected a TOML card. {START}",
    ("predict", "good.toml/x"): f"good.toml/x: no such file; expected a TOML card. {START}",
    ("predict", "x" * 300): f"{'x' * 300}: cannot be read: File name too long; expected a TOML file",
    ("fit", "bset", *STERILE): "megacurie: no data 'bset'. Did you mean 'best'?",
    ("fit", "good.toml", *STERILE): "good.toml: no [measurement] table: expected one to fit to. 'megacurie predict' needs none",
    ("fit", "best", "-H", "sterlie"): "megacurie: no hypothesis 'sterlie'. Did you mean 'sterile'? A class of your own is module:Class",
    ("fit", "best", "-H", "sterile + sterile"): "megacurie: sterile and sterile both change probabilities: expected at most one hypothesis that does",
    ("fit", "best", *STERILE, "--cross-section", "bahcal-1997"): "megacurie: no cross-section model 'bahcal-1997'. Did you mean 'bahcall-1997'?",
    ("fit", "best", *STERILE, "--conventions", "schwetz"): "megacurie: no conventions 'schwetz'. Did you mean 'schwetz-2023'?",
    ("data", "nuclide.cr52"): "megacurie: no reference data begins with 'nuclide.cr52'. Did you mean 'nuclide.cr51'?",
    ("reproduce", "best-2023"): "megacurie: no published number 'best-2023'. Did you mean 'best-2022'?",
    ("reproduce", "best-2022.iner.measured"): "megacurie: no published number 'best-2022.iner.measured'. Did you mean 'best-2022.inner.measured'?",
    ("show", "--template", "galium"): "megacurie: no template 'galium'. Did you mean 'gallium'?",
    ("figure", "region", "-o", "r.pdf"): "megacurie: no figure 'region'. Did you mean 'regions'?",
    ("figure", "regions"): "megacurie: figure needs a NAME and -o FILE: expected such as 'megacurie figure regions -o regions.pdf'; --list shows the names",
    ("figure", "ratios", "-o", "r.pdf", "--conventions", "best"): "megacurie: no conventions 'best'. Did you mean 'best-2022'?",
}


@pytest.mark.parametrize("arguments", NAMES, ids=lambda arguments: " ".join(arguments)[:40])
def test_unknown_names(megacurie, toy, arguments):
    toy(name="good.toml")
    refused(megacurie(*arguments), NAMES[arguments])


# --- settings, parameters and axes

SETTINGS = {
    ("dm2",): 'megacurie: --set dm2: expected KEY=VALUE, such as --set dm2="1.25 eV2"',
    ("=1",): 'megacurie: --set =1: expected KEY=VALUE, such as --set dm2="1.25 eV2"',
    ("dm2= ",): 'megacurie: --set dm2= : expected KEY=VALUE, such as --set dm2="1.25 eV2"',
    ("dm2=1 eV2", "dm2=2 eV2"): "megacurie: --set dm2 is given twice: expected each key once",
    ("source.activity=1 MCi", "source.activity=2 MCi"): "megacurie: --set source.activity is given twice: expected each key once",
    ("dm=1 eV2",): "megacurie: --set dm: not a parameter of the hypothesis. Did you mean 'dm2'?",
    ("dm2=1 eV2",): 'megacurie: sin2_2theta is not set: add --set sin2_2theta="0.5"',
    ("dm2=1", "sin2_2theta=0.1"): 'megacurie: dm2 = 1: no unit. Write dm2="1 eV2"',
    ("dm2=1 m", "sin2_2theta=0.1"): "megacurie: dm2 = 1 m: expected a unit of mass-squared (eV2), but 'm' is a unit of length",
    ("dm2=1 eV2", "sin2_2theta=0.1 m"): "megacurie: sin2_2theta = 0.1 m: expected a plain number, but 'm' is a unit of length",
    ("dm2=1 eV2", "sin2_2theta=1.1"): "megacurie: sin2_2theta = 1.1 is outside its range: expected 0 to 1",
    ("dm2=31 eV2", "sin2_2theta=0.1"): "megacurie: dm2 = 31 eV2 is outside its range: expected 0.05 eV2 to 30 eV2",
    ("dm2=1 eV2", "sin2_2theta=nan"): "megacurie: sin2_2theta = 'nan': expected a finite number, such as 0.5",
    ("dm2=inf eV2", "sin2_2theta=0.1"): "megacurie: dm2 = 'inf eV2': expected a finite number, such as 1.2 eV2",
    ("source.activty=1 MCi",): "best: source.activty: not a key of a card. Did you mean 'activity'?",
    ("sorce.activity=1 MCi",): "best: sorce: not a key of a card. Did you mean 'source'?",
    ("source.activity=1",): "best: source.activity: '1': no unit; expected activity (Bq, Ci, MCi, PBq). Write '1 Bq' if that is what you mean",
    ("zone.iner.mean_path=1 m",): "best: zone.iner.mean_path: no zone 'iner'. Did you mean 'inner'?",
    ("zone.inner=1 m",): "best: zone.inner: a zone, not a key of one; expected such as zone.inner.mean_path",
    ("zone.meanpath=1 m",): "\n".join(f"best: zone[{i}].meanpath: not a key of a card. Did you mean 'mean_path'?" for i in (0, 1)),
    ("zone.inner.shape={ kind = ball }",): "best: zone[0].shape: '{ kind = ball }': expected a list, such as [{ key = ... }]",
    ("detector.efficiency=1.2",): "best: detector.efficiency: 1.2 is outside [0, 1]",
}


@pytest.mark.parametrize("settings", SETTINGS, ids=" ".join)
def test_settings(megacurie, settings):
    arguments = [part for text in settings for part in ("--set", text)]
    if any("." in text.partition("=")[0] for text in settings):
        arguments += POINT
    refused(megacurie("predict", "best", *STERILE, *arguments), SETTINGS[settings])


def test_missing_parameters_are_named_with_the_text_to_add(megacurie):
    message = 'megacurie: sin2_2theta is not set: add --set sin2_2theta="0.5"; dm2 is not set: add --set dm2="1.2 eV2"'
    refused(megacurie("predict", "best", *STERILE), message)


def test_parameters_without_a_hypothesis(megacurie):
    message = "megacurie: --set dm2: the hypothesis has no parameters. Choose one with -H; a key of the card has a dot"
    refused(megacurie("predict", "best", "--set", "dm2=1 eV2"), message)
    message = "megacurie: --set dm2: expected a key of the card, with a dot; parameters belong to predict and fit"
    refused(megacurie("show", "best", "--set", "dm2=1 eV2"), message)


AXES = {
    "dm2": FORM,
    "dm2=": FORM,
    "dm2=0.1 eV2:10 eV2": FORM,
    "dm2=0.1 eV2:10 eV2:3:lg": FORM,
    "dm2=0.1 eV2:10 eV2:3:log:2": FORM,
    "dm=0.1 eV2:10 eV2:3": "'dm' is not a parameter of the hypothesis. Did you mean 'dm2'?",
    "dm2=0.1 eV2:10 eV2:a": "'a' points: expected a whole number from 2 to 100000",
    "dm2=0.1 eV2:10 eV2:²": "'²' points: expected a whole number from 2 to 100000",
    "dm2=0.1 eV2:10 eV2:1": "'1' points: expected a whole number from 2 to 100000",
    "dm2=0.1 eV2:10 eV2:-3": "'-3' points: expected a whole number from 2 to 100000",
    "dm2=0.1 eV2:10 eV2:100001": "'100001' points: expected a whole number from 2 to 100000",
    "dm2=0.1 eV2:10 eV2:2.5": "'2.5' points: expected a whole number from 2 to 100000",
    "dm2=0.1:10:3": 'dm2 = 0.1: no unit. Write dm2="0.1 eV2"',
    "dm2=0.1 m:10 m:3": "dm2 = 0.1 m: expected a unit of mass-squared (eV2), but 'm' is a unit of length",
    "dm2=low:high:3": "dm2 = 'low': expected a finite number, such as 1.2 eV2",
    "dm2=nan eV2:1 eV2:3": "dm2 = 'nan eV2': expected a finite number, such as 1.2 eV2",
    "dm2=:1 eV2:3": "dm2 = '': expected a finite number, such as 1.2 eV2",
    "dm2=10 eV2:1 eV2:3:log": "from 10 eV2 to 1 eV2: expected LOW below HIGH",
    "dm2=1 eV2:1 eV2:3": "from 1 eV2 to 1 eV2: expected LOW below HIGH",
}


@pytest.mark.parametrize("axis", AXES)
def test_malformed_axes(megacurie, axis):
    refused(megacurie("scan", "best", *STERILE, "--axis", axis), f"megacurie: --axis {axis}: {AXES[axis]}")


SCANS = {
    ("--axis", "dm2=0.1 eV2:31 eV2:3"): "dm2 = 31 eV2 is outside its range: expected 0.05 eV2 to 30 eV2",
    ("--axis", "dm2=0 eV2:10 eV2:3:log"): "dm2 = 0 eV2 is outside its range: expected 0.05 eV2 to 30 eV2",
    (*AXIS, *AXIS): "two --axis of the same parameter: expected each once",
    (*AXIS, "--set", "dm2=1 eV2"): "dm2 is both an axis and fixed: expected one of the two",
    (*AXIS, "--sigma", "0"): "level 0.0 sigma: expected a positive number",
    (*AXIS, "--sigma", "nan"): "level nan sigma: expected a positive number",
    (*AXIS, "--cl", "1.5"): "confidence level 1.5: expected a number between 0 and 1",
    (*AXIS, "--cl", "0"): "confidence level 0.0: expected a number between 0 and 1",
    ("--axis", "dm2=0.1 eV2:10 eV2:99999:log", "--axis", "sin2_2theta=0:1:99999"): "9999800001 points on the grid of all --axis: expected at most 10000000",
}


@pytest.mark.parametrize("arguments", SCANS, ids=lambda arguments: " ".join(arguments)[-40:])
def test_scans(megacurie, arguments):
    refused(megacurie("scan", "best", *STERILE, *arguments), f"megacurie: {SCANS[arguments]}")


@pytest.mark.parametrize(
    "arguments",
    [("predict", "best", "--set", "dm2=100 eV2"), ("fit", "best", "--set", "dm2=100 eV2"), ("scan", "best", "--axis", "dm2=1 eV2:100 eV2:3:log")],
    ids=lambda arguments: arguments[0],
)
def test_dm2_beyond_the_reach_names_both_numbers(megacurie, folder, arguments):
    (folder / "fast.py").write_text(MODULES["fast.py"])
    message = 'megacurie: dm2 = 100 eV2 is beyond the reach of the kernel, 30 eV2: its nodes are too few. Build it with dm2_max="100 eV2" or more'
    refused(megacurie(*arguments, "-H", "fast:Fast"), message)


# --- a hypothesis of one's own

CLASSES = {
    "nowhere:X": "ModuleNotFoundError: No module named 'nowhere'; expected a module that can be imported from this folder",
    "broken:X": "SyntaxError: invalid syntax (broken.py, line 1); expected a module that can be imported from this folder",
    "failing:X": "ZeroDivisionError: division by zero; expected a module that can be imported from this folder",
    ":X": "ValueError: Empty module name; expected a module that can be imported from this folder",
    "mine:X": "mine has no class 'X' that derives from megacurie.Hypothesis",
    "mine:": "mine has no class '' that derives from megacurie.Hypothesis",
    "mine:Plain": "mine has no class 'Plain' that derives from megacurie.Hypothesis",
    "mine:megacurie": "mine has no class 'megacurie' that derives from megacurie.Hypothesis",
}


@pytest.mark.parametrize("name", CLASSES)
def test_unreadable_class(megacurie, folder, name):
    for file, text in MODULES.items():
        (folder / file).write_text(text)
    refused(megacurie("fit", "best", "-H", name), f"megacurie: hypothesis {name!r}: {CLASSES[name]}")


def test_class_that_needs_arguments(megacurie, folder):
    (folder / "mine.py").write_text(MODULES["mine.py"])
    run = megacurie("fit", "best", "-H", "mine:Needy")
    wanted = "Needy.__init__() missing 1 required positional argument: 'a'; expected a class that is made without arguments"
    refused(run, f"megacurie: hypothesis 'mine:Needy': {wanted}")


# --- output

WRITING = {
    "predict": ("predict", "best"),
    "fit": ("fit", "best", *STERILE, "--json"),
    "scan": ("scan", "best", *STERILE, *AXIS),
    "reproduce": ("reproduce", "best-2022.inner"),
    "show": ("show", "best"),
    "data": ("data", "material"),
    "figure": ("figure", "ratios"),
}
OUTPUTS = {
    "absent/out.pdf": "megacurie: absent/out.pdf: no folder 'absent'. Make it first, or save into one that exists",
    "file/out.pdf": "megacurie: file/out.pdf: no folder 'file'. Make it first, or save into one that exists",
    "folder.pdf": "megacurie: folder.pdf: 'folder.pdf' is a folder; expected the name of a file. Save under another name",
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("command", WRITING)
def test_output_that_cannot_be(megacurie, folder, command, output):
    (folder / "file").write_text("a regular file")
    (folder / "folder.pdf").mkdir()
    refused(megacurie(*WRITING[command], "-o", output), OUTPUTS[output])


@pytest.mark.parametrize("command", ["predict", "show", "figure"])
def test_folder_that_cannot_be_written(megacurie, folder, command, monkeypatch):
    (folder / "closed").mkdir()
    # root may write anywhere, and tests may run as root: the answer of the system is put in its place
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "closed")

    def deny(path, contents):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", deny)
    run = megacurie(*WRITING[command], "-o", "closed/out.pdf")
    assert run.err.startswith("megacurie: closed/out.pdf: cannot write into 'closed'")
    assert run.err.rstrip().endswith("Save into a folder that you may write to")
    assert (run.code, run.out, run.written) == (2, "", frozenset())


@pytest.mark.parametrize(
    ("name", "message"),
    [("r.jpg", "r.jpg: cannot draw '.jpg': expected .pdf, .svg or .png. Write 'r.pdf'"), ("r", "r: no suffix: expected .pdf, .svg or .png. Write 'r.pdf'")],
)
def test_wrong_suffix_of_a_figure(megacurie, name, message):
    refused(megacurie("figure", "regions", "-o", name), f"megacurie: {message}")


# --- usage, which typer checks: its words are not ours, so only where they point is compared


@pytest.mark.parametrize(
    ("arguments", "points_to"),
    [
        (("bogus",), "bogus"), (("predict",), "CARD"), (("fit", "best"), "--hypothesis"), (("fit", *STERILE), "DATA"), (("scan", "best", *STERILE), "--axis"),
        (("predict", "best", "--bogus"), "--bogus"), (("scan", "best", *STERILE, *AXIS, "--sigma", "x"), "--sigma"),
    ],
)  # fmt: skip
def test_usage(megacurie, arguments, points_to):
    run = megacurie(*arguments)
    assert points_to in run.err
    assert "Traceback" not in run.err
    assert (run.code, run.out, run.written) == (2, "", frozenset())


@pytest.mark.parametrize("arguments", [("predict", "my.toml"), ("show", "my.toml", "-o", "out.txt"), ("fit", "my.toml", *STERILE, "--json")])
def test_installed_command_ends_the_same_way(program, toy, arguments):
    toy("51Cr", "51cr")
    refused(program(*arguments), "my.toml: source.nuclide: '51cr' is not a known source nuclide. Did you mean '51Cr'?")
