"""Return reason codes of ACH that are nearest to ISO external status reasons. docs/exports/answer-nacha.md shows the table.

Source: Nacha Operating Rules, Appendix Four (return reason codes); ISO 20022 ExternalStatusReason1Code.
"""

from __future__ import annotations

from typing import Final

OTHERWISE: Final = "R17"
"""File record edit criteria: the entry could not be processed as it stands."""

RETURN_CODES: Final[dict[str, str]] = {
    "AC01": "R04", "AC02": "R04", "AC03": "R04", "AC04": "R02", "AC06": "R16", "AC13": "R20", "AG01": "R20",
    "AM01": "R19", "AM02": "R19", "AM12": "R19", "AM14": "R19", "AM21": "R19", "AM04": "R01",
    "AM05": "R24", "DU01": "R24", "DU02": "R24", "DU03": "R24", "DU04": "R24", "DUPL": "R24",
    "BE22": "R26", "CH21": "R26", "RR02": "R26", "RR03": "R26",
    "CH03": "R18", "CH04": "R18", "DT01": "R18", "TM01": "R18",
    "CUST": "R06", "DS0H": "R29", "MD01": "R10", "MD02": "R10", "MD07": "R15", "MS02": "R23", "MS03": "R23",
    "RC01": "R13", "RC03": "R13", "RC04": "R13", "RR07": "R25",
}  # fmt: skip

MEANINGS: Final[dict[str, str]] = {
    "R01": "Insufficient funds", "R02": "Account closed", "R04": "Invalid account number structure",
    "R06": "Returned at the request of the originating bank", "R10": "Not authorized by the receiver", "R13": "Invalid routing number",
    "R15": "Beneficiary or account holder deceased", "R16": "Account frozen", "R17": "File record edit criteria",
    "R18": "Improper effective entry date", "R19": "Amount field error", "R20": "Non-transaction account",
    "R23": "Credit entry refused by the receiver", "R24": "Duplicate entry", "R25": "Addenda error",
    "R26": "Mandatory field error", "R29": "Corporate customer advises not authorized",
}  # fmt: skip
