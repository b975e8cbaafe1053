"""The payments of a pain.001.001.09 as XML expressions, in the order of the schema, and the header before them."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from canonical.codes import CreditDebit
from canonical.contracts import Order
from canonical.errors import FrameBroken
from canonical.money import amount_text, format_minor
from canonical.transliteration import transliterate
from exporters._iso_xml import escaped, leaves, literal, node, wrap

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_IBAN: Final = r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$"
_BIC: Final = r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$"
_CODE: Final = r"^[A-Z0-9]{1,4}$"
_CLEARING: Final = {"USD": ("USABA", r"^[0-9]{9}$"), "GBP": ("GBDSC", r"^[0-9]{6}$")}
"""Clearing systems whose member ids are known by their form (ExternalClearingSystemIdentification1Code)."""
CHARS_MAX: Final = {
    "reference": 35, "end_to_end_id": 35, "creditor_account": 34, "creditor_agent": 35, "service_level": 4,
    "local_instrument": 35, "category_purpose": 35, "purpose": 4, "creditor_name": 140, "ultimate_creditor_name": 140,
    "ultimate_debtor_name": 140, "creditor_street": 70, "creditor_building": 16, "creditor_post_code": 16,
    "creditor_town": 35, "creditor_account_type": 4,
}  # fmt: skip
LINE_CHARS_MAX: Final = {"creditor_address_lines": 70, "remittance": 140, "remittance_reference": 35}
FORMS: Final = {
    "creditor_country": "^[A-Z]{2}$",
    "charge_bearer": "^(DEBT|CRED|SHAR|SLEV)$",
    "uetr": "^[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}$",
}
_WORDS: Final = (
    "creditor_name", "ultimate_creditor_name", "ultimate_debtor_name", "creditor_street", "creditor_building",
    "creditor_post_code", "creditor_town", "creditor_address_lines", "remittance",
)  # fmt: skip
WRITTEN: Final = (*CHARS_MAX, *LINE_CHARS_MAX, *FORMS)
_NOT_PROVIDED: Final = "NOTPROVIDED"
_SCOR: Final = (
    "<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp>",
    "</CdtrRefInf></Strd>",
)


def checked_payments(window: pl.DataFrame, order: Order, *, transliterated: bool) -> pl.DataFrame:
    """The window's payments as they will be written: texts as XML character data, `execution_date` filled.

    Raises:
        FrameBroken: see `Pain001.write`.
    """
    if not ((window["currency"] == order.account.currency) & (window["credit_debit"] == CreditDebit.CRDT)).all():
        raise FrameBroken(
            f"a payment is no credit transfer in {order.account.currency}", submission_id=order.submission_id
        )
    payments = window.with_columns(pl.col(*WRITTEN, "debtor_name").replace("", None))
    if "execution_date" not in payments.columns:
        payments = payments.with_columns(execution_date=pl.lit(None, dtype=pl.Date))
    payments = payments.with_columns(
        pl.col("execution_date").fill_null(order.business_date), _ultimate_debtor(order).alias("ultimate_debtor_name")
    )
    if transliterated:
        payments = payments.with_columns(_fitted(name) for name in _WORDS)
    _refuse_misfits(payments, order)
    return escaped(payments, WRITTEN)


def _refuse_misfits(payments: pl.DataFrame, order: Order) -> None:
    misfits = [
        *((pl.col(name).str.len_chars() > size).any().alias(name) for name, size in CHARS_MAX.items()),
        *(pl.col(name).str.contains(over(size)).any().alias(name) for name, size in LINE_CHARS_MAX.items()),
        *((~pl.col(name).str.contains(form)).any().alias(name) for name, form in FORMS.items()),
    ]
    found = [name for name, misfit in payments.select(misfits).row(0, named=True).items() if misfit]
    if found:
        raise FrameBroken(f"what does not fit its element: {', '.join(found)}", submission_id=order.submission_id)


def over(chars_max: int) -> str:
    """Pattern of a line that is longer."""
    return rf"[^\n]{{{chars_max + 1}}}"


def _fitted(name: str) -> pl.Expr:
    """In the SEPA set. Where a letter that becomes two would break the length, each becomes one: nothing is cut."""
    value, grown = pl.col(name), transliterate(pl.col(name))
    if name in LINE_CHARS_MAX:
        fits = ~grown.str.contains(over(LINE_CHARS_MAX[name]))
    else:
        fits = grown.str.len_chars() <= CHARS_MAX[name]
    return pl.when(fits).then(grown).otherwise(transliterate(value, grow=False)).alias(name)


# ---------------------------------------------------------------------------------------------- one payment


def payment(order: Order) -> pl.Expr:
    """`<CdtTrfTxInf>…</CdtTrfTxInf>` of each row."""
    amount = (
        pl.lit(f'<Amt><InstdAmt Ccy="{order.account.currency}">')
        + amount_text(pl.col("amount_minor"), pl.col("currency"))
        + pl.lit("</InstdAmt></Amt>")
    )
    return node(
        "CdtTrfTxInf",
        node(
            "PmtId",
            wrap("InstrId", pl.col("reference")),
            wrap("EndToEndId", pl.col("end_to_end_id").fill_null(_NOT_PROVIDED)),
            wrap("UETR", pl.col("uetr")),
        ),
        _payment_type(),
        amount,
        wrap("ChrgBr", pl.col("charge_bearer")),
        node("UltmtDbtr", wrap("Nm", pl.col("ultimate_debtor_name"))),
        _creditor_agent(),
        node("Cdtr", wrap("Nm", pl.col("creditor_name")), _creditor_address()),
        _creditor_account(),
        node("UltmtCdtr", wrap("Nm", pl.col("ultimate_creditor_name"))),
        node("Purp", wrap("Cd", pl.col("purpose"))),
        node("RmtInf", leaves("Ustrd", pl.col("remittance")), leaves("Ref", pl.col("remittance_reference"), *_SCOR)),
    )


def _coded(name: str, value: pl.Expr) -> pl.Expr:
    """`<name>` with Cd where the value has the form of an ISO code, else Prtry: canonical columns hold either."""
    is_code = value.str.contains(_CODE)
    return node(name, wrap("Cd", pl.when(is_code).then(value)), wrap("Prtry", pl.when(~is_code).then(value)))


def _payment_type() -> pl.Expr:
    return node(
        "PmtTpInf",
        node("SvcLvl", wrap("Cd", pl.col("service_level"))),
        _coded("LclInstrm", pl.col("local_instrument")),
        _coded("CtgyPurp", pl.col("category_purpose")),
    )


def _ultimate_debtor(order: Order) -> pl.Expr:
    """Whom the payment is made for: the client's own ultimate debtor, else the client's debtor, unless it is the account's."""
    name = pl.coalesce("ultimate_debtor_name", "debtor_name")
    return pl.when(name != order.account.name).then(name)


