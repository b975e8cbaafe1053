"""The grammar of pain.008, as far as PmtInf and what is below it: version .08, and what of it differs in version .02.

Source: ISO 20022 message definitions pain.008.001.08 and pain.008.001.02. What both messages of one release share is that of
pain.001 (.09, .03). The notation is that of `_iso_grammar`.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from exporters._iso_grammar import Grammar, grammar
from exporters._iso_grammar_credit import V03, V09

_FREQUENCIES: Final = "{YEAR|MNTH|QURT|MIAN|WEEK|DAIL|ADHO|INDA}"
_FREQUENCIES_NEW: Final = "{YEAR|MNTH|QURT|MIAN|WEEK|DAIL|ADHO|INDA|FRTN}"
_AMENDED: Final = (
    "OrgnlMndtId?:35 OrgnlCdtrSchmeId?:Party OrgnlCdtrAgt?:Agent OrgnlCdtrAgtAcct?:Account OrgnlDbtr?:Party "
    "OrgnlDbtrAcct?:Account OrgnlDbtrAgt?:Agent OrgnlDbtrAgtAcct?:Account OrgnlFnlColltnDt?:date"
)
_MANDATE: Final = "MndtId?:35 DtOfSgntr?:date AmdmntInd?:boolean AmdmntInfDtls? ElctrncSgntr?:1025 FrstColltnDt?:date FnlColltnDt?:date"
_V08: Final = {
    **V09,
    "PmtInf": (
        "PmtInfId:35 PmtMtd:{DD} BtchBookg?:boolean NbOfTxs?:digits15 CtrlSum?:decimal PmtTpInf? ReqdColltnDt:date "
        "Cdtr:Party CdtrAcct:Account CdtrAgt:Agent CdtrAgtAcct?:Account UltmtCdtr?:Party "
        "ChrgBr?:{DEBT|CRED|SHAR|SLEV} ChrgsAcct?:Account ChrgsAcctAgt?:Agent CdtrSchmeId?:Party DrctDbtTxInf+"
    ),
    "PmtTpInf": "InstrPrty?:{HIGH|NORM} SvcLvl*:Code4 LclInstrm?:Code35 SeqTp?:{FRST|RCUR|FNAL|OOFF|RPRE} CtgyPurp?:Code4",
    "DrctDbtTxInf": (
        "PmtId PmtTpInf? InstdAmt:amt ChrgBr?:{DEBT|CRED|SHAR|SLEV} DrctDbtTx? UltmtCdtr?:Party DbtrAgt:Agent "
        "DbtrAgtAcct?:Account Dbtr:Party DbtrAcct:Account UltmtDbtr?:Party InstrForCdtrAgt?:140 Purp?:Code4 "
        "RgltryRptg*10 Tax? RltdRmtInf*10 RmtInf? SplmtryData*"
    ),
    "DrctDbtTx": "MndtRltdInf? CdtrSchmeId?:Party PreNtfctnId?:35 PreNtfctnDt?:date",
    "MndtRltdInf": f"{_MANDATE} Frqcy? Rsn?:Code70 TrckgDays?:digits2",
    "AmdmntInfDtls": f"{_AMENDED} OrgnlFrqcy?:Frqcy OrgnlRsn?:Code70 OrgnlTrckgDays?:digits2",
    "Frqcy": f"| Tp:{_FREQUENCIES_NEW} Prd:FrequencyPeriod PtInTm:FrequencyMoment",
    "FrequencyPeriod": f"Tp:{_FREQUENCIES_NEW} CntPerPrd:decimal",
    "FrequencyMoment": f"Tp:{_FREQUENCIES_NEW} PtInTm:digits2",
    "Code70": "| Cd:4 Prtry:70",
}
_V02: Final = {
    **_V08,
    **{name: line for name, line in V03.items() if name not in {"PmtInf", "CdtTrfTxInf"}},
    "PmtTpInf": "InstrPrty?:{HIGH|NORM} SvcLvl?:Code4 LclInstrm?:Code35 SeqTp?:{FRST|RCUR|FNAL|OOFF} CtgyPurp?:Code4",
    "DrctDbtTxInf": _V08["DrctDbtTxInf"].removesuffix(" SplmtryData*"),
    "MndtRltdInf": f"{_MANDATE} Frqcy?:{_FREQUENCIES}",
    "AmdmntInfDtls": f"{_AMENDED} OrgnlFrqcy?:{_FREQUENCIES}",
}
_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.008.001."


@cache
def debit_grammar(version: str) -> Grammar:
    """The grammar of "08" or "02"."""
    return grammar(_NAMESPACE + version, _V08 if version == "08" else _V02)
