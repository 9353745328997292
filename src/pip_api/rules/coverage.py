"""What of a framework is covered, and by what: which cells of its matrix, which levels, which measures, which plans?

Items are plain dictionaries with `code`, `kind`, `title`, `parent_code`, `evidence_kind` and `measure_code`. What bears
on an item bears on all that the item belongs to.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

Item = Mapping[str, Any]
MEASURED = ("measure", "diagnostic")


def _of_kind(items: Iterable[Item], *kinds: str) -> list[Item]:
    return [item for item in items if item["kind"] in kinds]


def reached(items: Sequence[Item], codes: Iterable[str]) -> frozenset[str]:
    """These items and all that they belong to."""
    parents = {item["code"]: item["parent_code"] for item in items}
    found: set[str] = set()
    for code in codes:
        step: str | None = code
        while step is not None and step in parents and step not in found:
            found.add(step)
            step = parents[step]
    return frozenset(found)


def _counted(items: Sequence[Item], bearing: Collection[frozenset[str]], kind: str) -> list[dict[str, Any]]:
    counts = Counter(code for codes in bearing for code in codes)
    return [
        {"code": item["code"], "title": item["title"], "subjects": counts[item["code"]]}
        for item in _of_kind(items, kind)
    ]


def matrix(items: Sequence[Item], bearing: Collection[frozenset[str]]) -> list[dict[str, Any]]:
    """Capability areas by approaches: on how many things each pair bears. `bearing` are the items of each thing."""
    return [
        {
            "code": area["code"],
            "title": area["title"],
            "subjects": len(here := [codes for codes in bearing if area["code"] in codes]),
            "approaches": _counted(items, here, "approach"),
        }
        for area in _of_kind(items, "capability_area")
    ]


def levels(items: Sequence[Item], bearing: Collection[frozenset[str]]) -> list[dict[str, Any]]:
    """How many things bear on each organisational level; a level with none is a gap."""
    return _counted(items, bearing, "organisational_level")


def missing_levels(items: Sequence[Item], codes: Collection[str]) -> list[str]:
    """The levels on which none of these items is."""
    return [item["code"] for item in _of_kind(items, "organisational_level") if item["code"] not in codes]


def areas_without(items: Sequence[Item], codes: Collection[str]) -> list[Item]:
    """The capability areas that are not among these, which reach all that they belong to."""
    return [item for item in _of_kind(items, "capability_area") if item["code"] not in codes]


def areas_without_measure(items: Sequence[Item]) -> list[Item]:
    """The capability areas by whose success nothing of the framework is measured."""
    return areas_without(items, reached(items, [item["code"] for item in _of_kind(items, *MEASURED)]))


def evidence(items: Sequence[Item]) -> dict[str, Any]:
    """How much of what is measured is numbers, judgements, or both; the shares are of those of which it is said.

    What is both counts in both shares.
    """
    kinds = Counter(item["evidence_kind"] for item in _of_kind(items, *MEASURED))
    said = sum(count for kind, count in kinds.items() if kind is not None)

    def share(kind: str) -> float | None:
        return round((kinds[kind] + kinds["both"]) / said, 3) if said else None

    return {
        "quantitative": kinds["quantitative"],
        "qualitative": kinds["qualitative"],
        "both": kinds["both"],
        "not_said": kinds[None],
        "quantitative_share": share("quantitative"),
        "qualitative_share": share("qualitative"),
    }


def measures_without_plan(items: Sequence[Item], plans: Iterable[Mapping[str, Any]]) -> list[Item]:
    """The measures and diagnostics that no plan names, by item or by the measure that its figures are posted for."""
    codes, measures = set[str](), set[str]()
    for plan in plans:
        codes |= plan["codes"]
        measures |= plan["measures"]
    measured = _of_kind(items, *MEASURED)
    return [item for item in measured if item["code"] not in codes and item["measure_code"] not in measures]


def plans_without_measure(items: Sequence[Item], plans: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The plans that rest on no measure: none of the framework, and none of the catalogue."""
    measured = {item["code"] for item in _of_kind(items, *MEASURED)}
    return [plan for plan in plans if not plan["measures"] and measured.isdisjoint(plan["codes"])]
