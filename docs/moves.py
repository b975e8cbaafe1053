"""Make docs/moves.md from the tables themselves: `python docs/moves.py`. A test holds that the page is up to date."""

# ruff: noqa: INP001  a script beside the pages, no package

from __future__ import annotations

from pathlib import Path
from typing import Final

from canonical.nacha_codes import NACHA_CODES
from reconciliation.moves import DISPUTES, EFFECTS, MOVES, REOPENED, WHOLE, WORDS

PAGE: Final = Path(__file__).parent / "moves.md"


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            "# What feedback may do to a payment",
            "",
            "Made from `reconciliation/moves.py` by `python docs/moves.py`. See [reconciliation](reconciliation.md) for how a payment is found.",
            "",
            "## States",
            "",
            "| from | to |",
            "|---|---|",
            *(f"| {state} | {', '.join(targets) or '–'} |" for state, targets in MOVES.items()),
            "",
            "A move that is not listed keeps a day from being closed, and is named. Only of a payment that was reopened (a person took",
            "its match apart, or the bank booked it again after it came back) these are allowed too:",
            "",
            "| from | to |",
            "|---|---|",
            *(f"| {state} | {', '.join(targets)} |" for state, targets in REOPENED.items()),
            "",
            "## What a word does",
            "",
            "The strongest word counts, in whatever order the words came and however often; of words that inform, the one that says most.",
            "",
            "| effect, strongest first | the payment |",
            "|---|---|",
            *(f"| {effect} | {told} |" for effect, told in EFFECTS.items()),
            "",
            "## Words",
            "",
            "| kind | code | effect | rank | said of | on which rails | meaning |",
            "|---|---|---|---|---|---|---|",
            *(
                f"| {word.kind} | {word.code} | {word.effect} | {word.rank or '–'} | payment, batch, file | {word.rails} | {word.meaning} |"
                for word in WORDS
            ),
            *(f"| any | {code} | none | – | batch, file | every | {told} |" for code, told in WHOLE.items()),
            "| correction | – | none | – | payment | NACHA C01-C14, Bacs ADDACS | the client's data are to be changed |",
            "",
            "## Disputes of NACHA returns",
            "",
            "They move no state by themselves, are listed as a contradiction, and wait for a person and for entries.",
            "",
            "| code | meaning | within |",
            "|---|---|---|",
            *(f"| {code} | {NACHA_CODES[code].meaning} | {NACHA_CODES[code].within} |" for code in sorted(DISPUTES)),
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
