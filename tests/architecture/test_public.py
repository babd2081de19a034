"""The public interface: what is announced exists, and says what it is."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import megacurie

SRC = Path(megacurie.__file__).parent
MODULES = sorted(info.name for info in pkgutil.walk_packages(megacurie.__path__, "megacurie."))


def announced() -> dict[str, str]:
    """Names of the TYPE_CHECKING block, as type checkers see them, with the module of each."""
    tree = ast.parse((SRC / "__init__.py").read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {alias.name: node.module or "" for block in blocks for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_type_checkers_and_python_see_the_same_names() -> None:
    assert sorted(announced()) == sorted(megacurie.__all__)
    assert set(dir(megacurie)) == {*megacurie.__all__, "__version__"}


@pytest.mark.parametrize("name", megacurie.__all__)
def test_public_names_can_be_imported(name: str) -> None:
    found = getattr(megacurie, name)
    if isinstance(found, ModuleType):
        assert found is importlib.import_module(f"{announced()[name]}.{name}")
    else:
        assert found is getattr(importlib.import_module(announced()[name]), name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'megacurie' has no attribute 'sterile'"):
        megacurie.sterile  # noqa: B018


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_has_a_docstring(name: str) -> None:
    module = importlib.import_module(name)
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    missing = [] if ast.get_docstring(tree) else [name]
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            missing.append(f"{name}.{node.name}")
        cls = getattr(module, node.name)
        if isinstance(node, ast.ClassDef) and not getattr(cls, "_is_protocol", False):
            methods = [item.name for item in node.body if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")]
            # getdoc: an overriding method has the docstring of the method that it overrides
            missing += [f"{name}.{node.name}.{method}" for method in methods if not inspect.getdoc(getattr(cls, method))]
    assert not missing, ", ".join(missing)
