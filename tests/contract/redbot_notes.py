"""What does REDbot (with httplint) note about a resource? Run with its own Python; prints the notes as JSON."""

import json
import sys
from configparser import ConfigParser

import thor
from redbot.resource import HttpResource


def notes(url: str, headers: list[tuple[str, str]]) -> list[dict[str, str]]:
    """The notes of a resource and of the further requests that REDbot makes to probe it."""
    config = ConfigParser()
    config.read_dict({"redbot": {"enable_local_access": "True"}})
    resource = HttpResource(config["redbot"])
    resource.set_request(url, headers=headers)
    resource.on("check_done", thor.stop)
    resource.check()
    thor.run()
    if resource.fetch_error is not None:
        return [{"level": "bad", "note": "FETCH_ERROR", "says": str(resource.fetch_error)}]
    found = [*resource.response.notes, *(note for each in resource.subreqs.values() for note in each.response.notes)]
    return [{"level": note.level.value, "note": type(note).__name__, "says": str(note.summary)} for note in found]


if __name__ == "__main__":
    url, *given = sys.argv[1:]
    print(json.dumps(notes(url, [(name, value) for name, _, value in (each.partition(": ") for each in given)])))
