"""Entries as the banks' own files: camt.053.001.08, camt.054.001.08 and MT940. For the days of `make_days`.

Knows nothing of the matcher, nor of the readers: what a column is called in a message is written out here once more.
"""

from __future__ import annotations

from typing import Any, Final
from xml.sax.saxutils import escape

import polars as pl

from canonical.money import format_minor

Row = dict[str, Any]

_OPENING_MINOR: Final = 10**12
_NAMES: Final = {"camt.053": ("BkToCstmrStmt", "Stmt"), "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}
_REFS: Final = {
    "message_id": "MsgId", "batch_id": "PmtInfId", "instruction_id": "InstrId", "end_to_end_id": "EndToEndId", "uetr": "UETR",
}  # fmt: skip
_BACK: Final = ("RRTN", "UPDD")
_TEXT_LINE_CHARS: Final = 65


def camt(kind: str, entries: pl.DataFrame) -> bytes:
    """A message of that kind with a statement (or notification) for each statement_id, in their order.

    Args:
        kind: camt.053 or camt.054.
        entries: ENTRIES, sorted by statement_id, position and detail.
    """
    root, element = _NAMES[kind]
    statements = "".join(
        _statement(element, number, part.to_dicts())
        for number, part in enumerate(entries.partition_by("statement_id", maintain_order=True), 1)
    )
    header = "<GrpHdr><MsgId>BENCH-1</MsgId><CreDtTm>2026-12-01T06:00:00</CreDtTm></GrpHdr>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}.001.08">'
        f"<{root}>{header}{statements}</{root}></Document>\n"
    ).encode()


def _statement(element: str, number: int, rows: list[Row]) -> str:
    first = rows[0]
    entries: dict[int, list[Row]] = {}
    for row in rows:
        entries.setdefault(row["position"], []).append(row)
    account = first["account"]
    kind = _tag("IBAN", account) if account[0].isalpha() else _tag("Othr", _tag("Id", account), text=False)
    moved = sum(_signed(parts[0]["entry_amount_minor"], parts[0]) for parts in entries.values())
    balances = ""
    if element == "Stmt":
        balances = "".join(
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount('Amt', minor, first['currency'])}"
            f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{first['booking_date']}</Dt></Dt></Bal>"
            for code, minor in (("OPBD", _OPENING_MINOR), ("CLBD", _OPENING_MINOR + moved))
        )
    return (
        f"<{element}>{_tag('Id', first['statement_id'])}<ElctrncSeqNb>{number}</ElctrncSeqNb>"
        f"<CreDtTm>{first['booking_date']}T23:00:00</CreDtTm><Acct><Id>{kind}</Id>{_tag('Ccy', first['currency'])}</Acct>"
        f"{balances}{''.join(_entry(parts) for parts in entries.values())}</{element}>\n"
    )


def _entry(parts: list[Row]) -> str:
    """An entry and its details; a batch without details has only its count and ids."""
    row = parts[0]
    whole = row["batch_count"] is not None and row["detail"] == 0
    batch = ""
    if row["batch_count"] is not None:
        ids = _tag("MsgId", row["message_id"]) + _tag("PmtInfId", row["batch_id"])
        batch = f"<Btch>{ids}<NbOfTxs>{row['batch_count']}</NbOfTxs></Btch>"
    details = "" if whole else "".join(_detail(part) for part in parts)
    code = (
        f"<BkTxCd><Domn><Cd>{row['domain']}</Cd><Fmly><Cd>{row['family']}</Cd><SubFmlyCd>{row['sub_family']}</SubFmlyCd>"
        "</Fmly></Domn></BkTxCd>"
    )
    return (
        f"<Ntry>{_amount('Amt', row['entry_amount_minor'], row['currency'])}{_tag('CdtDbtInd', row['credit_debit'])}"
        f"{'<RvslInd>true</RvslInd>' if row['reversal'] else ''}<Sts><Cd>{row['status']}</Cd></Sts>"
        f"<BookgDt><Dt>{row['booking_date']}</Dt></BookgDt><ValDt><Dt>{row['value_date']}</Dt></ValDt>"
        f"{_tag('AcctSvcrRef', row['servicer_reference'])}{code}"
        f"<NtryDtls>{batch}{details}</NtryDtls>{_tag('AddtlNtryInf', row['additional'])}</Ntry>\n"
    )


def _detail(row: Row) -> str:
    refs = "".join(_tag(tag, row[name]) for name, tag in _REFS.items())
    amounts = ""
    if row["instructed_amount_text"]:
        amounts += f"<InstdAmt>{_money(row, 'instructed')}{_exchange(row, 'instructed')}</InstdAmt>"
    if row["counter_amount_text"]:
        amounts += f"<CntrValAmt>{_money(row, 'counter')}{_exchange(row, 'counter')}</CntrValAmt>"
    charges = ""
    if row["charges_minor"] is not None:
        of = _amount("Amt", row["charges_minor"], row["currency"])
        charges = f"<Rcrd>{of}<CdtDbtInd>DBIT</CdtDbtInd><ChrgInclInd>true</ChrgInclInd></Rcrd>"
    back = ""
    if row["return_reason"]:
        domain, family, sub_family = row["original_code"].split("/")
        back = (
            f"<OrgnlBkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub_family}</SubFmlyCd></Fmly></Domn>"
            f"</OrgnlBkTxCd><Rsn>{_tag('Cd', row['return_reason'])}</Rsn>{_tag('AddtlInf', row['return_text'])}"
        )
    return (
        f"<TxDtls>{_tag('Refs', refs, text=False)}{_amount('Amt', row['amount_minor'], row['currency'])}"
        f"{_tag('CdtDbtInd', row['credit_debit'])}{_tag('AmtDtls', amounts, text=False)}{_tag('Chrgs', charges, text=False)}"
        f"{_parties(row)}{_tag('RmtInf', _tag('Ustrd', row['remittance']), text=False)}{_tag('RtrInf', back, text=False)}</TxDtls>"
    )


