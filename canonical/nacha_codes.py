"""Reason codes of ACH returns and changes: what each means, who disputes it, and until when it may come.

Source: Nacha Operating Rules, Appendix Four (return entries, dishonored and contested returns) and Appendix Five
(notification of change); Article Two, Subsection 2.17.2 (return rate levels).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["return", "dishonored", "contested", "change", "refused"]
Group = Literal["unauthorized", "administrative", "other"]


@dataclass(frozen=True, slots=True)
class NachaCode:
    """`group`: which return rate counts it. `within`: time frame, in banking or calendar days as the rules say."""

    code: str
    kind: Kind
    group: Group
    within: str
    meaning: str


_TWO, _SIXTY, _OPERATOR, _NONE = "2 banking days", "60 calendar days", "next file of the operator", "not defined"
_UNAUTHORIZED: Final = frozenset({"R05", "R07", "R10", "R11", "R29", "R51"})
_ADMINISTRATIVE: Final = frozenset({"R02", "R03", "R04"})
_WITHIN: Final = {
    **dict.fromkeys(("R05", "R07", "R10", "R11", "R33", "R37", "R38", "R51", "R52", "R53"), _SIXTY),
    **dict.fromkeys(("R13", "R18", "R19", "R25", "R26", "R27", "R28", "R30", "R32", "R34", "R35", "R36"), _OPERATOR),
    **dict.fromkeys(("R06", "R31"), _NONE), "R23": "on the receiver's word, 2 banking days of it",
}  # fmt: skip
"""Codes not named here: two banking days from the settlement of the entry."""
_RETURNS: Final = """
R01 Insufficient funds
R02 Account closed
R03 No account, or unable to locate account
R04 Invalid account number structure
R05 Unauthorized debit to a consumer account with a corporate class
R06 Returned at the request of the ODFI
R07 Authorization revoked by the customer
R08 Payment stopped
R09 Uncollected funds
R10 Customer advises that the originator is not known or not authorized
R11 Customer advises that the entry is not in accordance with the authorization
R12 Account sold to another institution
R13 Invalid ACH routing number
R14 Representative payee deceased or unable to continue
R15 Beneficiary or account holder deceased
R16 Account frozen, or entry returned on an OFAC instruction
R17 File record edit criteria, or entry with invalid account number under questionable circumstances
R18 Improper effective entry date
R19 Amount field error
R20 Non-transaction account
R21 Invalid company identification
R22 Invalid individual identification number
R23 Credit entry refused by the receiver
R24 Duplicate entry
R25 Addenda error
R26 Mandatory field error
R27 Trace number error
R28 Routing number check digit error
R29 Corporate customer advises not authorized
R30 RDFI takes no part in the check truncation program
R31 Permissible return entry (CCD and CTX)
R32 RDFI non-settlement
R33 Return of an XCK entry
R34 RDFI's participation limited
R35 Return of an improper debit entry
R36 Return of an improper credit entry
R37 Source document presented for payment
R38 Stop payment on the source document
R39 Improper source document, or source document presented for payment
R40 Return of an ENR entry by a federal agency
R41 Invalid transaction code (ENR)
R42 Routing number or check digit error (ENR)
R43 Invalid account number (ENR)
R44 Invalid individual identification number (ENR)
R45 Invalid individual or company name (ENR)
R46 Invalid representative payee indicator (ENR)
R47 Duplicate enrollment (ENR)
R50 State law affecting RCK acceptance
R51 Item related to an RCK entry is ineligible, or the RCK entry is improper
R52 Stop payment on the item related to an RCK entry
R53 Item and RCK entry presented for payment
R80 IAT entry coding error
R81 Non-participant in the IAT program
R82 Invalid foreign receiving DFI identification
R83 Foreign receiving DFI unable to settle
R84 Entry not processed by the gateway
R85 Incorrectly coded outbound international payment
"""
_DISHONORED: Final = """
R61 Misrouted return
R62 Return of an erroneous or reversing debit
R67 Duplicate return
R68 Untimely return
R69 Field error
R70 Permissible return entry not accepted, or return not requested by the ODFI
"""
_CONTESTED: Final = """
R71 Misrouted dishonored return
R72 Untimely dishonored return
R73 Timely original return
R74 Corrected return
R75 Return not a duplicate
R76 No errors found
R77 Non-acceptance of a dishonored return (R62)
"""
_CHANGES: Final = """
C01 Incorrect account number
C02 Incorrect routing number
C03 Incorrect routing number and account number
C04 Incorrect individual or receiving company name
C05 Incorrect transaction code
C06 Incorrect account number and transaction code
C07 Incorrect routing number, account number and transaction code
C08 Incorrect receiving DFI identification (IAT)
C09 Incorrect individual identification number
C13 Addenda format error
C14 Incorrect class for an outbound international payment
"""
_REFUSED: Final = """
C61 Misrouted notification of change
C62 Incorrect trace number
C63 Incorrect company identification number
C64 Incorrect individual identification number
C65 Incorrectly formatted corrected data
C66 Incorrect discretionary data
C67 Routing number not from the original entry
C68 Account number not from the original entry
C69 Incorrect transaction code
"""
_TABLES: Final[dict[Kind, tuple[str, str]]] = {
    "return": (_RETURNS, _TWO), "dishonored": (_DISHONORED, "5 banking days from the settlement of the return"),
    "contested": (_CONTESTED, "2 banking days from the settlement of the dishonored return"),
    "change": (_CHANGES, _TWO), "refused": (_REFUSED, "15 calendar days from the notification"),
}  # fmt: skip


def _group(code: str) -> Group:
    return "unauthorized" if code in _UNAUTHORIZED else "administrative" if code in _ADMINISTRATIVE else "other"


NACHA_CODES: Final[dict[str, NachaCode]] = {
    line[:3]: NachaCode(line[:3], kind, _group(line[:3]), _WITHIN.get(line[:3], within), line[4:])
    for kind, (text, within) in _TABLES.items()
    for line in text.strip().splitlines()
}


def codes_of(*kinds: Kind) -> frozenset[str]:
    """Codes of these kinds."""
    return frozenset(code for code, item in NACHA_CODES.items() if item.kind in kinds)
