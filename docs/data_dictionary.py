"""Make docs/data-dictionary.md from the frames themselves: `python docs/data_dictionary.py`. A test holds that the page is up to date."""

# ruff: noqa: INP001  a script beside the pages, no package

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path
from typing import Final

import pandera.polars as pa

from canonical import frames
from gateway.datasets import DATASETS, RUNS
from gateway.publish import PREFIX, REGISTRY, TABLES
from reconciliation import frames as reconciled

PAGE: Final = Path(__file__).parent / "data-dictionary.md"
PLACES: Final = {
    "payments": ("parse", "file_id"), "totals": ("parse", "file_id"), "cancellations": ("parse", "file_id"),
    "findings": ("parse (of a cancellation request), validate, follow", "file_id or feedback_id"),
    "verdicts": ("validate", "file_id"), "keys": ("validate; merged runs", "file_id, or the client's"),
    "screening": ("screen", "file_id"), "routes": ("route-N, a revision of the plan; the last one counts", "file_id"),
    "lapsed": ("route-N", "file_id"), "lapses": ("route-N", "file_id"), "verified": ("vop-…", "file_id"),
    "cancelled": ("cancel, vop-refused-…", "file_id"), "outcomes": ("validate", "file_id of the request"),
    "statuses": ("follow", "feedback_id"), "entries": ("follow", "feedback_id"),
    "statements": ("follow", "feedback_id"), "balances": ("follow", "feedback_id"),
    "matches": ("reconcile-N, one run after the other; all count", "provider_id"),
    "fundings": ("reconcile-N", "provider_id"), "unmatches": ("by hand", "provider_id"), "told": ("answer sets", "file_id"),
    **dict.fromkeys(("closed", "open_book", "open_words", "open_entries", "open_matches"), ("reconcile: what a run leaves open", "provider_id")),
    "states": ("settle", "close-SCOPE-DAY-REVISION"), "gone": ("settle", "close-SCOPE-DAY-REVISION"), "breaks": ("settle", "close-SCOPE-DAY-REVISION"),
    "postings": ("settle", "close-SCOPE-DAY-REVISION"),
}  # fmt: skip
"""Dataset → the stage that commits it, and the subject under which it stands."""


def page() -> str:
    """The whole page."""
    listed = [name for name in DATASETS if name in PLACES]
    others = [name for name in DATASETS if name not in PLACES]
    return "\n".join([
        "# Data dictionary", "",
        "Made from `canonical/frames/` and `reconciliation/frames.py` by `python docs/data_dictionary.py`. Worked queries: [queries](queries.md).",
        "", "## Where committed data is", "", *_PLACE, "", "| dataset | holds | committed by the stage | subject |", "|---|---|---|---|",
        *(f"| [{name}](#{name}) | {_meaning(name)} | {PLACES[name][0]} | {PLACES[name][1]} |" for name in listed),
        *(f"| [{name}](#{name}) | {_meaning(name)} | – | – |" for name in others), "",
        *_registry(), "## Columns", "",
        "Money is Int64 minor units of the row's currency (`12345` EUR is 123.45). `null` says whether a value may be missing.", "",
        *(line for name, schema in DATASETS.items() for line in _dataset(name, schema)),
    ])  # fmt: skip


_PLACE: Final = [
    "`lake/` holds what every attempt wrote; only what a manifest in the registry names counts. Do not read it by a glob. `bulkrail publish` keeps",
    "a prefix with committed data alone, rebuilt from the manifests (hard links on a disk, copies in a bucket), for DuckDB, Athena, Spark and Polars:",
    "", "```text", f"{PREFIX}/DATASET/day=YYYY-MM-DD/subject=SUBJECT/STAGE-PART.parquet", f"{PREFIX}/{REGISTRY}/TABLE.parquet", "```", "",
    "`day` is the UTC day on which the stage committed, and of a close its business day. Of a close that was made again only the last revision is there",
    "in `states`, `gone` and `breaks`; of `postings` every run of the ledger, because what was posted is taken back by further postings, never removed.",
    "A close writes the states that differ from those of the day before: all payments of a day are the last row of each up to that day.",
    f"`{'`, `'.join(sorted(RUNS))}` is searched in place and not published. Payments hold accounts and names in clear: guard the prefix like the lake.",
]  # fmt: skip


def _registry() -> list[str]:
    return [
        f"### {REGISTRY}", "", "Small tables of the registry, to join with:", "",
        *(f"- `{name}`: {', '.join(f'`{column}`' for column in columns)}" for name, (_, columns) in TABLES.items()), "",
    ]  # fmt: skip


def _dataset(name: str, schema: pa.DataFrameSchema) -> list[str]:
    rows = [
        f"| `{column}` | {_dtype(held)} | {'yes' if held.nullable else 'no'} | {_cell(held.description or '')} |"
        for column, held in schema.columns.items()
    ]
    return [
        f"### {name}",
        "",
        _meaning(name),
        "",
        "| column | type | null | meaning, source |",
        "|---|---|---|---|",
        *rows,
        "",
    ]


def _dtype(column: pa.Column) -> str:
    return str(column.dtype)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _meaning(name: str) -> str:
    """What stands below the frame's definition."""
    return _cell(_MEANINGS.get(name.upper(), ""))


def _meanings() -> dict[str, str]:
    found = {}
    package = sorted(Path(str(frames.__file__)).parent.glob("*.py"))
    for path in (*package, Path(str(reconciled.__file__))):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for made, said in pairwise(body):
            if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant):
                targets = made.targets if isinstance(made, ast.Assign) else [getattr(made, "target", None)]
                found |= {item.id: str(said.value.value) for item in targets if isinstance(item, ast.Name)}
    return found


_MEANINGS: Final = _meanings()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
