"""What a person reads; computes nothing.

``table`` and ``summary`` are here; ``figures`` is a module of its own, so that text needs no matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from megacurie.report.tables import summary, table

__all__ = ["summary", "table"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("megacurie.report.tables"), name)
    raise AttributeError(f"module 'megacurie.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "figures", "tables"]
