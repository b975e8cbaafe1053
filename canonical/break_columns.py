"""The columns of the workbook of breaks: what the export writes is what the import reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from canonical.codes import BreakState

SHEET: Final = "Breaks"
YES: Final = "yes"
STATES: Final = tuple(state.value for state in BreakState)
"""What the column State takes."""


@dataclass(frozen=True, slots=True)
class Column:
    """`name`: column of WORKED, or of the import alone (accept, reason). `width`: in characters. `help`: shown at a drop-down."""

    name: str
    heading: str
    kind: Literal["text", "money", "date", "number"] = "text"
    width: int = 12
    edited: bool = False
    wide: bool = False
    help: str = ""


COLUMNS: Final = (
    Column("kind", "Kind", width=19),
    Column("amount_minor", "Amount", "money", width=15),
    Column("currency", "Currency", width=10),
    Column("credit_debit", "Direction", width=10),
    Column("since", "Since", "date", width=12),
    Column("age_days", "Age days", "number", width=7),
    Column("note", "What it is", width=52, wide=True),
    Column("suggested", "May be", width=22, wide=True),
    Column("score", "Score of 100", "number", width=8),
    Column("reasons", "Why it may be", width=28, wide=True),
    Column("asked_by", "Write-off asked by", width=13),
    Column("owner", "Owner", width=15, edited=True, help="Who looks after it; empty: nobody."),
    Column(
        "state", "State", width=13, edited=True, help="explained: with a comment. resolved, written_off: with a reason."
    ),
    Column("comment", "Comment", width=34, edited=True, wide=True),
    Column("accept", "Accept", width=9, edited=True, help="yes: match it with what it may be; with a reason."),
    Column("reason", "Reason", width=28, edited=True, wide=True),
    Column("account", "Account", width=25),
    Column("break_id", "Break", width=23),
    Column("revision", "Revision", "number", width=9),
)
"""First what it is, then what is decided (shaded), then what tells it from others."""
FROZEN: Final = 3
"""Columns that stay in sight."""
KEYS: Final = ("Break", "Revision")
"""Heads that tell the row of the heads."""
