"""Every bound of the house, by name. Units stand last."""

from __future__ import annotations

from typing import Final

AMOUNT_MINOR_MAX: Final = 10**12
"""Largest amount of one row in minor units (ten thousand million euro). A larger one is a finding, not a crash."""

FILE_ROWS_MAX: Final = 9_000_000
"""Most payments of one file, and most rows that one sum may run over."""

INT64_MAX: Final = 2**63 - 1
ENTRY_MINOR_MAX: Final = 10**15
"""Largest amount of one entry of a statement: one entry may book a whole batch, and 10^12 minor units of rupiah are 600,000 dollars."""
STATEMENT_SUM_MINOR_MAX: Final = 10**16
"""Most that the entries of one file of a bank may add up to: hundreds of such files fit one Int64 sum."""
BALANCE_MINOR_MAX: Final = 10**17
"""Largest balance or total that is read as a column: with an amount's fraction added it cannot wrap."""
assert AMOUNT_MINOR_MAX * FILE_ROWS_MAX < INT64_MAX, "an Int64 sum could wrap, and Polars would not say so"
assert ENTRY_MINOR_MAX <= STATEMENT_SUM_MINOR_MAX < INT64_MAX // 900, (
    "two years of a bank's files must add up in an Int64"
)
BEYOND_A_SUM: Final = (
    f"The amounts of the file add up to more than {STATEMENT_SUM_MINOR_MAX:,} minor units; so much is not read at once."
)

AMOUNT_TEXT_CHARS_MAX: Final = 30
FILE_BYTES_MAX: Final = 8 * 2**30
ENVELOPE_LAYERS_MAX: Final = 4
"""Envelopes (gzip, zip, OpenPGP) around one file, one in the other."""
ARCHIVE_FILES_MAX: Final = 10_000
"""Files of one archive that a bank sends, or that somebody looks at."""
ENVELOPE_RATIO_MAX: Final = 300
"""Plain bytes to packed bytes, looked at once the plain side is larger than ENVELOPE_FREE_BYTES: XML packs 30 to 1."""
ENVELOPE_FREE_BYTES: Final = 64 * 2**20
WINDOW_BYTES: Final = 24 * 2**20
"""Size of one parse window before it is cut at a payment's end."""

LINE_BYTES_MAX: Final = 64 * 2**10
"""Longest line of a line-based format (CSV, NACHA). A longer one makes the file unreadable at that line."""

BAD_CHARACTERS_MAX: Final = 2**20
"""Bytes of one window of an ACH file that no record may hold; where there are more, the file is none."""

XML_DEPTH_MAX: Final = 64
XML_TEXT_BYTES_MAX: Final = 2**20
"""Longest single text, attribute or element of an XML payment file."""

FINDINGS_PER_RULE_MAX: Final = 100_000
"""Findings kept of one rule in one file; what is over is counted in one closing finding, and still rejects its rows."""

XSD_FINDINGS_MAX: Final = 10_000
"""Faults against a schema told of one file; where there are more, none of the file is taken."""

MESSAGE_CHARS_MAX: Final = 400
IDENTIFICATION_CHARS_MAX: Final = 35
"""ISO 20022 Max35Text: message, batch, instruction and end-to-end ids."""
LAKE_PART_ROWS: Final = 20_000
"""Payments of one object of the lake, about: each object, and each look at one, has a price of its own."""
WRITTEN_ROWS: Final = 10_000
"""Payments of a provider's file that are written at a time: a part of the lake, its XML and what is between take three times as much."""
ATTEMPT_S_MAX: Final = 12 * 3600
"""An attempt at a stage that is older does not commit any more: what it wrote may have been swept."""
SWEEP_AGE_S_MIN: Final = 24 * 3600
"""What nothing names is taken for litter after that; the clocks of workers and of the object store may differ by the rest."""
assert ATTEMPT_S_MAX < SWEEP_AGE_S_MIN, "what an attempt may still commit is no litter"
MAPPED_ROWS: Final = 100_000
"""Rows of a frame beyond which it is mapped from a file, and of a piece of what is written of one."""
VERDICT_ROWS: Final = 250_000
"""Payments whose verdicts are made and written at a time."""
KEY_RUNS_MAX: Final = 16
"""Runs of duplicate keys of one size before they are merged into one: what a lookup must search stays few."""
KEY_MERGE_ROWS: Final = 2_000_000
"""Keys held in memory at a time while runs are merged."""
TABLE_COLUMNS_MAX: Final = 1000
"""Columns of a client's table (CSV, XLSX)."""
TABLE_CLOSING_ROWS_MAX: Final = 20
"""Rows at the end of a table that may close it: totals and subtotals."""
WORKBOOK_PART_BYTES_MAX: Final = 2**30
"""One unpacked part of a workbook: a sheet of a million rows and ten columns has about half of it."""
WORKBOOK_TEXTS_MAX: Final = 12_000_000
"""Shared texts of a workbook."""
WORKBOOK_PARTS_MAX: Final = 10_000
ASKED_DAYS: Final = 10
"""Days in which a provider's API is asked for the status of what was sent to it."""
CLOCKS_APART_S: Final = 60
"""Most by which the clocks of machines that share a registry differ; what goes back further was set back."""
HTTP_BODY_BYTES_MAX: Final = 32 * 2**20
"""Longest answer of a provider's API that is read: one page of a list."""
SUBSET_PAYMENTS_MAX: Final = 40
"""Payments of a group whose subsets the ladder counts."""
SUBSET_STATES_MAX: Final = 200_000
"""Different sums it keeps meanwhile; beyond, nothing is said of the group."""
SUGGESTION_RIVALS_MAX: Final = 20
"""Open payments, or entries, of one account and amount that are compared with one another for suggestions."""
BY_HAND_BASIS_POINTS_MAX: Final = 500
"""What an entry and the payments that a person matches with it may differ by, of the payments' sum; not where currencies differ."""
OPEN_DAYS_MAX: Final = 60
"""Days in which reconciliation still waits for an entry of a payment that was refused or came back, or that moves no money."""