def _creditor_agent() -> pl.Expr:
    agent = pl.col("creditor_agent")
    is_bic = agent.str.contains(_BIC)
    # The IBAN names the bank in SEPA; a clearing number beside it could only contradict it.
    iban_only = (pl.col("currency") == "EUR") & pl.col("creditor_account").str.contains(_IBAN)
    member = pl.when(~is_bic & ~iban_only.fill_null(value=False)).then(agent)
    system = pl.coalesce(
        pl.when((pl.col("currency") == currency) & member.str.contains(form)).then(pl.lit(code))
        for currency, (code, form) in _CLEARING.items()
    )
    clearing = node("ClrSysMmbId", node("ClrSysId", wrap("Cd", system)), wrap("MmbId", member))
    return node("CdtrAgt", node("FinInstnId", wrap("BICFI", pl.when(is_bic).then(agent)), clearing))


def _creditor_address() -> pl.Expr:
    return node(
        "PstlAdr",
        wrap("StrtNm", pl.col("creditor_street")),
        wrap("BldgNb", pl.col("creditor_building")),
        wrap("PstCd", pl.col("creditor_post_code")),
        wrap("TwnNm", pl.col("creditor_town")),
        wrap("Ctry", pl.col("creditor_country")),
        leaves("AdrLine", pl.col("creditor_address_lines")),
    )


def _creditor_account() -> pl.Expr:
    account = pl.col("creditor_account")
    is_iban = account.str.contains(_IBAN)
    identification = node(
        "Id",
        wrap("IBAN", pl.when(is_iban).then(account)),
        node("Othr", wrap("Id", pl.when(~is_iban).then(account))),
    )
    account_type = node("Tp", wrap("Cd", pl.when(~is_iban).then("creditor_account_type")))
    return node("CdtrAcct", identification, account_type)


# ---------------------------------------------------------------------------------------------- header


def header(order: Order, count: int, total_minor: int, dates: set[object], *, transliterated: bool) -> bytes:
    """Everything before the first payment. `dates`: execution dates met; there must be one.

    Raises:
        FrameBroken: the submission is empty or has several execution dates.
    """
    if count == 0 or len(dates) != 1:
        raise FrameBroken(
            f"a submission has payments of one execution date; here {count} payments of {len(dates)} dates",
            submission_id=order.submission_id,
        )
    (date,) = dates
    account = order.account
    initiating_party, name = (
        _name(text, transliterated=transliterated) for text in (order.initiating_party, account.name)
    )
    totals = f"<NbOfTxs>{count}</NbOfTxs><CtrlSum>{format_minor(total_minor, account.currency)}</CtrlSum>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}"><CstmrCdtTrfInitn>'
        f"<GrpHdr><MsgId>{literal(order.submission_id)}</MsgId><CreDtTm>{_created(order.created)}</CreDtTm>{totals}"
        f"<InitgPty><Nm>{initiating_party}</Nm></InitgPty></GrpHdr>"
        f"<PmtInf><PmtInfId>{literal(order.submission_id)}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg>{totals}"
        f"<ReqdExctnDt><Dt>{date}</Dt></ReqdExctnDt><Dbtr><Nm>{name}</Nm></Dbtr>"
        f"<DbtrAcct><Id>{_account_id(account.account)}</Id><Ccy>{account.currency}</Ccy></DbtrAcct>"
        f"<DbtrAgt><FinInstnId>{_agent_id(account.agent)}</FinInstnId></DbtrAgt>"
    ).encode()


def _created(moment: dt.datetime) -> str:
    return moment.replace(microsecond=0).isoformat()


def _name(value: str, *, transliterated: bool) -> str:
    return literal(pl.select(transliterate(pl.lit(value))).item() if transliterated else value)


def _matches(value: str, pattern: str) -> bool:
    return bool(pl.select(pl.lit(value).str.contains(pattern)).item())


def _account_id(account: str) -> str:
    return f"<IBAN>{account}</IBAN>" if _matches(account, _IBAN) else f"<Othr><Id>{literal(account)}</Id></Othr>"


def _agent_id(agent: str) -> str:
    if not agent:
        return f"<Othr><Id>{_NOT_PROVIDED}</Id></Othr>"
    if _matches(agent, _BIC):
        return f"<BICFI>{agent}</BICFI>"
    return f"<ClrSysMmbId><MmbId>{literal(agent)}</MmbId></ClrSysMmbId>"
