"""Who may import whom, and what importing costs."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import megacurie

SRC = Path(megacurie.__file__).parent
FILES = {path: path.relative_to(SRC).as_posix() for path in SRC.rglob("*.py")}
MODULES = {".".join(("megacurie", *Path(name).with_suffix("").parts)).removesuffix(".__init__"): path for path, name in FILES.items()}
BELOW = {
    "foundation": set[str](),
    "physics": {"foundation"},
    "statistics": {"foundation"},
    "experiments": {"foundation", "physics"},
    "radiochemistry": {"foundation", "physics", "statistics"},
    "studies": {"foundation", "physics", "statistics", "experiments", "radiochemistry"},
    "report": {"foundation", "physics", "statistics", "experiments", "radiochemistry", "studies"},
    "cli": {"foundation", "physics", "statistics", "experiments", "radiochemistry", "studies", "report"},
}
CARDS = ("experiments/cards.py", "experiments/schema.py", "experiments/fields.py")
ONLY_IN: dict[str, tuple[str, ...]] = {  # third party or standard library -> files or folders that may import it
    "matplotlib": ("report/canvas.py", "report/countings.py", "report/designs.py", "report/figures.py"),
    "pydantic": CARDS,
    "pydantic_core": CARDS,
    "tomllib": ("foundation/provenance.py", "experiments/cards.py", "radiochemistry/heading.py"),
    "typer": ("cli/",),
    "rich": ("cli/",),
    "numba": ("statistics/_fast.py", "radiochemistry/_fast.py"),
    "multiprocessing": ("statistics/engine.py",),
    "concurrent.futures": ("statistics/engine.py",),
    "distributed": ("statistics/engine.py",),
    "sqlite3": ("statistics/store.py",),
    "scipy.stats": (),
    "matplotlib.pyplot": (),
    "jax": (),
}


def imported(path: Path) -> Iterator[str]:
    """Full names of everything a file imports, at any depth: ``a.b`` for ``from a import b`` when that is a module of ours, else ``a``."""
    package = next(name for name, there in MODULES.items() if there == path).split(".")
    package = package if path.name == "__init__.py" else package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) + 1 - node.level], *filter(None, [node.module])]) if node.level else node.module or ""
            full = [f"{base}.{alias.name}" for alias in node.names]
            ours = base.startswith("megacurie")
            yield from (name if name in MODULES or not ours else base for name in full)


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_layers_import_only_what_lies_below_them() -> None:
    wrong = []
    for path, name in FILES.items():
        if "/" not in name:
            continue  # the public names of the package itself
        layer = name.split("/")[0]
        assert layer in BELOW, f"{name}: folder {layer} has no place in the layers"
        for target in imported(path):
            if is_below(target, "megacurie") and target.split(".")[1:2] not in [[one] for one in {layer, *BELOW[layer]}] and layer != "cli":
                wrong.append(f"{name} imports {target}")
    assert not wrong, "\n".join(wrong)


def test_third_parties_have_one_place() -> None:
    wrong = [
        f"{name} imports {target}"
        for path, name in FILES.items()
        for target in imported(path)
        for package, places in ONLY_IN.items()
        if is_below(target, package) and not name.startswith(places or "nowhere")
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", sorted(SRC.rglob("_fast.py")), ids=lambda path: path.parent.name)
def test_compiled_functions_get_every_constant_as_an_argument(path: Path) -> None:
    """What is compiled is kept between runs; a unit or a constant inside would be that of an earlier run."""
    assert not [target for target in imported(path) if is_below(target, "megacurie")]


@pytest.mark.parametrize("name", ["kernel", "expectation"])
def test_the_kernel_knows_no_hypothesis(name: str) -> None:
    assert not [target for target in imported(SRC / f"experiments/{name}.py") if is_below(target, "megacurie.physics.hypotheses")]


def test_no_import_cycles() -> None:
    graph = {name: {t for t in imported(path) if t in MODULES and t != "megacurie"} - {name} for name, path in MODULES.items() if name != "megacurie"}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize(
    ("module", "heavy"),
    [("megacurie", ("matplotlib", "numba", "scipy.optimize", "iminuit", "pydantic")), ("megacurie.cli.main", ("numpy", "pydantic"))],
)
def test_imports_are_lazy(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*sorted(set({heavy!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []
