"""How is a person at a terminal told what became of an import?"""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def tell(summary: dict[str, Any]) -> int:
    """Says what became of the import; gives the exit code."""
    console = Console()
    if "counts" in summary:
        counts = ", ".join(f"{count} {name}" for name, count in summary["counts"].items() if count)
        rows = "1 row" if summary["received"] == 1 else f"{summary['received']} rows"
        console.print(f"{rows}: {counts or 'nothing to do'}.", highlight=False)
    problems = summary.get("problems") or summary.get("errors") or []
    if problems:
        console.print(escape(summary.get("detail", "Some rows have problems.")), highlight=False)
        table = Table("line", "column", "code", "detail", box=None)
        for each in problems[:20]:
            told = [str(each.get(name) or "") for name in ("line", "column", "code", "detail")]
            if "suggestion" in each or "allowed" in each:
                told[-1] += " " + _meant(each)
            table.add_row(*map(escape, told))
        console.print(table)
        if (more := max(summary.get("problems_total", 0), len(problems)) - 20) > 0:
            console.print(f"and {more} more.")
    if not summary.get("committed", False):
        return 2
    return 1 if summary["counts"]["failed"] else 0


def _meant(problem: dict[str, Any]) -> str:
    if problem.get("suggestion"):
        return f"Is it {problem['suggestion']}?"
    return f"Known are: {', '.join(map(str, problem['allowed']))}."
