"""The grammar of pacs.008.001.08 as far as it is written: GrpHdr, CdtTrfTxInf and what is below them.

Source: ISO 20022 message definition pacs.008.001.08. What it shares with pain.001.001.09, of the same release, is that one's. The
notation is that of `_iso_grammar`.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from exporters._iso_grammar import Grammar, grammar
from exporters._iso_grammar_credit import V09

_V08: Final = {
    **{
        name: line
        for name, line in V09.items()
        if name not in {"PmtInf", "ReqdExctnDt", "Amt", "XchgRateInf", "ChqInstr", "EqvtAmt", "DlvryMtd"}
    },
    "GrpHdr": (
        "MsgId:35 CreDtTm:dateTime BtchBookg?:boolean NbOfTxs:digits15 CtrlSum?:decimal TtlIntrBkSttlmAmt?:amt "
        "IntrBkSttlmDt?:date SttlmInf PmtTpInf? InstgAgt?:Agent InstdAgt?:Agent"
    ),
    "SttlmInf": (
        "SttlmMtd:{INDA|INGA|COVE|CLRG} SttlmAcct?:Account ClrSys?:Code3 InstgRmbrsmntAgt?:Agent "
        "InstgRmbrsmntAgtAcct?:Account InstdRmbrsmntAgt?:Agent InstdRmbrsmntAgtAcct?:Account ThrdRmbrsmntAgt?:Agent "
        "ThrdRmbrsmntAgtAcct?:Account"
    ),
    "Code3": "| Cd:3 Prtry:35",
    "PmtTpInf": "InstrPrty?:{HIGH|NORM} ClrChanl?:{RTGS|RTNS|MPNS|BOOK} SvcLvl*:Code4 LclInstrm?:Code35 CtgyPurp?:Code4",
    "PmtId": "InstrId?:35 EndToEndId:35 TxId?:35 UETR?:uuid ClrSysRef?:35",
    "CdtTrfTxInf": (
        "PmtId PmtTpInf? IntrBkSttlmAmt:amt IntrBkSttlmDt?:date SttlmPrty?:{URGT|HIGH|NORM} SttlmTmIndctn? SttlmTmReq? "
        "AccptncDtTm?:dateTime PoolgAdjstmntDt?:date InstdAmt?:amt XchgRate?:rate ChrgBr:{DEBT|CRED|SHAR|SLEV} "
        "ChrgsInf* PrvsInstgAgt1?:Agent PrvsInstgAgt1Acct?:Account PrvsInstgAgt2?:Agent PrvsInstgAgt2Acct?:Account "
        "PrvsInstgAgt3?:Agent PrvsInstgAgt3Acct?:Account InstgAgt?:Agent InstdAgt?:Agent IntrmyAgt1?:Agent "
        "IntrmyAgt1Acct?:Account IntrmyAgt2?:Agent IntrmyAgt2Acct?:Account IntrmyAgt3?:Agent IntrmyAgt3Acct?:Account "
        "UltmtDbtr?:Party InitgPty?:Party Dbtr:Party DbtrAcct?:Account DbtrAgt:Agent DbtrAgtAcct?:Account CdtrAgt:Agent "
        "CdtrAgtAcct?:Account Cdtr:Party CdtrAcct?:Account UltmtCdtr?:Party InstrForCdtrAgt* InstrForNxtAgt* Purp?:Code4 "
        "RgltryRptg*10 Tax? RltdRmtInf*10 RmtInf? SplmtryData*"
    ),
    "SttlmTmIndctn": "DbtDtTm?:dateTime CdtDtTm?:dateTime",
    "SttlmTmReq": "CLSTm?:time TillTm?:time FrTm?:time RjctTm?:time",
    "ChrgsInf": "Amt:amt Agt:Agent",
    "InstrForNxtAgt": "Cd?:{PHOA|TELA} InstrInf?:140",
}
_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"


@cache
def interbank_grammar() -> Grammar:
    """The message's own."""
    return grammar(_NAMESPACE, _V08)


@cache
def reading_grammar() -> Grammar:
    """The same with the places of a client's pain.001 that are read and not written: its amount, and an empty PmtInf."""
    lines = {
        **_V08,
        "CdtTrfTxInf": f"{_V08['CdtTrfTxInf']} Amt?",
        "Amt": "InstdAmt?:amt",
        "PmtInf": "PmtMtd?:{TRF|TRA}",
    }
    return grammar(_NAMESPACE, lines)
