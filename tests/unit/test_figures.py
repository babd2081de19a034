"""Figures: what is drawn is the result, what is written is what is drawn; never pixels."""

import csv
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import same_color
from matplotlib.path import Path as Outline

import megacurie as mci
from megacurie.foundation import units as u
from megacurie.foundation.errors import DataError, RangeError, StoreError
from megacurie.foundation.parameters import Parameter
from megacurie.report import figures
from megacurie.report.output import author_year, cited, columns
from megacurie.statistics.results import Fit, Region, Scan
from megacurie.studies import gallium
from megacurie.studies.gallium import Datasets

PRINTED = 1e-9  # ten digits of the CSV
ROUNDING = 1e-12
X, Y = Parameter("s", "", low=0.0, high=1.0, label="$s$"), Parameter("dm2", "eV2", low=0.1, high=10.0, scale="log")


@pytest.fixture(scope="module")
def data() -> Datasets:
    return gallium.datasets()


@pytest.fixture(scope="module")
def scan() -> Scan:
    axes = {"sin2_2theta": mci.linspace(0, 1, 41), "dm2": mci.geomspace("0.05 eV2", "30 eV2", 41)}
    return mci.scan(gallium.datasets(only=["best"]).likelihood(mci.Sterile()), axes)


@pytest.fixture(scope="module")
def fit() -> Fit:
    return mci.fit(gallium.datasets(only=["best"]).likelihood(mci.Sterile()))


def made_up(chi2: np.ndarray, threshold: float = 1.0, label: str = "1 sigma, made up") -> Region:
    """A region on 21 x 31 points, chi2 in positions between the bounds."""
    axes = {"s": np.linspace(0, 1, 21), "dm2": np.geomspace(0.1, 10, 31) * u.eV2}
    return Region(parameters=(X, Y), axes=axes, delta_chi2=chi2, threshold=threshold, label=label, references=frozenset({"Bahcall:1997eg"}))


def positions() -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 31), indexing="ij")
    return x, y


DISC = 4 * (positions()[0] ** 2 + positions()[1] ** 2)
RING = 50 * (positions()[0] ** 2 + positions()[1] ** 2 - 0.4) ** 2
HALF = 10 * (positions()[0] + 0.31)  # open: to the edge of the grid on three sides
TIP = 10 * (positions()[0] + positions()[1] ** 2 + 0.33)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- ratios


