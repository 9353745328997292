"""How is a bundle of the ledger checked from the command line?"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from pip_api.ledger.verification import verify_bundle


def verify(
    bundle: Annotated[Path, typer.Argument(help="NDJSON, as the service exports it.")],
    keys: Annotated[Path, typer.Option(help="JWKS of the keys that sign heads.")],
    since: Annotated[Path | None, typer.Option(help="A head that was kept, in a file of its own.")] = None,
    witnesses: Annotated[Path | None, typer.Option(help="JWKS of the keys of witnesses.")] = None,
    bound: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Seconds from the moment of an entry to its seal, at most; 3660 allows for imports.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Report for machines.")] = False,
) -> None:
    """Check a bundle of the ledger, offline. Exits with 0 good, 1 tampering, 2 unreadable, 3 incomplete."""
    allowed = None if bound is None else timedelta(seconds=bound)
    report = verify_bundle(bundle, keys, since=since, witnesses=witnesses, bound=allowed)
    print(json.dumps(report.document(), indent=2) if as_json else report.text())
    raise typer.Exit(int(report.outcome))
