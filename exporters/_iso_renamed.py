"""Elements that have another name or place in another version of an ISO 20022 payment message.

Sources: ISO 20022 pain.001 versions .02 to .13, pain.008 versions .02 to .11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element goes, below the same parent. `scheme`: the code that says beside it what it is (SchmeNm/Cd)."""

    path: str
    scheme: str | None = None


def _both(pairs: dict[str, str]) -> dict[str, tuple[Place, ...]]:
    return {**{old: (Place(new),) for old, new in pairs.items()}, **{new: (Place(old),) for old, new in pairs.items()}}


_SCHEMES: Final = {
    "BBAN": "BBAN", "UPIC": "UPIC", "DUNS": "DUNS", "BkPtyId": "BANK", "EANGLN": "GS1G", "USCHU": "CHID", "TaxIdNb": "TXID",
    "DrvrsLicNb": "DRLC", "CstmrNb": "CUST", "SclSctyNb": "SOSE", "AlnRegnNb": "ARNU", "PsptNb": "CCPT",
    "IdntyCardNb": "NIDN", "MplyrIdNb": "EMPL",
}  # fmt: skip
"""Identifications that had an element each in .02 and are Othr with a scheme since .03 (ISO external code sets)."""

MOVED: Final[dict[str, tuple[Place, ...]]] = {
    **_both(
        {
            "AdmstnZn": "AdmstnZone",
            "BICOrBEI": "AnyBIC",
            "RmtLctnMtd": "RmtLctnDtls/Mtd",
            "RmtLctnElctrncAdr": "RmtLctnDtls/ElctrncAdr",
            "RmtLctnPstlAdr": "RmtLctnDtls/PstlAdr",
        }
    ),
    "BIC": (Place("BICFI"), Place("AnyBIC"), Place("BICOrBEI")),
    "BICFI": (Place("BIC"),),
    # What only .02 has.
    "BEI": (Place("AnyBIC"), Place("BICOrBEI")),
    "PrtryAcct": (Place("Othr"),),
    "PrtryId": (Place("Othr"),),
    "OthrId": (Place("Othr"),),
    "IdTp": (Place("SchmeNm/Prtry"),),
    "Id": (Place("MmbId"),),
    "Prtry": (Place("MmbId"), Place("CdOrPrtry/Prtry")),
    "Cd": (Place("CdOrPrtry/Cd"),),
    "CdtrRef": (Place("Ref"),),
    "CdtrRefTp": (Place("Tp"),),
    "RfrdDocTp": (Place("Tp"),),
    "RfrdDocNb": (Place("Nb"),),
    "RfrdDocRltdDt": (Place("RfrdDocInf/RltdDt"),),
    "AuthrtyNm": (Place("Nm"),),
    "AuthrtyCtry": (Place("Ctry"),),
    "RgltryDtls": (Place("Dtls"),),
    **{name: (Place("Othr/Id", scheme),) for name, scheme in _SCHEMES.items()},
}
"""Name, or container and name, that the target does not know → places that are tried in order."""

OPENED: Final = frozenset({"CmbndId", "NmAndAdr", "RmtLctnDtls"})
"""Containers whose elements stand in their parent in another version."""

INNER: Final = {
    "AdrTp": "Cd", "CtgyPurp": "Cd", "DscntApldAmt": "Amt", "TaxAmt": "Amt", "InstrForDbtrAgt": "InstrInf", "Othr": "Id",
    "RltdDt": "Dt",
}  # fmt: skip
"""Elements that are a text in one version and hold elements in another: the one that holds the text there."""

BESIDE: Final = {"Othr": ("ChanlTp", "OTHR")}
"""What must stand beside that inner element: a contact's other channel has a type since .09."""

WORDS: Final = frozenset(
    {
        "AddtlInf", "AddtlRmtInf", "AdrLine", "BldgNb", "BldgNm", "CityOfBirth", "CtrySubDvsn", "Dept", "Desc", "DstrctNm", "Flr",
        "Inf", "InstrForDbtrAgt", "InstrInf", "JobTitl", "MemoFld", "Nm", "PlcAndNm", "PrvcOfBirth", "PstBx", "PstCd", "Room",
        "Rspnsblty", "StrtNm", "SubDept", "Titl", "TwnLctnNm", "TwnNm", "Ustrd",
    }
)  # fmt: skip
"""Elements with words: written in the SEPA character set where that is asked for. References and ids never are."""
