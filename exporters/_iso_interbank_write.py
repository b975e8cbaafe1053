"""A file of pacs.008: GrpHdr with how it is settled, and each payment with its debtor, whose bank we are."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, Final

import polars as pl

from canonical.contracts import ExportSummary, Order
from canonical.errors import FrameBroken
from canonical.limits import WINDOW_BYTES
from canonical.money import format_minor
from exporters._iso_batches import Batches
from exporters._iso_carrier import Carrier, Parts
from exporters._iso_columns import Fixed, Node, Raw, Text, laid_flat
from exporters._iso_fit import has_originals, refuse_misfits
from exporters._iso_grammar_interbank import interbank_grammar, reading_grammar
from exporters._iso_header import Totals, account_parts, namespace
from exporters._iso_interbank import Options, limits, ours
from exporters._iso_original import Fitted
from exporters._iso_payment import REMITTANCE, party_nodes, said
from exporters._iso_shaped import IBAN, filled, shaped
from exporters._iso_versions import BIC, INTERBANK, Version
from exporters._iso_whole import whole
from exporters._iso_xml import leaves, literal, write_column

_COPY_BYTES: Final = 2**20
_ADDRESS: Final = (
    ("StrtNm", "street"),
    ("BldgNb", "building"),
    ("PstCd", "post_code"),
    ("TwnNm", "town"),
    ("Ctry", "country"),
)
VERSION: Final = Version(INTERBANK, "08", interbank_grammar(), ("BICFI", BIC), reading=reading_grammar())


def write(order: Order, options: Options, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
    """Write the file; see `Pacs008.write`."""
    totals, fitted = Totals(), Fitted() if options.transliterate else None
    batches = Batches(Carrier(reading_grammar(), fitted), fitted, INTERBANK)
    with tempfile.SpooledTemporaryFile(max_size=WINDOW_BYTES) as spool:
        for window in windows:
            payments = _filled(window, order, options)
            totals.add(payments)
            carried = has_originals(window)
            write_column(
                _carried(window, payments, order, options, batches) if carried else _columns(payments, order, options),
                spool,
            )
        out.write(_header(order, options, totals))
        spool.seek(0)
        shutil.copyfileobj(spool, out, _COPY_BYTES)
    out.write(f"</{INTERBANK.element}></Document>\n".encode())
    return totals.summary


def _filled(window: pl.DataFrame, order: Order, options: Options) -> pl.DataFrame:
    payments = filled(window, order, VERSION, options)
    refuse_misfits(payments, order, VERSION, options, limits(options))
    agent = pl.when(pl.col("debtor_agent").str.contains(BIC)).then("debtor_agent")
    # Where the client's file names no debtor, the account's holder is it.
    nobody = pl.col("debtor_name").is_null() & pl.col("debtor_account").is_null()
    return payments.with_columns(
        pl.when(nobody).then(pl.lit(order.account.account)).otherwise("debtor_account").alias("debtor_account"),
        pl.col("debtor_name").fill_null(order.account.name),
        agent.fill_null(options.instructing_agent).alias("debtor_agent"),
        pl.col("charge_bearer").fill_null(options.charge_bearer),
    )


def _carried(
    window: pl.DataFrame, payments: pl.DataFrame, order: Order, options: Options, batches: Batches
) -> pl.Series:
    """From the client's own elements, each put together by itself."""
    known = batches.of(window)
    faults = [fault for batch in known.values() for fault in batch.faults]
    date = str(payments["execution_date"][0])
    found = list(whole(window, known, batches.carrier, INTERBANK, ours(options, order, date, batches.fitted)))
    faults += [fault for one in found for fault in one.faults]
    if faults:
        raise FrameBroken(f"{faults[0].path} {faults[0].what}", submission_id=order.submission_id)
    return pl.Series("xml", [one.xml for one in found], dtype=pl.String)


def _columns(payments: pl.DataFrame, order: Order, options: Options) -> pl.Series:
    account, lines = pl.col("debtor_account"), pl.col("debtor_address_lines")
    frame = shaped(payments, order, VERSION, options).with_columns(
        pl.when(account.str.contains(IBAN)).then(account).alias("xml_debtor_iban"),
        pl.when(~account.str.contains(IBAN)).then(account).alias("xml_debtor_other"),
        leaves("AdrLine", lines).alias("xml_debtor_lines"),
        pl.col("execution_date").dt.to_string("%Y-%m-%d").alias("xml_date"),
    )
    return frame.select(laid_flat(frame, _layout(order, options)).alias("xml")).to_series()


