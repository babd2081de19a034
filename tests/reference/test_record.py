"""docs/reproduced.json is the committed output of ``megacurie reproduce --all --json`` at six digits: a record, so that no number moves unseen.

``python tests/reference/test_record.py`` rewrites it; say then in CHANGELOG.md, under **Numbers that moved**, which rows moved and why.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from megacurie.studies.published import reproduce

RECORD = Path(__file__).parents[2] / "docs" / "reproduced.json"


def _six_digits(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _six_digits(value) for key, value in item.items()}
    if isinstance(item, list):
        return [_six_digits(value) for value in item]
    return float(f"{item:.6g}") if isinstance(item, float) else item


@pytest.mark.slow
def test_no_number_moved_unseen() -> None:
    recorded = {row["id"]: row for row in json.loads(RECORD.read_text(encoding="utf-8"))["rows"]}
    fresh = {row["id"]: row for row in reproduce(slow=True).to_dict()["rows"]}
    way_out = "rewrite the record with 'python tests/reference/test_record.py' and fill **Numbers that moved** in CHANGELOG.md"
    assert set(recorded) == set(fresh), way_out
    for name, row in fresh.items():
        # five of the six digits: the last one may depend on the order of sums of the machine
        assert recorded[name]["computed"] == pytest.approx(row["computed"], rel=1e-5), f"{name}: {way_out}"
        assert recorded[name]["status"] == row["status"], f"{name}: {way_out}"


if __name__ == "__main__":
    RECORD.write_text(json.dumps(_six_digits(reproduce(slow=True).to_dict()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