def test_ratios_draw_the_measurement(data: Datasets) -> None:
    (ax,) = figures.ratios(data).axes
    drawn = {}
    for bars in ax.containers:
        points, _, (errors,) = bars
        for x, y, segment in zip(points.get_xdata(), points.get_ydata(), errors.get_segments(), strict=True):
            drawn[int(y)] = (x, segment[0, 0], segment[1, 0])
    m = data.measurement
    assert sorted(drawn) == list(range(6))
    for i, (value, low, high) in drawn.items():
        assert (value, low, high) == pytest.approx((m.values[i], m.values[i] - m.minus[i], m.values[i] + m.plus[i]), rel=ROUNDING)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["GALLEX-Cr1", "GALLEX-Cr2", "SAGE-Cr", "SAGE-Ar", "BEST inner", "BEST outer"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top


def test_sources_have_their_own_marks(data: Datasets) -> None:
    ax = figures.ratios(data).axes[0]
    assert [bars[0].get_marker() for bars in ax.containers] == ["o", "s"]
    legend = ax.get_figure().legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["$^{51}$Cr", "$^{37}$Ar"]


def test_mean_is_a_band_and_a_row(data: Datasets) -> None:
    mean = gallium.mean_ratio(data)
    figure = figures.ratios(data, mean)
    (band,) = figure.axes[0].patches
    assert band.get_x() == pytest.approx(mean.value - mean.minus, rel=ROUNDING)
    assert band.get_width() == pytest.approx(mean.plus + mean.minus, rel=ROUNDING)
    assert figure.data["measurement"][-1] == "mean"
    assert [figure.data[head][-1] for head in ("ratio", "plus", "minus")] == [mean.value, mean.plus, mean.minus]
    assert "mean" not in figures.ratios(data).data["measurement"]


def test_caption_says_what_is_not_in_the_bars_and_cites(data: Datasets) -> None:
    figure = figures.ratios(data)
    assert "cross section bahcall-1997, conventions schwetz-2023" in figure.caption
    assert "(best.systematic, channel:ga71) are not in them" in figure.caption
    assert figure.references == data.references
    for key in data.references:
        assert f"[{key}]" in figure.caption
    assert mci.cite(figure) == mci.cite(data)


# --- regions


def test_regions_draw_the_contours(scan: Scan) -> None:
    region = scan.region(sigma=2)
    figure = figures.regions(bahcall=region)
    (ax,) = figure.axes
    assert len(ax.lines) == len(region.contours()) > 1
    for line, contour in zip(ax.lines, region.contours(), strict=True):
        np.testing.assert_allclose(line.get_xydata(), contour, rtol=ROUNDING)
    drawn = np.concatenate(region.contours())
    assert figure.data["sin2_2theta"] == tuple(drawn[:, 0])
    assert figure.data["dm2_eV2"] == tuple(drawn[:, 1])
    assert set(figure.data["region"]) == {"bahcall"}
    assert set(figure.data["curve"]) == {f"contour {i + 1}" for i in range(len(ax.lines))}


def test_axes_of_regions_follow_the_parameters(scan: Scan) -> None:
    (ax,) = figures.regions(bahcall=scan.region(sigma=2)).axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    assert ax.get_xlim() == pytest.approx((0, 1))
    assert ax.get_ylim() == pytest.approx((0.05, 30))
    assert ax.get_ylabel() == r"$\Delta m^2_{41}$ [eV$^2$]"
    assert figures.regions(a=made_up(DISC)).axes[0].get_ylabel() == "dm2 [eV2]"  # no label: name and unit


@pytest.mark.parametrize("chi2", [DISC, RING, HALF, TIP, DISC - DISC.max(), DISC + 2], ids=["disc", "ring", "half", "tip", "everywhere", "nowhere"])
def test_filled_where_inside(chi2: np.ndarray) -> None:
    """Closed along the edge of the grid, holes left open; points on the edge itself are moved inwards by a thousandth of a cell."""
    region = made_up(chi2)
    (ax,) = figures.regions(a=region).axes
    (filled,) = (one for one in ax.collections if isinstance(one, PathCollection))
    x, y = (0.999 * part for part in positions())
    points = np.stack([0.5 + 0.5 * x, 10.0**y], -1).reshape(-1, 2)
    turns = np.zeros(len(points))  # winding number: a hole turns the other way
    for polygon in (polygon for outline in filled.get_paths() for polygon in outline.to_polygons()):
        (a, b), (c, d) = polygon[:-1].T, polygon[1:].T
        turns += np.sign(np.sum(a * d - b * c)) * Outline(polygon).contains_points(points)
    assert set(turns) <= {0.0, 1.0}
    # a point of the grid counts where the border keeps clear of it
    clear = abs(region.delta_chi2 - region.threshold).ravel() > 0.05
    assert clear.mean() > 0.8
    np.testing.assert_array_equal(turns[clear] == 1, region.inside.ravel()[clear])


def test_levels_of_one_name_share_a_colour_and_the_smallest_is_on_top(scan: Scan) -> None:
    figure = figures.regions(a_1=scan.region(sigma=1), a_2=scan.region(sigma=2), b=scan.region(sigma=1))
    (ax,) = figure.axes
    fills = [one for one in ax.collections if isinstance(one, PathCollection)]
    assert [same_color(fill.get_facecolor()[0][:3], fills[0].get_facecolor()[0][:3]) for fill in fills] == [True, True, False]
    assert list(dict.fromkeys(figure.data["region"])) == ["a_2", "a_1", "b"]


def test_legend_names_levels_of_one_family_and_what_families_do_not_share() -> None:
    def legend(**regions: Region) -> tuple[str, list[str]]:
        found = figures.regions(**regions).axes[0].get_figure().legends[0]
        return found.get_title().get_text(), [text.get_text() for text in found.get_texts()]

    one, two, other = made_up(DISC), made_up(DISC, 2.0, "2 sigma, made up"), made_up(DISC, 3.0, "2 sigma, toys")
    assert legend(a_1=one, a_2=two) == ("a, made up", ["1σ", "2σ"])
    assert legend(a_1=one, a_2=two, b_1=one, b_2=two) == ("1σ, 2σ, made up", ["a", "b"])
    assert legend(wilks=two, fc=other) == ("2σ", ["wilks, made up", "fc, toys"])
    assert legend(frekers_2011=one, frekers_2015=one) == ("1σ, made up", ["frekers 2011", "frekers 2015"])
    assert legend(in_words=one, other=two) == ("made up", ["in words, 1σ", "other, 2σ"])


def test_best_fit_is_marked_in_display_units(scan: Scan, fit: Fit) -> None:
    figure = figures.regions(best={"a": fit}, a_2=scan.region(sigma=2))
    star = figure.axes[0].lines[-1]
    assert star.get_marker() == "*"
    expected = (fit.best["sin2_2theta"], fit.best["dm2"] / u.eV2)
    assert star.get_xydata()[0] == pytest.approx(expected, rel=ROUNDING)
    assert figure.data["curve"][-1] == "best fit"
    assert (figure.data["sin2_2theta"][-1], figure.data["dm2_eV2"][-1]) == pytest.approx(expected, rel=ROUNDING)
    assert "Stars: best fits (a)." in figure.caption


def test_regions_that_cannot_be_drawn(scan: Scan, fit: Fit) -> None:
    line = Region(parameters=(X,), axes={"s": np.linspace(0, 1, 3)}, delta_chi2=np.zeros(3), threshold=1.0, label="", references=frozenset())
    with pytest.raises(RangeError, match="expected at least one region, such as regions\\(bahcall="):
        figures.regions()
    with pytest.raises(RangeError, match="line has 1 axes \\(s\\): expected 2"):
        figures.regions(line=line)
    with pytest.raises(RangeError, match="other has axes s, dm2, a has sin2_2theta, dm2: expected the same"):
        figures.regions(a=scan.region(sigma=2), other=made_up(DISC))
    with pytest.raises(RangeError, match=r"best fit 'bahcal' has no region\. Did you mean 'bahcall'"):
        figures.regions(best={"bahcal": fit}, bahcall=scan.region(sigma=2))
    with pytest.raises(RangeError, match="best fit a has no 's'"):
        figures.regions(best={"a": fit}, a=made_up(DISC))
    with pytest.raises(RangeError, match=r"best = a Region: .* another name, such as best_2"):
        figures.regions(best=scan.region(sigma=2))  # type: ignore[arg-type]


# --- paths and history


def test_paths_are_in_metres() -> None:
    experiment = mci.load("best")
    zone = experiment.zones[0]
    distance = np.linspace(0.01, 0.7, 30) * u.m
    fraction = experiment.fraction(zone, distance)
    figure = figures.paths({"BEST_inner": (distance, fraction), "ball": (distance, np.ones(30))}, references=experiment.references)
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), np.linspace(0.01, 0.7, 30), rtol=ROUNDING)
    np.testing.assert_array_equal(line.get_ydata(), fraction)
    assert line.get_label() == "BEST inner"
    assert figure.data["fraction"][:30] == tuple(fraction)
    assert figure.data["curve"] == ("BEST_inner",) * 30 + ("ball",) * 30
    assert figure.references == experiment.references


