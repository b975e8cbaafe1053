"""Bookings as rows of camt.054 XML: a notification opens at its first row and closes at its last, an entry likewise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from canonical.codes import CreditDebit
from canonical.identifying import NOT_PROVIDED
from canonical.money import amount_text
from exporters._iso_answer_text import identification, legible, lines_of_info
from exporters._iso_xml import leaf, leaves, node, text

VersionName = Literal["camt.054.001.02", "camt.054.001.04", "camt.054.001.08"]
_NAME_CHARS_MAX: Final = 140
_IBAN: Final = r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$"
_BIC: Final = r"^[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$"
_UETR: Final = r"^[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}$"
_CODE: Final = r"^[A-Z][A-Z0-9]{3}$"
_PAYS: Final = pl.col("credit_debit") == CreditDebit.CRDT.value
_BACK: Final = pl.col("kind") == "return"


@dataclass(frozen=True, slots=True)
class Version:
    """What the versions differ in.

    `amounts`: a transaction has Amt and CdtDbtInd of its own, agents have BICFI. `choices`: statuses and parties are choices
    (Sts/Cd, Dbtr/Pty), references have a UETR.
    """

    name: str
    amounts: bool
    choices: bool

    @property
    def namespace(self) -> str:
        """Of the message."""
        return f"urn:iso:std:iso:20022:tech:xsd:{self.name}"


def version_of(name: VersionName) -> Version:
    """The version by its name."""
    return Version(name, amounts=name != "camt.054.001.02", choices=name == "camt.054.001.08")


def placed(
    bookings: pl.DataFrame,
    answer_id: str,
    created: str,
    version: Version,
    entries: Literal["as_asked", "batch", "single"],
) -> pl.DataFrame:
    """BOOKINGS in order of notification (account and currency) and entry, with the XML around them.

    `opening` and `closing` (String, empty inside an entry) and `in_batch` (Boolean: the entry is a batch's).
    """
    asked = {
        "as_asked": pl.col("batch_booking").fill_null(value=False),
        "batch": pl.lit(value=True),
        "single": pl.lit(value=False),
    }
    rows = bookings.with_columns(
        account_told=identification(pl.col("ordering_account"), 34).fill_null(NOT_PROVIDED), in_batch=asked[entries],
        moved=pl.when(_PAYS ^ _BACK).then(pl.lit("DBIT")).otherwise(pl.lit("CRDT")),
    ).with_row_index("place")  # fmt: skip
    alone = pl.when("in_batch").then(0).otherwise(pl.col("place").cast(pl.Int64) + 1)
    entry_key = (
        "account_told",
        "currency",
        "batch",
        "moved",
        "kind",
        "value_date",
        "booking_date",
        "in_batch",
        "alone",
    )
    rows = rows.with_columns(alone=alone).sort(*entry_key, "place", nulls_last=True)
    rows = rows.with_columns(notification=_run("account_told", "currency"), entry=_run(*entry_key))
    totals = _totals(rows)
    sums = rows.group_by("entry").agg(entry_minor=pl.col("amount_minor").sum(), entry_count=pl.len())
    joined = rows.join(sums, on="entry", how="left", maintain_order="left").join(
        totals, on="notification", how="left", maintain_order="left"
    )
    return joined.with_columns(_around(answer_id, created, version))


def _totals(rows: pl.DataFrame) -> pl.DataFrame:
    """Of each notification: number and sum of entries by direction (an entry is counted once)."""
    entries = rows.group_by("notification", "entry", maintain_order=True).agg(
        pl.col("moved").first(), pl.col("amount_minor").sum()
    )
    return entries.group_by("notification").agg(
        *(
            item
            for name in ("CRDT", "DBIT")
            for item in (
                (pl.col("moved") == name).sum().cast(pl.Int64).alias(f"{name}_count"),
                pl.col("amount_minor").filter(pl.col("moved") == name).sum().alias(f"{name}_minor"),
            )
        )
    )


def _run(*names: str) -> pl.Expr:
    """Ordinal of the run of rows that are alike in these columns, from 0."""
    changes = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names)
    return (changes & (pl.int_range(pl.len()) > 0)).cast(pl.Int64).cum_sum()


def _edges(name: str) -> tuple[pl.Expr, pl.Expr]:
    """True at the first and the last row of a run."""
    run = pl.col(name)
    return run.ne_missing(run.shift(1)), run.ne_missing(run.shift(-1))


def _around(answer_id: str, created: str, version: Version) -> list[pl.Expr]:
    notice_first, notice_last = _edges("notification")
    entry_first, entry_last = _edges("entry")
    opening = pl.concat_str(
        pl.when(notice_first).then(_notification(answer_id, created)),
        pl.when(entry_first).then(_entry(version)),
        pl.lit(""),
        ignore_nulls=True,
    )
    closing = pl.concat_str(
        pl.when(entry_last).then(pl.lit("</NtryDtls></Ntry>")), pl.when(notice_last).then(pl.lit("</Ntfctn>")), pl.lit(""),
        ignore_nulls=True,
    )  # fmt: skip
    return [opening.alias("opening"), closing.alias("closing")]


def _notification(answer_id: str, created: str) -> pl.Expr:
    number = (pl.col("notification") + 1).cast(pl.String)
    account = node("Acct", node("Id", *_account_id("account_told")), leaf("Ccy", pl.col("currency")))
    totals = node("TxsSummry", *(_summed(*names) for names in (("TtlCdtNtries", "CRDT"), ("TtlDbtNtries", "DBIT"))))
    return pl.concat_str(
        pl.lit(f"<Ntfctn><Id>{answer_id}-"), number, pl.lit(f"</Id><CreDtTm>{created}</CreDtTm>"), account, totals
    )


def _summed(name: str, moved: str) -> pl.Expr:
    count = leaf("NbOfNtries", pl.col(f"{moved}_count").cast(pl.String))
    return node(name, count, leaf("Sum", amount_text(pl.col(f"{moved}_minor"), pl.col("currency"))))


def _account_id(column: str) -> tuple[pl.Expr, ...]:
    value = pl.col(column)
    iban = value.str.contains(_IBAN).fill_null(value=False)
    return leaf("IBAN", pl.when(iban).then(value)), node("Othr", leaf("Id", pl.when(~iban).then(value)))


def _amount(minor: str, name: str = "Amt") -> pl.Expr:
    told = amount_text(pl.col(minor), pl.col("currency"))
    return pl.concat_str(pl.lit(f'<{name} Ccy="'), pl.col("currency"), pl.lit('">'), told, pl.lit(f"</{name}>"))


def _date(name: str, column: str) -> pl.Expr:
    return node(name, leaf("Dt", pl.col(column).dt.strftime("%Y-%m-%d")))


def _entry(version: Version) -> pl.Expr:
    """Ntry up to the details that follow."""
    status = "<Sts><Cd>BOOK</Cd></Sts>" if version.choices else "<Sts>BOOK</Sts>"
    family = pl.when(_PAYS).then(pl.lit("ICDT")).otherwise(pl.lit("IDDT"))
    sub_family = pl.when(_BACK & _PAYS).then(pl.lit("RRTN")).when(_BACK).then(pl.lit("UPDD")).otherwise(pl.lit("OTHR"))
    code = node(
        "BkTxCd",
        node("Domn", pl.lit("<Cd>PMNT</Cd>"), node("Fmly", leaf("Cd", family), leaf("SubFmlyCd", sub_family))),
    )
    batch = node(
        "Btch", leaf("PmtInfId", identification(pl.col("batch_id"))), leaf("NbOfTxs", pl.col("entry_count").cast(pl.String)),
        _amount("entry_minor", "TtlAmt"), leaf("CdtDbtInd", pl.col("moved")),
    )  # fmt: skip
    reference = pl.when(~pl.col("in_batch") | (pl.col("entry_count") == 1)).then("servicer_reference")
    return pl.concat_str(
        pl.lit("<Ntry>"), _amount("entry_minor"), leaf("CdtDbtInd", pl.col("moved")), pl.lit(status),
        _date("BookgDt", "booking_date"), _date("ValDt", "value_date"),
        leaf("AcctSvcrRef", identification(reference)), code, pl.lit("<NtryDtls>"),
        pl.when("in_batch").then(batch), ignore_nulls=True,
    )  # fmt: skip


def row_xml(version: Version, *, details: bool) -> pl.Expr:
    """XML of a row of `placed`."""
    shown = _transaction(version)
    if not details:
        shown = pl.when(~pl.col("in_batch")).then(shown)
    return pl.concat_str(pl.col("opening"), shown, pl.col("closing"), ignore_nulls=True)


def _transaction(version: Version) -> pl.Expr:
    uetr = pl.when(pl.col("uetr").str.contains(_UETR)).then("uetr")
    references = node(
        "Refs",
        leaf("AcctSvcrRef", identification(pl.col("servicer_reference"))),
        leaf("PmtInfId", identification(pl.col("batch_id"))),
        leaf("InstrId", identification(pl.col("instruction_id"))),
        leaf("EndToEndId", identification(pl.col("end_to_end_id")).fill_null(NOT_PROVIDED)),
        *([leaf("UETR", uetr)] if version.choices else []),
        leaf("MndtId", identification(pl.col("mandate_id"))),
    )
    amounts: tuple[pl.Expr, ...]
    if version.amounts:
        amounts = (_amount("amount_minor"), leaf("CdtDbtInd", pl.col("moved")))
    else:
        amounts = (node("AmtDtls", node("TxAmt", _amount("amount_minor"))),)
    return node(
        "TxDtls", references, *amounts, _parties(version), _agents(version), _remittance(), _return(),
    )  # fmt: skip


def _parties(version: Version) -> pl.Expr:
    """Debtor and creditor, of whom the client is one."""
    sides = []
    for name, ours in (("Dbtr", _PAYS), ("Cdtr", ~_PAYS)):
        told = pl.when(ours).then("ordering_name").otherwise("counterparty_name")
        party = leaf("Nm", legible(told).str.strip_chars().str.head(_NAME_CHARS_MAX))
        sides.append(node(name, node("Pty", party) if version.choices else party))
        account = identification(pl.when(ours).then("ordering_account").otherwise("counterparty_account"), 34)
        iban = account.str.contains(_IBAN).fill_null(value=False)
        identified = node(
            "Id", leaf("IBAN", pl.when(iban).then(account)), node("Othr", leaf("Id", pl.when(~iban).then(account)))
        )
        sides.append(node(f"{name}Acct", identified))
    return node("RltdPties", *sides)


def _agents(version: Version) -> pl.Expr:
    sides = []
    for name, ours in (("DbtrAgt", _PAYS), ("CdtrAgt", ~_PAYS)):
        agent = pl.when(ours).then("ordering_agent").otherwise("counterparty_agent")
        known = pl.when(agent.str.contains(_BIC)).then(agent)
        sides.append(node(name, node("FinInstnId", leaf("BICFI" if version.amounts else "BIC", known))))
    return node("RltdAgts", *sides)


def _remittance() -> pl.Expr:
    lines = legible(pl.col("remittance").str.replace_all("\r", "")).str.split("\n")
    short = lines.list.eval(pl.element().str.strip_chars().str.head(_NAME_CHARS_MAX)).list.join("\n")
    reference = node("CdtrRefInf", leaf("Ref", identification(pl.col("remittance_reference"))))
    return node("RmtInf", leaves("Ustrd", text(short)), node("Strd", reference))


def _return() -> pl.Expr:
    """RtrInf of what came back: the reason as a code of the ISO set, or the bank's own."""
    reason = identification(pl.col("reason"))
    coded = reason.str.contains(_CODE).fill_null(value=False)
    told = node("Rsn", leaf("Cd", pl.when(coded).then(reason)), leaf("Prtry", pl.when(~coded).then(reason)))
    return pl.when(_BACK).then(node("RtrInf", told, leaves("AddtlInf", text(lines_of_info(pl.col("reason_text"))))))
