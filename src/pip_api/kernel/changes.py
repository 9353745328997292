"""What is different between two states of a row, and what has happened to it since?"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from pip_api.db.columns import from_json, to_json
from pip_api.db.statements import Record

_COUNTERS = ("version", "updated_at")  # move with every change, and say nothing of what it was


def since(states: Sequence[Mapping[str, Any]], seen: int, sent: Collection[str]) -> Record:
    """What has happened to a row since the version that somebody saw, who then sent members for it.

    `states` are versions with their actors, newest first, down to the one seen if it is not too long ago.
    """
    changed = [
        {
            "version": newer["version"],
            "at": newer["at"],
            "actor": newer["actor"],
            "fields": _paths(difference(older["state"], newer["state"])),
        }
        for newer, older in pairwise(states)
    ]
    told: Record = {"expected_version": seen, "changed": changed}
    if states and states[-1]["version"] == seen:
        patch = difference(states[-1]["state"], states[0]["state"])
        told["patch_from_yours"] = patch
        told["overlap"] = [path for path in _paths(patch) if path.removeprefix("/") in sent]
    return told


def difference(before: Record | None, after: Record | None) -> list[Record]:
    """The JSON Patch (RFC 6902) from one state to another; an object that is not there in one of them is None."""
    return list(_operations("", plain(before), plain(after)))


def plain(state: Record | None) -> Any:
    """A state as JSON has it, so that one from a row can be held against one from the ledger."""
    return None if state is None else from_json(to_json(state))


def _operations(path: str, before: Any, after: Any) -> Iterator[Record]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [name for name in before if name not in after]:
            yield {"op": "remove", "path": f"{path}/{name}"}
        for name, value in after.items():
            if name not in before:
                yield {"op": "add", "path": f"{path}/{name}", "value": value}
            else:
                yield from _operations(f"{path}/{name}", before[name], value)
    elif before != after:
        yield {"op": "replace" if path else "add", "path": path, "value": after}


def _paths(patch: Sequence[Record]) -> list[str]:
    return [each["path"] for each in patch if each["path"].removeprefix("/") not in _COUNTERS]
