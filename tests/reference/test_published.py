"""Every published number, one test each: the table in data/published is the list."""

import pytest

from megacurie.studies import published

ROWS = published.rows()


def test_ids_are_unique() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id, marks=pytest.mark.slow if row.slow else ()) for row in ROWS])
def test_published_number(row: published.Row) -> None:
    found = published.check(row)
    assert found.outcome == row.status, f"{found.computed} {row.unit}: {found.why}"
