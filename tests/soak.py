"""How long do tests take that can be as long as one likes? CI tries all but the endless; `make soak` the long forms."""

import os

import pytest

LONG = os.environ.get("SOAK") == "1"
WHOLE = LONG or os.environ.get("CI") == "true"
"""Whether everything is tried that is not endless. `make test` leaves out a few minutes of it."""

in_ci = pytest.mark.skipif(not WHOLE, reason="it takes long: with CI=true or SOAK=1 only")


def examples(quick: int, long: int) -> int:
    """So many, in the form that is run."""
    return long if LONG else quick
