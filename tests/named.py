"""Is there a test of this name? Lists that say what shows something name tests as `tests/file.py::test`."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


@cache
def _functions(file: str) -> dict[str, bool]:
    """The functions of a file, and whether each is asynchronous."""
    path = ROOT / file
    if not path.is_file():
        return {}
    both = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [each for each in ast.parse(path.read_text()).body if isinstance(each, both)]
    return {each.name: isinstance(each, ast.AsyncFunctionDef) for each in found}


def names_in(file: str) -> frozenset[str]:
    """The functions of a file."""
    return frozenset(_functions(file))


def asks_the_service(test: str) -> bool:
    """Whether a test asks the running service: those that do are asynchronous, and run on each database."""
    file, _, name = test.partition("::")
    return _functions(file).get(name, False)


def missing(named: Iterable[str]) -> list[str]:
    """Those of the tests named that there are not."""
    return [each for each in named if each.partition("::")[2] not in names_in(each.partition("::")[0])]
