"""The grammar of pain.001, as far as PmtInf and what is below it: version .09, and what of it differs in version .03.

Source: ISO 20022 message definitions pain.001.001.09 and pain.001.001.03. The notation is that of `_iso_grammar`.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from exporters._iso_grammar import Grammar, grammar

V09: Final = {
    "PmtInf": (
        "PmtInfId:35 PmtMtd:{CHK|TRF|TRA} BtchBookg?:boolean NbOfTxs?:digits15 CtrlSum?:decimal PmtTpInf? "
        "ReqdExctnDt PoolgAdjstmntDt?:date Dbtr:Party DbtrAcct:Account DbtrAgt:Agent DbtrAgtAcct?:Account "
        "InstrForDbtrAgt?:140 UltmtDbtr?:Party ChrgBr?:{DEBT|CRED|SHAR|SLEV} ChrgsAcct?:Account "
        "ChrgsAcctAgt?:Agent CdtTrfTxInf+"
    ),
    "PmtTpInf": "InstrPrty?:{HIGH|NORM} SvcLvl*:Code4 LclInstrm?:Code35 CtgyPurp?:Code4",
    "ReqdExctnDt": "| Dt:date DtTm:dateTime",
    "Party": "Nm?:140 PstlAdr?:Address Id?:PartyId CtryOfRes?:country CtctDtls?:Contact",
    "Account": "Id:AccountId Tp?:AccountType Ccy?:currency Nm?:70 Prxy?",
    "Agent": "FinInstnId BrnchId?",
    "CdtTrfTxInf": (
        "PmtId PmtTpInf? Amt XchgRateInf? ChrgBr?:{DEBT|CRED|SHAR|SLEV} ChqInstr? UltmtDbtr?:Party "
        "IntrmyAgt1?:Agent IntrmyAgt1Acct?:Account IntrmyAgt2?:Agent IntrmyAgt2Acct?:Account "
        "IntrmyAgt3?:Agent IntrmyAgt3Acct?:Account CdtrAgt?:Agent CdtrAgtAcct?:Account Cdtr?:Party "
        "CdtrAcct?:Account UltmtCdtr?:Party InstrForCdtrAgt* InstrForDbtrAgt?:140 Purp?:Code4 RgltryRptg*10 "
        "Tax? RltdRmtInf*10 RmtInf? SplmtryData*"
    ),
    "Code4": "| Cd:4 Prtry:35",
    "Code35": "| Cd:35 Prtry:35",
    "Address": (
        "AdrTp? Dept?:70 SubDept?:70 StrtNm?:70 BldgNb?:16 BldgNm?:35 Flr?:70 PstBx?:16 Room?:70 PstCd?:16 "
        "TwnNm?:35 TwnLctnNm?:35 DstrctNm?:35 CtrySubDvsn?:35 Ctry?:country AdrLine*7:70"
    ),
    "PartyId": "| OrgId PrvtId",
    "Contact": (
        "NmPrfx?:{DOCT|MADM|MISS|MIST|MIKS} Nm?:140 PhneNb?:phone MobNb?:phone FaxNb?:phone EmailAdr?:2048 "
        "EmailPurp?:35 JobTitl?:35 Rspnsblty?:35 Dept?:70 Othr*:ContactOther "
        "PrefrdMtd?:{LETT|MAIL|PHON|FAXX|CELL}"
    ),
    "AccountId": "| IBAN:iban Othr:AccountOther",
    "AccountType": "| Cd:4 Prtry:35",
    "Prxy": "Tp?:Code4 Id:2048",
    "FinInstnId": "BICFI?:bic ClrSysMmbId? LEI?:lei Nm?:140 PstlAdr?:Address Othr?:OtherId",
    "BrnchId": "Id?:35 LEI?:lei Nm?:140 PstlAdr?:Address",
    "PmtId": "InstrId?:35 EndToEndId:35 UETR?:uuid",
    "Amt": "| InstdAmt:amt EqvtAmt",
    "XchgRateInf": "UnitCcy?:currency XchgRate?:rate RateTp?:{SPOT|SALE|AGRD} CtrctId?:35",
    "ChqInstr": (
        "ChqTp?:{CCHQ|CCCH|BCHQ|DRFT|ELDR} ChqNb?:35 ChqFr?:NameAddress DlvryMtd? DlvrTo?:NameAddress "
        "InstrPrty?:{HIGH|NORM} ChqMtrtyDt?:date FrmsCd?:35 MemoFld*2:35 RgnlClrZone?:35 PrtLctn?:35 "
        "Sgntr*5:70"
    ),
    "InstrForCdtrAgt": "Cd?:{CHQB|HOLD|PHOB|TELB} InstrInf?:140",
    "RgltryRptg": "DbtCdtRptgInd?:{CRED|DEBT|BOTH} Authrty? Dtls*:RegulatoryDetail",
    "Tax": (
        "Cdtr?:TaxCreditor Dbtr?:TaxDebtor AdmstnZone?:35 RefNb?:140 Mtd?:35 TtlTaxblBaseAmt?:amt "
        "TtlTaxAmt?:amt Dt?:date SeqNb?:number Rcrd*:TaxRecord"
    ),
    "RltdRmtInf": "RmtId?:35 RmtLctnDtls*",
    "RmtInf": "Ustrd*:140 Strd*",
    "SplmtryData": "PlcAndNm?:350 Envlp",
    "AdrTp": "| Cd:{ADDR|PBOX|HOME|BIZZ|MLTO|DLVY} Prtry:AddressCode",
    "OrgId": "AnyBIC?:bic LEI?:lei Othr*:OtherId",
    "PrvtId": "DtAndPlcOfBirth? Othr*:OtherId",
    "ContactOther": "ChanlTp:4 Id?:128",
    "AccountOther": "Id:34 SchmeNm?:Code4 Issr?:35",
    "ClrSysMmbId": "ClrSysId?:Code5 MmbId:35",
    "OtherId": "Id:35 SchmeNm?:Code4 Issr?:35",
    "EqvtAmt": "Amt:amt CcyOfTrf:currency",
    "NameAddress": "Nm:140 Adr:Address",
    "DlvryMtd": "| Cd:{MLDB|MLCD|MLFA|CRDB|CRCD|CRFA|PUDB|PUCD|PUFA|RGDB|RGCD|RGFA} Prtry:35",
    "Authrty": "Nm?:140 Ctry?:country",
    "RegulatoryDetail": "Tp?:35 Dt?:date Ctry?:country Cd?:10 Amt?:amt Inf*:35",
    "TaxCreditor": "TaxId?:35 RegnId?:35 TaxTp?:35",
    "TaxDebtor": "TaxId?:35 RegnId?:35 TaxTp?:35 Authstn?",
    "TaxRecord": (
        "Tp?:35 Ctgy?:35 CtgyDtls?:35 DbtrSts?:35 CertId?:35 FrmsCd?:35 Prd?:TaxPeriod TaxAmt?:TaxAmount AddtlInf?:140"
    ),
    "RmtLctnDtls": "Mtd:{FAXI|EDIC|URID|EMAL|POST|SMSM} ElctrncAdr?:2048 PstlAdr?:NameAddress",
    "Strd": (
        "RfrdDocInf* RfrdDocAmt?:Amounts CdtrRefInf? Invcr?:Party Invcee?:Party TaxRmt? GrnshmtRmt? AddtlRmtInf*3:140"
    ),
    "Envlp": "#any",
    "AddressCode": "Id:alnum4 Issr:35 SchmeNm?:35",
    "DtAndPlcOfBirth": "BirthDt:date PrvcOfBirth?:35 CityOfBirth:35 CtryOfBirth:country",
    "Code5": "| Cd:5 Prtry:35",
    "Authstn": "Titl?:35 Nm?:140",
    "TaxPeriod": (
        "Yr?:date "
        "Tp?:{MM01|MM02|MM03|MM04|MM05|MM06|MM07|MM08|MM09|MM10|MM11|MM12|QTR1|QTR2|QTR3|QTR4|HLF1|HLF2} "
        "FrToDt?"
    ),
    "TaxAmount": "Rate?:rate TaxblBaseAmt?:amt TtlAmt?:amt Dtls*:TaxDetail",
    "RfrdDocInf": "Tp?:DocumentType Nb?:35 RltdDt?:date LineDtls*",
    "Amounts": (
        "DuePyblAmt?:amt DscntApldAmt*:TypedAmount CdtNoteAmt?:amt TaxAmt*:TypedAmount AdjstmntAmtAndRsn* RmtdAmt?:amt"
    ),
    "CdtrRefInf": "Tp?:ReferenceType Ref?:35",
    "TaxRmt": (
        "Cdtr?:TaxCreditor Dbtr?:TaxDebtor UltmtDbtr?:TaxDebtor AdmstnZone?:35 RefNb?:140 Mtd?:35 "
        "TtlTaxblBaseAmt?:amt TtlTaxAmt?:amt Dt?:date SeqNb?:number Rcrd*:TaxRecord"
    ),
    "GrnshmtRmt": (
        "Tp:CodedType Grnshee?:Party GrnshmtAdmstr?:Party RefNb?:140 Dt?:date RmtdAmt?:amt "
        "FmlyMdclInsrncInd?:boolean MplyeeTermntnInd?:boolean"
    ),
    "FrToDt": "FrDt:date ToDt:date",
    "TaxDetail": "Prd?:TaxPeriod Amt:amt",
    "DocumentType": "CdOrPrtry:DocumentCode Issr?:35",
    "LineDtls": "Id+:LineId Desc?:2048 Amt?:Amounts",
    "TypedAmount": "Tp?:Code4 Amt:amt",
    "AdjstmntAmtAndRsn": "Amt:amt CdtDbtInd?:{CRDT|DBIT} Rsn?:4 AddtlInf?:140",
    "ReferenceType": "CdOrPrtry:ReferenceCode Issr?:35",
    "CodedType": "CdOrPrtry:Code4 Issr?:35",
    "DocumentCode": "| Cd:{MSIN|CNFA|DNFA|CINV|CREN|DEBN|HIRI|SBIN|CMCN|SOAC|DISP|BOLD|VCHR|AROI|TSUT|PUOR} Prtry:35",
    "LineId": "Tp?:CodedType Nb?:35 RltdDt?:date",
    "ReferenceCode": "| Cd:{RADM|RPIN|FXDR|DISP|PUOR|SCOR} Prtry:35",
}
V03: Final = {
    "PmtInf": (
        "PmtInfId:35 PmtMtd:{CHK|TRF|TRA} BtchBookg?:boolean NbOfTxs?:digits15 CtrlSum?:decimal PmtTpInf? "
        "ReqdExctnDt:date PoolgAdjstmntDt?:date Dbtr:Party DbtrAcct:Account DbtrAgt:Agent "
        "DbtrAgtAcct?:Account UltmtDbtr?:Party ChrgBr?:{DEBT|CRED|SHAR|SLEV} ChrgsAcct?:Account "
        "ChrgsAcctAgt?:Agent CdtTrfTxInf+"
    ),
    "PmtTpInf": "InstrPrty?:{HIGH|NORM} SvcLvl?:Code4 LclInstrm?:Code35 CtgyPurp?:Code4",
    "Account": "Id:AccountId Tp?:AccountType Ccy?:currency Nm?:70",
    "CdtTrfTxInf": (
        "PmtId PmtTpInf? Amt XchgRateInf? ChrgBr?:{DEBT|CRED|SHAR|SLEV} ChqInstr? UltmtDbtr?:Party "
        "IntrmyAgt1?:Agent IntrmyAgt1Acct?:Account IntrmyAgt2?:Agent IntrmyAgt2Acct?:Account "
        "IntrmyAgt3?:Agent IntrmyAgt3Acct?:Account CdtrAgt?:Agent CdtrAgtAcct?:Account Cdtr?:Party "
        "CdtrAcct?:Account UltmtCdtr?:Party InstrForCdtrAgt* InstrForDbtrAgt?:140 Purp?:Code4 RgltryRptg*10 "
        "Tax? RltdRmtInf*10 RmtInf?"
    ),
    "Address": (
        "AdrTp?:{ADDR|PBOX|HOME|BIZZ|MLTO|DLVY} Dept?:70 SubDept?:70 StrtNm?:70 BldgNb?:16 PstCd?:16 "
        "TwnNm?:35 CtrySubDvsn?:35 Ctry?:country AdrLine*7:70"
    ),
    "Contact": "NmPrfx?:{DOCT|MIST|MISS|MADM} Nm?:140 PhneNb?:phone MobNb?:phone FaxNb?:phone EmailAdr?:2048 Othr?:35",
    "AccountType": "| Cd:{CASH|CHAR|COMM|TAXE|CISH|TRAS|SACC|CACC|SVGS|ONDP|MGLD|NREX|MOMA|LOAN|SLRY|ODFT} Prtry:35",
    "FinInstnId": "BIC?:oldbic ClrSysMmbId? Nm?:140 PstlAdr?:Address Othr?:OtherId",
    "BrnchId": "Id?:35 Nm?:140 PstlAdr?:Address",
    "PmtId": "InstrId?:35 EndToEndId:35",
    "XchgRateInf": "XchgRate?:rate RateTp?:{SPOT|SALE|AGRD} CtrctId?:35",
    "ChqInstr": (
        "ChqTp?:{CCHQ|CCCH|BCHQ|DRFT|ELDR} ChqNb?:35 ChqFr?:NameAddress DlvryMtd? DlvrTo?:NameAddress "
        "InstrPrty?:{HIGH|NORM} ChqMtrtyDt?:date FrmsCd?:35 MemoFld*2:35 RgnlClrZone?:35 PrtLctn?:35"
    ),
    "Tax": (
        "Cdtr?:TaxCreditor Dbtr?:TaxDebtor AdmstnZn?:35 RefNb?:140 Mtd?:35 TtlTaxblBaseAmt?:amt "
        "TtlTaxAmt?:amt Dt?:date SeqNb?:number Rcrd*:TaxRecord"
    ),
    "RltdRmtInf": (
        "RmtId?:35 RmtLctnMtd?:{FAXI|EDIC|URID|EMAL|POST|SMSM} RmtLctnElctrncAdr?:2048 RmtLctnPstlAdr?:NameAddress"
    ),
    "OrgId": "BICOrBEI?:oldbic Othr*:OtherId",
    "Strd": "RfrdDocInf* RfrdDocAmt?:Amounts CdtrRefInf? Invcr?:Party Invcee?:Party AddtlRmtInf*3:140",
    "RfrdDocInf": "Tp?:DocumentType Nb?:35 RltdDt?:date",
    "Amounts": "DuePyblAmt?:amt DscntApldAmt?:amt CdtNoteAmt?:amt TaxAmt?:amt AdjstmntAmtAndRsn* RmtdAmt?:amt",
    "DocumentCode": "| Cd:{MSIN|CNFA|DNFA|CINV|CREN|DEBN|HIRI|SBIN|CMCN|SOAC|DISP|BOLD|VCHR|AROI|TSUT} Prtry:35",
}
_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001."


@cache
def credit_grammar(version: str) -> Grammar:
    """The grammar of "09" or "03"."""
    return grammar(_NAMESPACE + version, V09 if version == "09" else {**V09, **V03})