def _layout(order: Order, options: Options) -> Node:
    theirs = party_nodes(VERSION, agent_needed=False)
    address = Node("PstlAdr", (*(Text(name, f"debtor_{column}") for name, column in _ADDRESS), Raw("xml_debtor_lines")))
    ids = Node("OrgId", (Text("LEI", "debtor_lei"), Node("Othr", (Text("Id", "debtor_id"),))))
    account = Node("Id", (Text("IBAN", "xml_debtor_iban"), Node("Othr", (Text("Id", "xml_debtor_other"),))))
    identification = (
        Text("InstrId", "reference"),
        Text("EndToEndId", "end_to_end_id"),
        Text("TxId", "reference"),
        Text("UETR", "uetr"),
    )
    return Node(
        "CdtTrfTxInf",
        (
            Node("PmtId", identification),
            said(VERSION)["PmtTpInf"][0],
            Text(f'IntrBkSttlmAmt Ccy="{order.account.currency}"', "xml_amount"),
            *([Text("IntrBkSttlmDt", "xml_date")] if options.date_in == "payment" else []),
            Text("ChrgBr", "charge_bearer"),
            *([Fixed(_xml(options.agents()))] if options.agents_in == "payment" else []),
            theirs["ours"],
            Node("Dbtr", (Text("Nm", "debtor_name"), address, Node("Id", (ids,)))),
            Node("DbtrAcct", (account,)),
            Node("DbtrAgt", (Node("FinInstnId", (Text("BICFI", "debtor_agent"),)),)),
            theirs["agent"],
            theirs["party"],
            theirs["account"],
            theirs["ultimate"],
            Node("Purp", (Text("Cd", "purpose"),)),
            REMITTANCE,
        ),
    )


def _xml(parts: Parts) -> str:
    """Elements of the payment's own level, in order."""
    carrier = Carrier(interbank_grammar())
    fields = interbank_grammar().types["CdtTrfTxInf"].fields
    return "".join(
        carrier.value_xml(name, fields[name].kind, value) for name, values in parts.items() for value in values
    )


def _header(order: Order, options: Options, totals: Totals) -> bytes:
    """The bytes before the first payment.

    Raises:
        FrameBroken: the submission is empty or has several execution dates.
    """
    if totals.payments == 0 or len(totals.dates) != 1:
        raise FrameBroken("a submission has payments of one execution date", submission_id=order.submission_id)
    (date,) = totals.dates
    total, settlement = format_minor(totals.sum_minor, order.account.currency), options.settlement
    parts: Parts = {
        "MsgId": [(order.submission_id, None)], "CreDtTm": [(order.created.replace(microsecond=0).isoformat(), None)],
        "NbOfTxs": [(str(totals.payments), None)], "CtrlSum": [(total, None)],
    }  # fmt: skip
    how: Parts = {"SttlmMtd": [(settlement.method, None)]}
    if settlement.account:
        how["SttlmAcct"] = [{"Id": [account_parts(order.account.account)], "Ccy": [(order.account.currency, None)]}]
    if settlement.method == "CLRG":
        name = (
            ("Cd", settlement.clearing_system)
            if settlement.clearing_system
            else ("Prtry", settlement.clearing_system_name)
        )
        how["ClrSys"] = [{name[0]: [(name[1] or "", None)]}]
    parts["SttlmInf"] = [how]
    if options.total_amount:
        parts["TtlIntrBkSttlmAmt"] = [(total, order.account.currency)]
    if options.date_in == "group":
        parts["IntrBkSttlmDt"] = [(str(date), None)]
    if options.agents_in == "group":
        parts |= options.agents()
    carrier = Carrier(interbank_grammar())
    written = carrier.xml("GrpHdr", parts, "GrpHdr")
    opening = f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{literal(namespace(VERSION, options))}"><{INTERBANK.element}>'
    return f"{opening}{written}".encode()
