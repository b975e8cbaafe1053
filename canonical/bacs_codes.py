"""Reason codes of Bacs reports: what each means, the ISO code nearest to it, and what to do about it.

Source: Pay.UK, Bacs reason codes for ARUDD, ARUCS, AUDDIS, ADDACS and AWACS (Service user's guide and rules to the Direct
Debit Scheme; Direct Credit Scheme). Bacs names no ISO codes: the mapping is ours, from the meanings in the ISO 20022
external code sets (return reason, mandate reason), November 2025.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Report = Literal["ARUDD", "ARUCS", "AUDDIS", "ADDACS", "AWACS"]


@dataclass(frozen=True, slots=True)
class BacsCode:
    """One code of a report. `reason`: the ISO code. `action`: what the service user must do."""

    report: Report
    code: str
    reason: str
    meaning: str
    action: str


_ASK: Final = "Agree with the payer how to pay."
_STOP: Final = "Collect no more on this instruction."
_NEW: Final = "Obtain a new instruction before collecting again."
_USE: Final = "Use the new account details from the next collection on."
_TABLES: Final[dict[Report, tuple[tuple[str, str, str, str], ...]]] = {
    "ARUDD": (
        ("0", "MS03", "refer to payer", _ASK),
        ("1", "MD01", "instruction cancelled", _STOP),
        ("2", "MD07", "payer deceased", _STOP),
        ("3", "AC04", "account transferred", _NEW),
        ("4", "CUST", "advance notice disputed", _ASK),
        ("5", "AC01", "no account, or wrong account type", "Check the account details with the payer."),
        ("6", "MD01", "no instruction", _NEW),
        ("7", "AM09", "amount differs", _ASK),
        ("8", "DT01", "amount not yet due", "Collect on the day that was announced."),
        ("9", "DT01", "presentation overdue", "Announce the collection again before collecting."),
        ("A", "BE05", "service user differs", "Lodge the instruction under the service user that collects."),
        ("B", "AC04", "account closed", _NEW),
    ),
    "ARUCS": (
        ("0", "AC01", "invalid details", "Ask the beneficiary for its account."),
        ("2", "MD07", "beneficiary deceased", "Pay no more to this account."),
        ("3", "AC07", "account transferred", "Ask the beneficiary for its new account."),
        ("5", "AC03", "no account", "Check the account, and ask the beneficiary."),
        ("B", "AC07", "account closed", "Ask the beneficiary for its new account."),
        ("C", "FOCR", "requested by the remitter", "Nothing: it came back as asked."),
    ),
    "AUDDIS": (
        ("1", "MD16", "instruction cancelled by the payer", _ASK),
        ("2", "MD07", "payer deceased", _STOP),
        ("3", "AC04", "account transferred to another bank", _NEW),
        ("5", "AC01", "no account", "Check the account details with the payer, and lodge again."),
        ("6", "MD01", "no instruction", "Check the reference, and lodge a new instruction."),
        ("B", "AC04", "account closed", _NEW),
        ("C", "CTAM", "account transferred to another branch", _USE),
        ("F", "AC13", "invalid account type", "Ask the payer for another account."),
        ("G", "AG01", "the bank takes no direct debits on this account", "Ask the payer for another account."),
        ("H", "CTEX", "instruction expired", _NEW),
        ("I", "MD02", "payer reference not unique", "Lodge the instruction again with a reference of its own."),
        ("K", "MD01", "instruction cancelled by the paying bank", _NEW),
        ("L", "AC01", "incorrect account details of the payer", "Check them with the payer, and lodge again."),
        ("M", "AG02", "transaction code and status of the service user do not fit", "Ask the sponsoring bank."),
        ("N", "AG01", "not allowed at the payer's branch", "Ask the payer for another account."),
        ("O", "MD02", "invalid reference", "Lodge the instruction again with a valid reference."),
        ("P", "MD02", "payer's name missing", "Lodge the instruction again with the name."),
        ("Q", "MD02", "service user's name blank", "Lodge the instruction again with the name."),
    ),
    "ADDACS": (
        ("0", "MD01", "instruction cancelled by the paying bank, refer to payer", _STOP),
        ("1", "MD16", "instruction cancelled by the payer", _STOP),
        ("2", "MD07", "payer deceased", _STOP),
        ("3", "CTAM", "account transferred to another bank", _USE),
        ("B", "AC04", "account closed", _STOP),
        ("C", "CTAM", "account transferred to another branch", _USE),
        ("D", "CUST", "advance notice disputed", "Collect no more before the payer agrees."),
        ("E", "CTAM", "instruction amended", _USE),
        ("R", "NARR", "instruction reinstated", "The instruction stands again: collecting may go on."),
    ),
    "AWACS": (
        ("0", "AC01", "invalid details, credited to the right account", "Pay to the new account details from now on."),
        ("3", "AC07", "account transferred", "Pay to the new account details from now on."),
    ),
}  # fmt: skip

BACS_CODES: Final[dict[tuple[str, str], BacsCode]] = {
    (report, row[0]): BacsCode(report, *row) for report, rows in _TABLES.items() for row in rows
}
"""By report and code."""
