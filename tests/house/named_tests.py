"""Finding a test by its node id, so that a table of promises can point at the tests that keep them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def exists(node_id: str) -> bool:
    """Whether `path/to/test_file.py::test_function` names a test function that is there."""
    path, _, function = node_id.partition("::")
    return function in _functions(ROOT / path)


@cache
def _functions(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