def test_paths_that_cannot_be_drawn() -> None:
    with pytest.raises(RangeError, match="at least one curve"):
        figures.paths({})
    with pytest.raises(RangeError, match=r"a has distances \(2,\) and fractions \(3,\)"):
        figures.paths({"a": (np.ones(2), np.ones(3))})


def test_history_draws_the_steps() -> None:
    data = gallium.datasets(only=["sage-cr", "sage-ar", "best"])
    steps = gallium.history(data)
    figure = figures.history(steps, references=data.references)
    above, below = figure.axes
    points, _, (errors,) = above.containers[0]
    assert list(points.get_ydata()) == [step.mean.value for step in steps]
    ends = [(low, high) for (_, low), (_, high) in errors.get_segments()]
    assert ends == [pytest.approx((s.mean.value - s.mean.minus, s.mean.value + s.mean.plus), rel=ROUNDING) for s in steps]
    assert list(below.lines[-1].get_ydata()) == [step.mean.significance for step in steps]
    assert any(isinstance(one, LineCollection) for one in below.collections)
    assert [label.get_text() for label in below.get_xticklabels()] == ["1994\nSAGE\nCr", "2004\nSAGE\nAr", "2019\nBEST"]
    assert figure.data["sigma"] == tuple(step.mean.significance for step in steps)
    with pytest.raises(RangeError, match="at least one step"):
        figures.history(())


