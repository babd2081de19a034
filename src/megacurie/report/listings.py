"""Lists a person reads on the command line: reproduced numbers, reference data, cards, scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from megacurie.experiments.experiment import Experiment
from megacurie.foundation import units
from megacurie.foundation.display import Table
from megacurie.foundation.parameters import Parameter
from megacurie.foundation.provenance import Datum
from megacurie.statistics.confidence import FeldmanCousins
from megacurie.statistics.coverage import Coverage
from megacurie.statistics.envelope import Envelope
from megacurie.statistics.results import Region, Scan
from megacurie.studies.published import Checked, Reproduction


def reproduction(result: Reproduction) -> str:
    """Published against computed numbers, source by source, the reason under each that differs; then two lines that sum up."""
    blocks = []
    for source in dict.fromkeys(_source(row) for row in result.rows):
        rows = [row for row in result.rows if _source(row) == source]
        cells = tuple(
            (
                row.row.id.removeprefix(f"{source}."),
                _number(row.row.value, row.row.unit),
                "-" if row.computed is None else f"{row.computed:.5g}",
                "" if row.deviation is None else f"{100 * row.deviation:+.2g} %",
                row.row.within,
                row.outcome,
            )
            for row in rows
        )
        head = ("number", "published", "computed", "deviation", "within", "status")
        notes = tuple(f"{row.outcome}: {row.row.id.removeprefix(f'{source}.')}: {row.why}" for row in rows if row.outcome != "reproduced")
        refs = ", ".join(sorted({row.row.ref for row in rows}))
        blocks.append(str(Table(title=f"{source}  [{refs}]", head=head, rows=cells, notes=notes)))
    return "\n\n".join([*blocks, _closing(result)])


def _source(row: Checked) -> str:
    return row.row.id.split(".")[0]


def _number(value: float, unit: str) -> str:
    return f"{value:.6g}" if unit == "1" else f"{value:.6g} {unit}"


def _closing(result: Reproduction) -> str:
    n = result.summary
    found = {row.row.id: row.computed for row in result.rows if row.computed is not None}
    mean, sigmas = found.get("giunti-2022.rbar.bahcall-1997"), [value for name, value in found.items() if ".significance." in name]
    counts = f"{n['reproduced']} of {len(result.rows)} published numbers reproduced, {n['explained']} explained, {n['open']} open"
    counts += "".join(f", {n[name]} {name}" for name in ("skipped", "failed") if n[name]) + "."
    if mean is None or len(sigmas) < 2:
        return counts
    spread = f"{min(sigmas):.1f} to {max(sigmas):.1f} sigma, by cross section and treatment of its error"
    return f"Gallium detectors count {100 * (1 - mean):.0f} % fewer neutrinos than expected: {spread}.\n{counts}"


def reference_data(prefix: str, found: Sequence[Datum]) -> Table:
    """Numbers with their sources; notes are told where few are listed."""
    rows = tuple((d.key, str(d), d.ref, d.where) for d in found)
    notes = tuple(f"{d.key}: {d.note}" for d in found if d.note) if len(found) <= 12 else ()
    marks = ("† assumed or unverified",) if any(d.dagger for d in found) else ()
    return Table(title=f"Reference data {prefix or '(all)'}", head=("key", "value", "reference", "where"), rows=rows, notes=(*notes, *marks))


def card_list(experiments: Mapping[str, Experiment]) -> Table:
    """The built-in cards."""
    rows = tuple(
        (
            name,
            one.name,
            one.source.nuclide,
            units.format(one.source.history.activity, "MCi", 4) if one.source.history else "",
            ", ".join(zone.name for zone in one.zones),
        )
        for name, one in experiments.items()
    )
    return Table(title="Built-in experiments ('megacurie show CARD' for one)", head=("card", "name", "source", "activity", "zones"), rows=rows)


def scan_table(scan: Scan, regions: Sequence[Region]) -> Table:
    """The minimum of a scan and the extent of its regions."""
    place = np.unravel_index(int(scan.chi2.argmin()), scan.chi2.shape)
    at = ", ".join(f"{p.name} = {p.show(float(scan.axes[p.name][i]))}" for p, i in zip(scan.parameters, place, strict=True))
    rows = [("minimum of the grid", at, "")]
    for region in regions:
        spans = [_span(region, p) for p in region.parameters] if region.inside.any() else ["no point of the grid: a finer one may have some"]
        rows.append((region.label, ", ".join(spans), f"Delta chi2 < {region.threshold:.2f}"))
    return Table(title=f"Scan: {' x '.join(str(n) for n in scan.chi2.shape)} points, smallest chi2 {scan.chi2.min():.2f}", rows=tuple(rows))


def fc_table(result: FeldmanCousins, confidences: Sequence[float], tests: Sequence[Coverage] = ()) -> Table:
    """Critical values, the regions beside Wilks', and tests of their coverage."""
    whole = result.table(confidences)
    rows: list[tuple[str, ...]] = list(whole.rows)
    for one in confidences:
        for region in (result.region(confidence=one), result.wilks(confidence=one)):
            spans = [_span(region, p) for p in region.parameters] if region.inside.any() else ["no point of the grid"]
            rows.append((region.label, f"{region.inside.sum()} points", ", ".join(spans)))
    for test in tests:
        at = ", ".join([*(p.show(test.theta[p.name]) for p in result.parameters), *(f"{name} = {x:.3g} sigma" for name, x in test.pulls.items())])
        values = f"{100 * test.feldman_cousins:.1f} +- {100 * test.error:.1f} %"
        rows.append((f"coverage at {at}", values, f"Wilks {100 * test.wilks:.1f} %, promised {100 * test.confidence:g} %"))
    return Table(title=whole.title, rows=tuple(rows))


def envelope_table(envelope: Envelope, confidences: Sequence[float]) -> Table:
    """The region of each model at each level, and what any of them allows."""
    whole = envelope.table()
    rows = list(whole.rows)
    for one in confidences:
        regions = {name: each.region(confidence=one) for name, each in envelope.models.items()}
        for name, region in {**regions, "envelope": envelope.region(confidence=one)}.items():
            spans = [_span(region, p) for p in region.parameters] if region.inside.any() else ["no point of the grid"]
            rows.append((f"{100 * one:g} %, {name}", f"{region.inside.sum()} points", ", ".join(spans)))
    return Table(title=whole.title, rows=tuple(rows))


def _span(region: Region, parameter: Parameter) -> str:
    """Extent of a region along one axis, and where it goes on past the axis."""
    low, high = region.bounds(parameter.name)
    axis = region.axes[parameter.name]
    ends = [side for side, at, end in (("below", low, axis.min()), ("above", high, axis.max())) if at == end]
    on = f" (to the end of the axis {' and '.join(ends)})" if ends else ""
    return f"{parameter.name} {parameter.show(low)} to {parameter.show(high)}{on}"
