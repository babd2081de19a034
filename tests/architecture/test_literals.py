"""No measured number in code: it belongs in the data, with its source."""

import ast
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import megacurie

SRC = Path(megacurie.__file__).parent


def is_integer(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) is int


def violations(source: str) -> Iterator[tuple[int, str]]:
    """Line and description of each literal that looks like a measured number."""
    tree = ast.parse(source)
    parsers = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("foundation.units")
        for alias in node.names
        if alias.name.startswith("parse")
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            text = ast.get_source_segment(source, node) or ""
            if len(Decimal(text).normalize().as_tuple().digits) > 2:
                yield node.lineno, f"{text} has more than two significant digits"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv) and is_integer(node.left) and is_integer(node.right):
            yield node.lineno, f"{ast.unparse(node)} is a ratio of integer literals"
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant | ast.JoinedStr):
            function = node.func
            of_units = isinstance(function, ast.Attribute) and function.attr.startswith("parse") and ast.unparse(function.value) in ("units", "u")
            if of_units or (isinstance(function, ast.Name) and function.id in parsers):
                yield node.lineno, f"{ast.unparse(node)} reads a literal"


def test_no_measured_number_in_code() -> None:
    found = [
        f"{path.relative_to(SRC.parent)}:{line}: {what}"
        for path in sorted(SRC.rglob("*.py"))
        if path != SRC / "foundation" / "units.py"
        for line, what in violations(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("x = 0.25 + 1e-9 + 100.0 + 2**17 + 1000", False),
        ("'''Docstring: 1.26693 and 7/9.'''", False),
        ("x = 1.26693", True),
        ("x = 5.81e-45", True),
        ("x = 127 / 100", True),
        ("x = -7 // 9", True),
        ("x = n / 3", False),
        ("x = units.parse('5 m', 'length')", True),
        ("from megacurie.foundation.units import parse as p\nx = p('5 m', 'length')", True),
        ("x = units.parse(text, 'length')", False),
    ],
)
def test_the_rule_sees_what_it_should(source: str, wrong: bool) -> None:
    assert bool(list(violations(source))) == wrong