def _parties(row: Row) -> str:
    """Debtor and creditor, those of the original payment where money comes back."""
    back = row["reversal"] or bool(row["return_reason"])
    own, other = ("Cdtr", "Dbtr") if (row["credit_debit"] == "CRDT") != back else ("Dbtr", "Cdtr")
    told = {
        own: _tag("Nm", "Bulkrail Clearing"), f"{own}Acct": _account(row["account"]),
        other: _tag("Nm", row["counterparty_name"]), f"{other}Acct": _account(row["counterparty_account"]),
    }  # fmt: skip
    parts = {name: f"<Pty>{text}</Pty>" if name in ("Dbtr", "Cdtr") and text else text for name, text in told.items()}
    return "<RltdPties>" + "".join(
        _tag(name, parts[name], text=False) for name in ("Dbtr", "DbtrAcct", "Cdtr", "CdtrAcct")
    ) + "</RltdPties>"  # fmt: skip


def _account(account: str | None) -> str:
    return f"<Id><Othr>{_tag('Id', account)}</Othr></Id>" if account else ""


def _money(row: Row, name: str) -> str:
    return f'<Amt Ccy="{row[f"{name}_currency"]}">{row[f"{name}_amount_text"]}</Amt>'


def _exchange(row: Row, name: str) -> str:
    if not row["exchange_rate_text"]:
        return ""
    source = _tag("SrcCcy", row[f"{name}_currency"])
    return f"<CcyXchg>{source}<XchgRate>{row['exchange_rate_text']}</XchgRate></CcyXchg>"


def _amount(tag: str, minor: int, currency: str) -> str:
    return f'<{tag} Ccy="{currency}">{format_minor(minor, currency)}</{tag}>'


def _tag(name: str, value: str | None, *, text: bool = True) -> str:
    """The element, nothing where it would be empty. `text`: the value is text to be escaped, not elements."""
    return f"<{name}>{escape(value) if text else value}</{name}>" if value else ""


def _signed(minor: int, row: Row) -> int:
    return minor if row["credit_debit"] == "CRDT" else -minor


def mt940(entries: pl.DataFrame) -> bytes:
    """A message for each statement_id, in their order; details of an entry are not told. `:86:` in code words."""
    parts = entries.partition_by("statement_id", maintain_order=True)
    return "".join(_message(number, part.to_dicts()) for number, part in enumerate(parts, 1)).encode()


def _message(number: int, rows: list[Row]) -> str:
    first, lines, balance = rows[0], [], _OPENING_MINOR
    day = f"{first['booking_date']:%y%m%d}"
    for row in rows:
        if row["detail"] > 1:
            continue
        balance += _signed(row["entry_amount_minor"], row)
        lines += _line(row)
    opening, closing = (
        f":{tag}:C{day}{first['currency']}{_comma(minor, first['currency'])}"
        for tag, minor in (("60F", _OPENING_MINOR), ("62F", balance))
    )
    head = [f":20:{number:016d}", f":25:{first['account']}", f":28C:{number}/1", opening]
    return "\n".join([*head, *lines, closing, "-"]) + "\n"


def _line(row: Row) -> list[str]:
    mark = ("R" if row["reversal"] else "") + ("C" if (row["credit_debit"] == "CRDT") != row["reversal"] else "D")
    kind = "RTI" if row["sub_family"] in _BACK else "CHG" if row["sub_family"] == "CHRG" else "TRF"
    reference = row["instruction_id"] if row["detail"] == 0 and row["instruction_id"] else "NONREF"
    amount = _comma(row["entry_amount_minor"], row["currency"])
    told = f":61:{row['value_date']:%y%m%d}{row['booking_date']:%m%d}{mark}{amount}N{kind}{reference}//{row['servicer_reference']}"
    charges = row["charges_minor"]
    below = [f"/CHGS/{row['currency']}{_comma(charges, row['currency'])}"] if charges is not None else []
    return [told, *below, *_information(row)]


def _information(row: Row) -> list[str]:
    currency, amount = (
        row["instructed_currency"] or row["counter_currency"], row["instructed_amount_text"] or row["counter_amount_text"],
    )  # fmt: skip
    codes = {
        "EREF": row["end_to_end_id"] if row["detail"] == 0 else None, "PREF": row["batch_id"],
        "RTRN": row["return_reason"], "OCMT": f"{currency}{_pointless(amount)}" if amount else None,
        "EXCH": _pointless(row["exchange_rate_text"]), "NAME": row["counterparty_name"], "REMI": row["remittance"],
    }  # fmt: skip
    text = "".join(f"/{code}/{value}" for code, value in codes.items() if value) or "/TRTP/TRANSFER"
    pieces = [text[at : at + _TEXT_LINE_CHARS] for at in range(0, len(text), _TEXT_LINE_CHARS)]
    return [":86:" + pieces[0], *pieces[1:]]


def _pointless(text: str | None) -> str | None:
    """With a comma, which MT always has."""
    if text is None:
        return None
    return text.replace(".", ",") if "." in text else f"{text},"


def _comma(minor: int, currency: str) -> str:
    return str(_pointless(format_minor(minor, currency)))
