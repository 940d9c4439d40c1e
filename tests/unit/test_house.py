"""The rules of CONTRIBUTING.md and ARCHITECTURE.md that a machine can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FILE, MAX_FUNCTION = 300, 40
FORBIDDEN_NAMES = {"utils", "helpers", "manager"}


def sources() -> Iterator[Path]:
    for folder in ("agroal", "tui"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def functions(source: Path) -> Iterator[tuple[str, int]]:
    """Name and length of each function, docstring not counted: what explains is not what must be short."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
            yield node.name, (node.end_lineno or 0) - first.lineno + 2


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): n for path in sources() if (n := len(path.read_text().splitlines())) > MAX_FILE
    }
    assert long == {}


def test_functions_are_short() -> None:
    long = {f"{path.name}:{name}": n for path in sources() for name, n in functions(path) if n > MAX_FUNCTION}
    assert long == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in sources() if path.stem in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["importlinter.cli", "lint"],
    ],
    ids=["check", "format", "types", "layers"],
)
def test_the_linters_agree(command: list[str]) -> None:
    program = (
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
        if command[0].startswith("importlinter")
        else [sys.executable, "-m", *command]
    )
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
