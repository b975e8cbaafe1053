"""Make docs/rules/ from the rules themselves: `python docs/rules.py`. A test holds that the pages are up to date."""

# ruff: noqa: INP001  a script beside the pages, no package

from __future__ import annotations

import csv
import importlib
import inspect
from pathlib import Path
from typing import Final

from canonical.codes import REASONS
from canonical.plugins import discover

PAGES: Final = Path(__file__).parent / "rules"
_GOLDEN: Final = Path(__file__).parents[1] / "tests" / "validators" / "golden"
_EXAMPLES_MAX: Final = 6
_KINDS: Final = {
    "row": "each payment by itself", "file": "the file as a whole", "last": "the file as a whole, after all other rules",
}  # fmt: skip


def pages() -> dict[str, str]:
    """File name → text of every page."""
    rules = discover("validators", "RULE")
    told = {f"{name}.md": _page(name) for name in rules}
    return {"index.md": _index(), **told}


def _page(name: str) -> str:
    rule = discover("validators", "RULE")[name]
    text = inspect.getdoc(importlib.import_module(f"validators.{name}")) or ""
    return "\n".join(
        [
            f"# {name}",
            "",
            text,
            "",
            "| | |",
            "|---|---|",
            f"| looks at | {_KINDS[rule.kind]} |",
            f"| reason | {rule.reason}: {REASONS[rule.reason]} |",
            f"| severity | {rule.severity.value} |",
            f"| level | {rule.level.value} |",
            f"| what to do | {rule.remedy} |",
            "",
            "The reason, severity and remedy are those of the rule; a check that has its own says so in its finding. Faults of",
            "what a whole batch shares (debtor, execution date) are told once for the batch.",
            "",
            "What it says, for example:",
            "",
            *(f"- {said}" for said in _examples(name)),
            "",
            "Sources:",
            "",
            *(f"- {source}" for source in rule.sources),
            "",
        ]
    )


def _examples(name: str) -> list[str]:
    """Severity, reason and message of the golden case's findings, no message twice."""
    with (_GOLDEN / name / "findings.csv").open(newline="", encoding="utf-8") as file:
        told = {f"{row['severity']} {row['reason']}: {row['message']}": None for row in csv.DictReader(file)}
    return list(told)[:_EXAMPLES_MAX]


def _index() -> str:
    lines = [
        "# Rules",
        "",
        "A client's profile may set any rule to `error`, `warning` or `off` (`rules: {character_set: warning}`); what could",
        "not be read at all (fatal) stays so. All findings are reported, not the first.",
        "",
        "| rule | reason | severity | what it says |",
        "|---|---|---|---|",
    ]
    for name, rule in discover("validators", "RULE").items():
        text = (inspect.getdoc(importlib.import_module(f"validators.{name}")) or "").split("\n\n", 1)[0]
        lines.append(f"| [{name}]({name}.md) | {rule.reason} | {rule.severity.value} | {' '.join(text.split())} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Write every page, and remove those of rules that are gone."""
    PAGES.mkdir(exist_ok=True)
    made = pages()
    for page in PAGES.glob("*.md"):
        if page.name not in made:
            page.unlink()
    for name, text in made.items():
        (PAGES / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
