"""Tables as text and as HTML."""

import xml.etree.ElementTree as ElementTree

from megacurie.foundation.display import Table

TABLE = Table(title="R & D", head=("zone", "ratio"), rows=(("inner", "0.79"), ("outer <2>", "0.766")), notes=("a > b",))


def test_text_has_aligned_columns() -> None:
    assert str(TABLE) == "R & D\n  zone       ratio\n  ---------  -----\n  inner      0.79\n  outer <2>  0.766\n  a > b"


def test_plain_rows_have_no_head() -> None:
    assert str(Table(title="Best fit", rows=(("chi2", "2.7"), ("dof", "4")))) == "Best fit\n  chi2  2.7\n  dof   4"
    assert str(Table(title="Nothing", rows=())) == "Nothing"


def test_html_holds_the_same_cells_escaped() -> None:
    root = ElementTree.fromstring(f"<div>{TABLE._repr_html_()}</div>")  # well-formed, so signs are escaped
    assert [cell.text for cell in root.iter("th")] == list(TABLE.head)
    assert [cell.text for cell in root.iter("td")] == [cell for row in TABLE.rows for cell in row]
    assert [cell.text for cell in root.iter("caption")] == [TABLE.title]
    assert [cell.text for cell in root.iter("p")] == list(TABLE.notes)
