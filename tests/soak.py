"""How long do the tests take that can be as long as one likes? `make soak` sets SOAK and takes the long form."""

import os

LONG = os.environ.get("SOAK") == "1"


def examples(quick: int, long: int) -> int:
    """So many, in the form that is run."""
    return long if LONG else quick
