"""``megacurie fc``: Feldman-Cousins regions."""

from __future__ import annotations

import contextlib
import io
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from megacurie.cli.options import (
    Conventions,
    Json,
    Output,
    Problems,
    Settings,
    check_output,
    emit,
    emit_json,
    hypothesis,
    progress,
    read_axis,
    read_parameters,
    split_settings,
)
from megacurie.foundation.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from megacurie.foundation.arrays import Array
    from megacurie.foundation.parameters import Parameter
    from megacurie.statistics.confidence import FeldmanCousins
    from megacurie.statistics.likelihood import Likelihood

_POINTS = {"log": 61, "lin": 51}  # of an axis that is not given
_MOST = 1_000_000  # points: 12 kB each


def fc(
    data: Annotated[list[str] | None, typer.Argument(help="gallium, best, sage-cr ..., or a card with a [measurement] table.", metavar="DATA...")] = None,
    name: Annotated[str | None, typer.Option("--hypothesis", "-H", help="Built-in name, or module:Class of your own.")] = None,
    axis: Annotated[
        list[str] | None, typer.Option("--axis", help='"dm2=0.1 eV2:30 eV2:61:log"; default: every free parameter.', metavar="NAME=LOW:HIGH:POINTS[:log]")
    ] = None,
    settings: Settings = None,
    toys: Annotated[int, typer.Option("--toys", help="Toys per point.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same result.")] = 20220611,
    workers: Annotated[int, typer.Option("--workers", help="Processes on this machine.")] = 1,
    cluster: Annotated[str | None, typer.Option("--cluster", help="Dask scheduler (tcp://host:port), or local.", metavar="ADDRESS")] = None,
    store: Annotated[Path | None, typer.Option("--store", help="Keeps what is done; the same command goes on.", metavar="FILE")] = None,
    status: Annotated[Path | None, typer.Option("--status", help="How far the study of a store is, then stop.", metavar="STORE")] = None,
    sigma: Annotated[list[float] | None, typer.Option("--sigma", help="Level of a region, in sigma; may be repeated.")] = None,
    level: Annotated[list[float] | None, typer.Option("--cl", help="Level of a region, as a probability; may be repeated. Default 0.9.")] = None,
    coverage: Annotated[
        list[str] | None,
        typer.Option(
            "--coverage",
            help='Test the regions at true values, pulls in sigma: "sin2_2theta=0.3,dm2=1 eV2,best.systematic=2"; may be repeated.',
            metavar="POINT",
        ),
    ] = None,
    single: Annotated[bool, typer.Option("--single", help="Toys in single precision: two thirds of the time.")] = False,
    arrays: Annotated[Path | None, typer.Option("--arrays", help="Write maps and histograms to a NumPy file.", metavar="FILE.npz")] = None,
    drawing: Annotated[
        Path | None, typer.Option("--figure", help="Draw the regions, beside Wilks' or with their envelope: PDF, SVG or PNG.", metavar="FILE")
    ] = None,
    cross_section: Annotated[
        list[str] | None,
        typer.Option(
            help="Cross-section model; 'megacurie data channel.ga71' lists them. Default bahcall-1997. Several: a region for each, taken as exact, "
            "and their envelope; --store and --arrays become a file for each, fc.sqlite is fc-MODEL.sqlite.",
            metavar="MODEL",
        ),
    ] = None,
    conventions: Conventions = "schwetz-2023",
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Confidence regions from toys (Feldman-Cousins): p-values, critical values, comparison with Wilks, coverage."""
    problems = Problems()
    for file in (output, arrays, drawing, store):
        with problems:
            if file is not None:
                check_output(file)
    if status is not None:
        problems.refuse()
        _status(status, as_json, output)
        return
    with problems:
        if not data or not name:
            raise DataError("fc needs DATA and -H HYPOTHESIS: expected such as 'megacurie fc gallium -H sterile'; --status STORE needs neither")
    from megacurie.report.output import check_suffix, write_together
    from megacurie.statistics import confidence, engine
    from megacurie.statistics import coverage as tested
    from megacurie.statistics.results import p_of
    from megacurie.studies import gallium

    if drawing is not None:
        with problems:
            check_suffix(drawing)
    with problems:
        if arrays is not None and arrays.suffix != ".npz":
            raise DataError(f"{arrays}: expected a file that ends in .npz")
    with problems:
        confidence.check_numbers(toys, seed)
    with problems:
        engine.check_workers(workers)
    for one in level or ([] if sigma else [0.9]):
        with problems:
            confidence.check_toys(toys, confidence=one)
    for one in sigma or ():
        with problems:
            confidence.check_toys(toys, sigma=one)
    models = ["bahcall-1997"]
    with problems:
        models = _models(cross_section or models)
    several = len(cross_section or ()) > 1
    with problems:
        if several and coverage:
            raise DataError("--coverage with several --cross-section: expected a single one, whose regions are tested")
    with problems:
        chosen = hypothesis(name or "sterile")
        for text in axis or ():
            with problems:
                read_axis(text, chosen.parameters)
        on_card, texts = split_settings(settings)
        fixed = read_parameters(chosen.parameters, texts, every=False)
    problems.refuse()
    confidences = list(dict.fromkeys([*(level or ()), *(1 - p_of(one) for one in sigma or ())])) or [0.9]
    under = [gallium.datasets(only=data, cross_section=m, conventions=conventions, settings=on_card, cross_section_error=not several) for m in models]
    likelihoods = [one.likelihood(chosen) for one in under]
    datasets, likelihood = under[0], likelihoods[0]
    axes = _axes(axis, chosen.parameters, [p for p in likelihood.parameters if p.name not in fixed])
    points = []
    for text in coverage or ():
        with problems:
            points.append(_point(text, likelihood, axes, fixed))
    problems.refuse()
    tested.check_points(likelihood, axes, points, fixed)
    results: dict[str, FeldmanCousins] = {}
    for model, one_of_them in zip(models, likelihoods, strict=True):
        with _told(toys, f"{model}: " if several else "") as tell:
            results[model] = confidence.feldman_cousins(
                one_of_them, axes, fixed=fixed, toys=toys, seed=seed, workers=workers, store=_file_of(store, model) if several and store else store,
                cluster=cluster, precision="single" if single else "double", progress=tell,
            )  # fmt: skip
    about = {"data": list(datasets.names), "hypothesis": name, "cross_section": models if several else models[0], "conventions": conventions}
    if several:
        if arrays is not None:
            write_together({_file_of(arrays, model): _arrays(one, confidences) for model, one in results.items()})
        _emit_envelope(results, confidences, about, drawing, as_json, output)
        return
    result = results[models[0]]
    tests = [
        test for one in confidences for test in tested.coverage(likelihood, result, points, confidence=one, fixed=fixed, toys=toys, seed=seed + 1)
    ]  # fmt: skip
    if arrays is not None:
        write_together({arrays: _arrays(result, confidences)})
    if drawing is not None:
        from megacurie.report import figures

        one = confidences[0]
        figures.regions(wilks=result.wilks(confidence=one), fc=result.region(confidence=one)).save(drawing)
    if as_json:
        emit_json({**about, **result.to_dict(confidences), "coverage": [test.to_dict(likelihood.parameters) for test in tests]}, output)
        return
    from megacurie.report.listings import fc_table

    head = f"{', '.join(datasets.names)}: {name} (cross section {models[0]}, conventions {conventions})"
    emit(f"{head}\n{fc_table(result, confidences, tests)}", output)


def _models(asked: list[str]) -> list[str]:
    """Cross-section models asked for.

    Raises
    ------
    DataError
        If there is no such model, with the nearest name, or one is asked for twice.
    """
    from megacurie.physics.channels import nuclear_capture

    known, once = nuclear_capture.models(), dict.fromkeys(asked)
    problems = [f"no cross-section model {one!r}. {did_you_mean(one, known)}" for one in once if one not in known]
    problems += [f"--cross-section {one} is given {asked.count(one)} times: expected each once" for one in known if asked.count(one) > 1]
    if problems:
        raise DataError("\n".join(problems))
    return asked


def _file_of(file: Path, model: str) -> Path:
    """``fc.sqlite`` becomes ``fc-bahcall-1997.sqlite``."""
    return file.with_name(f"{file.stem}-{model}{file.suffix}")


def _emit_envelope(
    results: Mapping[str, FeldmanCousins], confidences: Sequence[float], about: Mapping[str, Any], drawing: Path | None, as_json: bool, output: Path | None
) -> None:
    from megacurie.statistics.envelope import envelope

    whole = envelope(results)
    if drawing is not None:
        from megacurie.report import figures

        figures.envelope(whole, confidence=confidences[0]).save(drawing)
    if as_json:
        each = {
            model: {**about, "cross_section": model, "cross_section_error": False, **result.to_dict(confidences), "coverage": []}
            for model, result in results.items()
        }
        emit_json({**about, "models": each, "envelope": whole.to_dict(confidences)}, output)
        return
    from megacurie.report.listings import envelope_table

    head = f"{', '.join(about['data'])}: {about['hypothesis']} (conventions {about['conventions']})"
    emit(f"{head}\n{envelope_table(whole, confidences)}", output)


def _status(store: Path, as_json: bool, output: Path | None) -> None:
    from megacurie.statistics import store as stores

    found = stores.status(store)
    if as_json:
        emit_json({"done": found.done, "points": found.points, "toys": found.toys, "seed": found.seed, "axes": dict(found.axes)}, output)
        return
    axes = " x ".join(f"{n} {key}" for key, n in found.axes.items())
    emit(f"{store}: {found.done} of {found.points} points done ({axes}), {found.toys} toys each, seed {found.seed}", output)


def _axes(texts: Sequence[str] | None, parameters: Sequence[Parameter], free: Sequence[Parameter]) -> dict[str, Array]:
    """Those given; else every free parameter over its range, at most two."""
    if texts:
        axes = dict(read_axis(text, parameters) for text in texts)
        if len(axes) < len(texts):
            raise DataError("two --axis of the same parameter: expected each once")
    else:
        if not 1 <= len(free) <= 2:
            raise DataError(f"{len(free)} free parameters: expected --axis for the one or two that are shown, or --set for those that are fixed")
        import numpy as np

        axes = {p.name: np.asarray(p.at(np.linspace(0, 1, _POINTS[p.scale]))) for p in free}
    if (points := math.prod(map(len, axes.values()))) > _MOST:
        raise DataError(f"{points} points on the grid of all --axis: expected at most {_MOST}")
    return axes


def _point(text: str, likelihood: Likelihood, axes: Mapping[str, Array], fixed: Mapping[str, float]) -> dict[str, float]:
    """A point such as ``sin2_2theta=0.3,dm2=1 eV2,best.systematic=2``: parameters with their units, pulls in sigma."""
    from megacurie.statistics.coverage import check_names

    pairs = [part.partition("=") for part in text.split(",")]
    if not all(equals and value.strip() for _, equals, value in pairs):
        raise DataError(f'--coverage {text}: expected NAME=VALUE of every axis, and of pulls if wanted, such as --coverage "sin2_2theta=0.3,dm2=1 eV2"')
    texts = {key.strip(): value.strip() for key, _, value in pairs}
    if len(texts) < len(pairs):
        raise DataError(f"--coverage {text}: a name is given twice: expected each once")
    if problems := check_names(likelihood, axes, texts, fixed):
        raise DataError(f"--coverage {text}: {'; '.join(problems)}")
    pulls = {name: _number(name, texts.pop(name)) for name in likelihood.pulls if name in texts}
    return read_parameters(likelihood.parameters, texts, every=False, option="--coverage") | pulls


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DataError(f"--coverage {name}={text}: expected a number, the true value of the pull in sigma") from None


@contextlib.contextmanager
def _told(toys: int, of: str = "") -> Iterator[Callable[[int, int], None]]:
    """Progress with rate and time left, on stderr."""
    with progress("toys") as bar:
        begun: list[tuple[float, int]] = []  # time and points when this run began: those of the store were done before

        def tell(done: int, points: int) -> None:
            now = time.monotonic()
            begun.append((now, done))
            start, before = begun[0]
            speed = (done - before) / max(now - start, 1e-3)
            left = f", {_duration((points - done) / speed)} left" if speed > 0 else ""
            bar(done, points, f"{of}points, {speed * toys:.2g} toys/s{left}")

        yield tell


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _arrays(result: FeldmanCousins, confidences: Sequence[float]) -> bytes:
    """Maps and histograms as the content of a NumPy file."""
    import numpy as np

    from megacurie.foundation import units

    maps: dict[str, Any] = {p.json_key: result.axes[p.name] / units.from_display(1.0, p.unit) for p in result.parameters}
    maps |= {"delta_chi2": result.delta_chi2, "p_value": result.p_value, "p_error": result.p_error, "histogram": result.histogram}
    maps |= {f"critical_{one:g}": result.critical(one) for one in confidences}
    maps |= {f"critical_error_{one:g}": result.critical_error(one) for one in confidences}
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **maps)
    return content.getvalue()
