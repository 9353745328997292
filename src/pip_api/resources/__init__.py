"""Which nouns has the mission? One file a noun, with its fields, its row, its rules and its special verbs.

A noun is part of the service by being declared in a file here: nothing else lists them.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from pip_api.kernel.resource import Resource


@cache
def nouns() -> dict[str, Resource]:
    """Every resource by its noun, in the order of their plurals."""
    modules = [import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)]
    found = {each.plural: each for module in modules for each in vars(module).values() if isinstance(each, Resource)}
    return {each.noun: each for _, each in sorted(found.items())}
