"""What was found, beside the goals: printed, and written into README.md."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psycopg
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.imports import Imported
from benchmarks.load import Measured

README = Path(__file__).with_name("README.md")
GOALS: Mapping[str, tuple[float, float]] = {
    "Status of a plan": (0.50, 4.0),
    "Put one figure": (0.35, 4.0),
    "List of 50 actions": (0.70, 0.0),
    "304 beside that read": (0.70, 0.0),
}
"""At least so much of the floor, and so many times Django REST Framework."""
IMPORT_GOAL, MEMORY_GOAL, TRIAGE_GOAL = 0.5, 100, 100
PACKAGES = (
    "starlette",
    "fastapi",
    "sqlmodel",
    "Django",
    "djangorestframework",
    "gunicorn",
    "uvicorn",
    "psycopg",
    "asyncpg",
)


@dataclass(frozen=True)
class Line:
    """One thing measured: rates by server and round, a latency, or an import."""

    title: str
    rates: Mapping[str, Sequence[float]] | None = None
    latency: Measured | None = None
    imported: Imported | None = None


def write(lines: Sequence[Line], url: str) -> None:
    """Prints the tables and puts them between the markers of README.md."""
    text = "\n".join([*_requests(lines), "", *_imports(lines), "", *_triage(lines), "", _machine(url)])
    Console().print(Markdown(text))
    old = README.read_text("utf-8")
    new = re.sub(r"(?s)(<!-- measured -->\n).*?(<!-- end -->)", lambda found: f"{found[1]}{text}\n{found[2]}", old)
    README.write_text(new, "utf-8")


def _requests(lines: Sequence[Line]) -> list[str]:
    made = [
        "| requests/s | floor | pip_api | FastAPI + SQLModel | DRF | of the floor | times DRF | goal |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for line in lines:
        if line.rates is not None:
            rates = [median(line.rates[name]) for name in ("floor", "pip_api", "sqlmodel_peer", "drf")]
            of_floor, times_drf = (_ratio(line.rates, name) for name in ("floor", "drf"))
            shown = " | ".join(f"{rate:,.0f}" for rate in rates)
            made.append(
                f"| {line.title} | {shown} | {of_floor:.2f} | {times_drf:.1f} | {_goal(line, of_floor, times_drf)} |"
            )
    return made


def _ratio(rates: Mapping[str, Sequence[float]], peer: str) -> float:
    """The median over the rounds: what slows the machine for a while slows both."""
    return median(ours / theirs for ours, theirs in zip(rates["pip_api"], rates[peer], strict=True))


def _goal(line: Line, of_floor: float, times_drf: float) -> str:
    if line.title not in GOALS:
        return "none"
    least, times = GOALS[line.title]
    wanted = f"{least:.2f} of the floor" + (f", {times:.0f} times DRF" if times else "")
    return f"{wanted}: {_met(of_floor >= least and times_drf >= times)}"


def _met(is_met: bool) -> str:
    return "met" if is_met else "**missed**"


def _imports(lines: Sequence[Line]) -> list[str]:
    made = [
        "| import of a file | rows | pip_api | raw | of raw | goal | memory grows | goal |",
        "|---|--:|--:|--:|--:|---|--:|---|",
    ]
    for line in lines:
        if (found := line.imported) is not None:
            ratio = found.raw / found.service
            made.append(
                f"| {line.title} | {found.rows:,} | {found.service:.1f} s | {found.raw:.1f} s | {ratio:.2f} | "
                f"{IMPORT_GOAL}: {_met(ratio >= IMPORT_GOAL)} | {found.growth:.0f} MiB | "
                f"{MEMORY_GOAL} MiB: {_met(found.growth < MEMORY_GOAL)} |"
            )
    return made


def _triage(lines: Sequence[Line]) -> list[str]:
    made = ["| one request at a time | p50 | p95 | goal for p95 |", "|---|--:|--:|---|"]
    for line in lines:
        if (found := line.latency) is not None:
            goal = f"{TRIAGE_GOAL} ms: {_met(found.p95 < TRIAGE_GOAL)}"
            made.append(f"| {line.title} | {found.p50:.0f} ms | {found.p95:.0f} ms | {goal} |")
    return made


def _machine(url: str) -> str:
    with psycopg.connect(url) as connection:
        server = connection.execute("SHOW server_version").fetchone()
    assert server is not None
    used = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    cores = f"{len(os.sched_getaffinity(0))} cores ({platform.machine()})"
    release = server[0].split()[0]
    return f"Measured on {cores}, Python {platform.python_version()}, PostgreSQL {release}; {used}."
