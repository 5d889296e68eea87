"""The house measures itself: files, functions, parameters, root entries."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("gogoku_pipeline", "resources", "assets", "jobs", "gogoku")
FILE_LINES = 300
FUNCTION_LINES = 60
ASSET_BODY_LINES = 25
PARAMETERS = 8
ROOT_ENTRIES = 26


def _files() -> list[Path]:
    return sorted(path for room in SOURCES for path in (ROOT / room).rglob("*.py"))


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _is_asset(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    names = [ast.unparse(decorator).split("(")[0] for decorator in function.decorator_list]
    return any(name.split(".")[-1] in {"asset", "multi_asset", "graph_asset"} for name in names)


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_and_its_functions_stay_small(path: Path):
    lines = path.read_text().count("\n")
    assert lines <= FILE_LINES, f"{path} has {lines} lines; split it by meaning (at most {FILE_LINES})"
    for function in _functions(path):
        length = function.end_lineno - function.lineno + 1
        assert length <= FUNCTION_LINES, f"{path}:{function.name} has {length} lines (at most {FUNCTION_LINES})"
        arguments = function.args
        count = len(arguments.posonlyargs + arguments.args + arguments.kwonlyargs)
        count -= sum(argument.arg in {"self", "cls"} for argument in arguments.args[:1])
        assert count <= PARAMETERS, f"{path}:{function.name} takes {count} parameters; make a frozen config"
        if _is_asset(function):
            body = _body_lines(function)
            assert body <= ASSET_BODY_LINES, f"asset {function.name} has a body of {body} lines ({ASSET_BODY_LINES})"


def test_the_root_stays_readable():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    entries = {line.split("/")[0] for line in tracked.splitlines()}
    assert len(entries) <= ROOT_ENTRIES, f"{len(entries)} entries at the root: {sorted(entries)}"


def test_the_makefile_has_at_most_twelve_targets():
    lines = (ROOT / "Makefile").read_text().splitlines()
    phony = next(line for line in lines if line.startswith(".PHONY:"))
    assert len(phony.split()[1:]) <= 12
