"""Is there a test of this name? Lists that say what shows something name tests as `tests/file.py::test`."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


@cache
def names_in(file: str) -> frozenset[str]:
    """The functions of a file."""
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(each.name for each in ast.parse(path.read_text()).body if isinstance(each, functions))


def missing(named: Iterable[str]) -> list[str]:
    """Those of the tests named that there are not."""
    return [each for each in named if each.partition("::")[2] not in names_in(each.partition("::")[0])]