# --- files


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png", ".PDF"])
def test_files_are_the_figure_what_is_drawn_and_the_caption(tmp_path: Path, scan: Scan, suffix: str) -> None:
    figure = figures.regions(bahcall=scan.region(sigma=2))
    target = tmp_path / f"gallium.v1{suffix}"
    figure.save(target)
    assert {path.name for path in tmp_path.iterdir()} == {target.name, "gallium.v1.csv", "gallium.v1.txt"}
    assert (tmp_path / "gallium.v1.txt").read_text(encoding="utf-8") == f"{figure.caption}\n"
    rows = rows_of(tmp_path / "gallium.v1.csv")
    assert list(rows[0]) == ["region", "curve", "sin2_2theta", "dm2_eV2"]
    np.testing.assert_allclose([float(row["dm2_eV2"]) for row in rows], figure.data["dm2_eV2"], rtol=PRINTED)
    assert target.read_bytes()[:4] == {".svg": b"<?xm", ".png": b"\x89PNG"}.get(suffix, b"%PDF")


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_the_same_figure_gives_the_same_bytes(tmp_path: Path, scan: Scan, suffix: str) -> None:
    """Saved again, made again, and under a reader's own settings."""
    figure = figures.regions(a_1=scan.region(sigma=1), a_2=scan.region(sigma=2))
    target = tmp_path / f"a{suffix}"
    figure.save(target)
    first = target.read_bytes()
    figure._repr_png_()
    figure.save(target)
    assert target.read_bytes() == first
    with matplotlib.rc_context({"font.size": 20, "svg.hashsalt": None, "axes.linewidth": 3}):
        figures.regions(a_1=scan.region(sigma=1), a_2=scan.region(sigma=2)).save(target)
        assert matplotlib.rcParams["font.size"] == 20  # and ours do not leak
    assert target.read_bytes() == first


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.jpg", "cannot draw '.jpg': expected .pdf, .svg or .png. Write '{}/a.pdf'"), ("a", "no suffix: expected .pdf, .svg or .png. Write '{}/a.pdf'")],
)
def test_other_suffixes_are_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(RangeError) as caught:
        figures.regions(a=made_up(DISC)).save(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: {message.format(tmp_path)}"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        figures.regions(a=made_up(DISC)).save(tmp_path / "no" / "a.svg")
    assert str(caught.value) == f"{tmp_path}/no/a.svg: no folder '{tmp_path}/no'. Make it first, or save into one that exists"
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=f"no folder '{tmp_path}/file'"):
        figures.regions(a=made_up(DISC)).save(tmp_path / "file" / "a.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("fails", [1, 2, 3])
def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: int) -> None:
    """A folder without write permission would not stop root: the disk is full at one of the three files."""
    calls = []
    write = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        calls.append(self)
        if len(calls) == fails:
            write(self, content[:10])
            raise OSError(28, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match=f"cannot write into '{tmp_path}': No space left on device. Save into a folder"):
        figures.regions(a=made_up(DISC)).save(tmp_path / "a.svg")
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(StoreError, match=r"a\.csv' is a folder; expected the name of a file"):
        figures.regions(a=made_up(DISC)).save(tmp_path / "a.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write into"):
        figures.regions(a=made_up(DISC)).save(tmp_path / f"{'a' * 300}.svg")
    assert not list(tmp_path.iterdir())


def test_notebooks_show_a_picture() -> None:
    assert figures.regions(a=made_up(DISC))._repr_png_()[:4] == b"\x89PNG"


# --- words


def test_authors() -> None:
    assert author_year("Bahcall:1997eg") == "Bahcall 1997 [Bahcall:1997eg]"
    assert author_year("Giunti:2022xat") == "Giunti et al. 2023 [Giunti:2022xat]"
    assert author_year("BestEditorial:2026") == "Editorial undated [BestEditorial:2026]"
    with pytest.raises(DataError, match=r"'Bahcall:1997' is not in references\.bib"):
        cited("x", ["Bahcall:1997"])
    assert cited("x", []) == "x"


def test_nothing_drawn_still_has_columns() -> None:
    assert columns(("a", "b"), []) == {"a": (), "b": ()}


def test_only_figures_need_matplotlib() -> None:
    code = "import sys, megacurie.report as r; r.table; r.summary; assert 'matplotlib' not in sys.modules; "
    code += "import megacurie; megacurie.figures; assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
