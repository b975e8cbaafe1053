"""NACHA (ACH) return files from banks: returns (addenda 99) and notifications of change (addenda 98).

Source: Nacha Operating Rules, Appendix Four (return entries: reason codes, record formats, dishonored and contested
returns) and Appendix Five (notification of change). docs/formats/nacha-return.md says what is read into which column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Feedback, Model, Source
from canonical.frames import ENTRIES, FINDINGS, STATEMENTS, STATUSES, checked, conform, empty
from canonical.money import amount_text
from canonical.nacha_codes import NACHA_CODES, codes_of
from canonical.profiles import NoOptions
from parsers._nacha_batches import SUMS_SCHEMA, batch_controls, batch_headers, batch_sums, control_totals
from parsers._nacha_disputes import dispute_text, meaning_of, return_text
from parsers._nacha_entries import entries_of
from parsers._nacha_file import Counted, closing_findings, file_header, file_totals, opening_findings
from parsers._nacha_findings import Fault, gathered
from parsers._nacha_layout import DIRECTIONS, RETURNED_AS, VERSION, cut, number, sniff, words
from parsers._nacha_lines import records
from parsers._nacha_order import Place, Placed, order_findings, placed

_CHANGE, _RETURN = "98", "99"
_FRAGMENT: Final = re.compile(rb"\s*6[2-5][0-9][ -~]{91}\r?\n?7(?:98C|99R)[0-9]{2}")
"""An entry with its reason, which nothing but a return has."""
_ASK: Final = "Ask the provider what it means; until then the payment keeps its status."
_ORIGINATION: Final = Fault(
    "nacha-return-none", "FF01", Severity.FATAL, Level.FILE, "addenda type code",
    "Look at what the provider put in this place: payments are not feedback.",
)  # fmt: skip
_CODE: Final = Fault("nacha-return-code", "NARR", Severity.WARNING, Level.PAYMENT, "return reason code", _ASK)
_CROSSED: Final = Fault(
    "nacha-return-code", "NARR", Severity.ERROR, Level.PAYMENT, "return reason code",
    "Ask the bank whether money came back or an account is to be changed; until then the payment keeps its status.",
)  # fmt: skip
_DISPUTE: Final = Fault(
    "nacha-return-dispute", "NARR", Severity.WARNING, Level.PAYMENT, "return reason code",
    "A person must settle it with the bank: the return stands, or is taken back.",
)  # fmt: skip
_MISSING: Final = Fault(
    "nacha-return-addenda", "FF02", Severity.ERROR, Level.PAYMENT, "addenda",
    "Ask the provider for the reason of this return.",
)  # fmt: skip
_AGAIN: Final = Fault(
    "nacha-return-addenda", "FF02", Severity.ERROR, Level.PAYMENT, "addenda",
    "Ask the provider which of them holds; the first was read, and the amount of the entry is counted once.",
)  # fmt: skip
_ASK_OF_FIELD: Final = "Ask the provider; what else stands there was read."
_AMOUNT: Final = Fault("nacha-return-amount", "AM12", Severity.WARNING, Level.PAYMENT, "amount", _ASK_OF_FIELD)
_TRANSACTION_CODE: Final = Fault(
    "nacha-return-transaction-code", "CH16", Severity.WARNING, Level.PAYMENT, "transaction code", _ASK_OF_FIELD
)
_TRACE: Final = Fault(
    "nacha-return-trace", "CH21", Severity.WARNING, Level.PAYMENT, "original entry trace number", _ASK_OF_FIELD
)
_CORRECTED: Final = Fault(
    "nacha-return-corrected", "CH21", Severity.WARNING, Level.PAYMENT, "corrected data", _ASK_OF_FIELD
)
_TOTAL: Final = Fault(
    "nacha-return-total", "AM10", Severity.ERROR, Level.FILE, "control record",
    "Ask the provider whether the file is whole; what it holds was read.",
)  # fmt: skip
_CHARACTER: Final = Fault(
    "nacha-character", "RR10", Severity.WARNING, Level.FILE, "record", "Nothing: such a byte reads as a question mark."
)

_NO_IDENTIFICATION: Final = frozenset({"IAT", "ADV", "CIE", "MTE", "SHR"})
"""Classes whose entries do not hold the individual identification number at 40-54."""


_UNCORRECTED: Final = ("C13", "C14")
"""Changes that name no corrected data: they speak of the addenda's form and of the class."""
_DISPUTE_NAMES: Final = {
    **dict.fromkeys(codes_of("dishonored"), "dishonored return"),
    **dict.fromkeys(codes_of("contested"), "contested dishonored return"),
    **dict.fromkeys(codes_of("refused"), "refused notification of change"),
}
_DISPUTES: Final = tuple(_DISPUTE_NAMES)
"""Dishonored and contested returns, refused notifications of change: they move no status by themselves."""
_REASONS: Final = codes_of("return", "dishonored", "contested")
_CHANGES: Final = codes_of("change", "refused")


@dataclass(frozen=True, slots=True)
class NachaReturn:
    """The feedback format."""

    name: str = "nacha-return"
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = NoOptions

    def sniff(self, head: bytes) -> bool:
        """True when the bytes begin with a file header, a batch header, or (a fragment) an entry that comes back."""
        return sniff(head) or _FRAGMENT.match(head) is not None

    def read(self, source: Source, options: NoOptions) -> Feedback:  # noqa: ARG002  the contract's signature
        """STATUSES: one row an addenda record of type 98 or 99, in file order. STATEMENTS and ENTRIES stay empty.

        A file without headers or controls is read as far as it goes, with findings. FATAL: it holds entries but neither
        returns nor changes (an origination file), or no ACH record at all.
        """
        windows = _placed(source)
        headers = pl.concat([batch_headers(here.of_kind("5")) for here in windows])
        entries, notices = _entries(windows, headers), _notices(windows)
        notices, spare = _with_entries(notices, entries)
        fatal = list(_fatal(windows, notices, entries))
        structure = [_tolerated(part) for part in _structure(windows, headers)]
        findings = gathered([*structure, *_notice_findings(notices, entries), *_spare_findings(spare), *fatal])
        stated = empty(STATUSES) if fatal else conform(_statuses(notices), STATUSES)
        return Feedback(
            self.name, VERSION, file_header(windows[0]).message_id, stated, empty(STATEMENTS), empty(ENTRIES),
            checked(findings, FINDINGS),
        )  # fmt: skip


def _placed(source: Source) -> list[Placed]:
    windows, place = [], Place()
    for window in records(source.data):
        windows.append(placed(window, place))
        place = windows[-1].after
    return windows


def _entries(windows: list[Placed], headers: pl.DataFrame) -> pl.DataFrame:
    """One row an entry: what a return says of its original payment."""
    code = cut(2, 3)
    # The notification of change of an IAT entry names its class in place of the company.
    sec = pl.when(pl.col("company_name") == "IATCOR").then(pl.lit("IAT")).otherwise("sec").alias("sec")
    found = pl.concat([here.chosen(here.parts.entries) for here in windows]).with_row_index("entry")
    entries = found.join(headers.select("batch", sec, "discretionary"), on="batch", how="left", maintain_order="left")
    return entries.select(
        pl.col("entry").cast(pl.Int64), "line", "sec", "discretionary",
        number(pl.when(pl.col("sec") == "ADV").then(cut(28, 39)).otherwise(cut(30, 39))).alias("amount"),
        code.alias("code"), code.replace_strict(DIRECTIONS, default=None, return_dtype=pl.String).alias("direction"),
        pl.when(~pl.col("sec").is_in(_NO_IDENTIFICATION).fill_null(value=False))
        .then(words(40, 54)).alias("end_to_end_id"),
        cut(80, 94).alias("entry_trace"),
    )  # fmt: skip


def _notices(windows: list[Placed]) -> pl.DataFrame:
    """One row an addenda record of type 98 or 99: line, text, and the ordinal of its entry where it has one."""
    parts, before = [], 0
    for here in windows:
        addenda = np.flatnonzero(here.records.kinds == ord("7"))
        owner = np.full(len(here.records.kinds), -1)
        owner[here.parts.addenda] = here.parts.owner + before
        entry = pl.Series("entry", owner[addenda])
        parts.append(here.chosen(addenda).with_columns(pl.when(entry >= 0).then(entry).alias("entry")))
        before += len(here.parts.entries)
    return pl.concat(parts).filter(cut(2, 3).is_in([_CHANGE, _RETURN]))


def _with_entries(notices: pl.DataFrame, entries: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Notices with what their entry says; apart from them those of an entry that has one already: it came back once."""
    joined = notices.select("line", "text", "entry").join(
        entries.drop("line"), on="entry", how="left", maintain_order="left"
    )
    notices = joined.with_columns(cut(2, 3).alias("type"), cut(4, 6).alias("reason"))
    # What was said before a dispute may stand beside it; a second return or change may not.
    plain = pl.col("entry").is_not_null() & ~pl.col("reason").is_in(_DISPUTES)
    spare = plain & ~pl.struct("entry", plain.alias("plain")).is_first_distinct()
    return notices.filter(~spare), notices.filter(spare)


def _statuses(notices: pl.DataFrame) -> pl.DataFrame:
    change = pl.col("type") == _CHANGE
    dispute = pl.col("reason").is_in(_DISPUTES)
    kind = (
        pl.when(dispute | _crossed())
        .then(pl.lit("status"))
        .when(change)
        .then(pl.lit("correction"))
        .otherwise(pl.lit("return"))
    )
    information = pl.when(pl.col("sec") == "IAT").then(words(46, 79)).otherwise(words(36, 79))
    own_trace = pl.when(cut(80, 94).str.strip_chars("0 ") != "").then(cut(80, 94))
    return notices.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("position"),
        kind.alias("kind"),
        pl.lit("payment").alias("level"),
        pl.when(pl.col("sec") != "IAT").then("discretionary").alias("original_message_id"),
        cut(7, 21).alias("original_instruction_id"),
        pl.col("end_to_end_id").alias("original_end_to_end_id"),
        pl.when(kind == "return").then(pl.lit("RJCT")).alias("status"),
        "reason",
        pl.when(dispute)
        .then(dispute_text())
        .when(change)
        .then(meaning_of(pl.col("reason")))
        .otherwise(return_text(information))
        .alias("reason_text"),
        pl.col("amount").alias("amount_minor"),
        pl.lit("USD").alias("currency"),
        pl.col("direction").alias("credit_debit"),
        pl.coalesce(own_trace, "entry_trace").alias("trace"),
        pl.when(change & ~_crossed()).then(_corrected()).alias("corrected"),
    )


def _crossed() -> pl.Expr:
    """A change code where returns stand, or a return reason where changes stand: nobody can tell which of the two it is."""
    code = pl.col("reason")
    return pl.when(pl.col("type") == _CHANGE).then(code.is_in(_REASONS)).otherwise(code.is_in(_CHANGES))


def _corrected() -> pl.Expr:
    return pl.when(pl.col("sec") == "IAT").then(words(36, 70)).otherwise(words(36, 64))


def _fatal(windows: list[Placed], notices: pl.DataFrame, entries: pl.DataFrame) -> Iterator[pl.DataFrame]:
    if not any(len(here.records.kinds) for here in windows):
        yield _ORIGINATION.at(None, "The file holds no ACH record.")
    elif notices.is_empty() and entries.height:
        message = "The file holds entries but no addenda of type 98 or 99: it is an origination file, no return file."
        yield _ORIGINATION.on(entries.head(1), message)
    elif notices.is_empty() and not any((here.records.kinds == ord("9")).any() for here in windows):
        yield _ORIGINATION.at(None, "The file ends before its first entry: it may be a payment file that was cut off.")


def _notice_findings(notices: pl.DataFrame, entries: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Reason codes that nobody knows or a person must look at, entries without a reason, reasons without an entry."""
    code = pl.col("reason")
    unknown = notices.filter(~code.is_in(list(NACHA_CODES)))
    nameless = code.str.strip_chars() == ""
    said = pl.when(nameless).then(pl.lit("The addenda record has no return or change code."))
    yield _CODE.on(unknown, said.otherwise(pl.format("There is no return or change code {}.", code)), code)
    message = pl.format("Addenda of type {} carry the code {}, which is none of theirs.", "type", code)
    yield _CROSSED.on(notices.filter(_crossed()), message, code)
    yield from _entry_codes(entries.join(notices.select("entry"), on="entry", how="semi", maintain_order="left"))
    lost = entries.filter(pl.col("amount").is_null())
    yield _AMOUNT.on(lost, "The amount of the entry is no number.")
    trace = cut(7, 21)
    untraced = notices.filter(~trace.str.contains("^[0-9]{15}$"))
    yield _TRACE.on(untraced, "The original entry trace number is not fifteen digits: it names no entry.", trace)
    change = (pl.col("type") == _CHANGE) & ~code.is_in([*_DISPUTES, *_REASONS, *_UNCORRECTED])
    bare = notices.filter(change & _corrected().is_null())
    yield _CORRECTED.on(bare, "The notification of change does not say what is right.")
    dispute = notices.filter(code.is_in(_DISPUTES))
    message = pl.format(
        "{} is a {}.", code, code.replace_strict(_DISPUTE_NAMES, default="dispute", return_dtype=pl.String)
    )
    yield _DISPUTE.on(dispute, message, code)
    if not notices.is_empty():
        silent = entries.join(notices.select("entry"), on="entry", how="anti", maintain_order="left")
        yield _MISSING.on(silent, "The entry has no addenda record of type 98 or 99.")


def _spare_findings(spare: pl.DataFrame) -> Iterator[pl.DataFrame]:
    message = pl.format(
        "The entry has one more addenda record of type {} (code {}); an entry comes back once.", "type", "reason"
    )
    yield _AGAIN.on(spare, message, pl.col("reason"))


def _entry_codes(returned: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Entries that come back with the code of an entry that goes out, or with one that nobody knows."""
    code = pl.col("code")
    right = code.replace_strict(RETURNED_AS, default=None, return_dtype=pl.String)
    message = pl.format(
        "The entry comes back with transaction code {}, which entries have that go out; returned it has {}.",
        code,
        right,
    )
    yield _TRANSACTION_CODE.on(returned.filter(right.is_not_null()), message, code)
    unknown = returned.filter(pl.col("direction").is_null() & (pl.col("sec").fill_null("") != "ADV"))
    message = pl.format("There is no transaction code {}: whether a credit or a debit comes back is not known.", code)
    yield _TRANSACTION_CODE.on(unknown, message, code)


def _structure(windows: list[Placed], headers: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What is wrong with lines, order and totals."""
    counted, sums, controls = Counted(), pl.DataFrame(schema=SUMS_SCHEMA), []
    for here in windows:
        yield here.records.findings
        message = pl.format(
            "Position {} of the record holds the byte 0x{}, which is no printable ASCII.", "column", "byte"
        )
        yield _CHARACTER.on(here.records.characters, message)
        yield order_findings(here)
        entries = entries_of(here, headers, 0).summed
        counted = counted.plus(here, here.records.physical, batch_headers(here.of_kind("5")), entries)
        sums = batch_sums(here, entries, sums)
        controls.append(here.chosen(here.inside & (here.records.kinds == ord("8"))))
    yield from opening_findings(windows[0])
    yield from closing_findings(counted, windows[-1].after)
    totals = control_totals(batch_controls(pl.concat(controls), headers, sums))
    declared = pl.concat([totals, file_totals(counted)], how="diagonal")
    wrong = declared.filter(pl.col("declared").ne_missing(pl.col("found")))
    money = pl.col("measure").is_in(["debit_sum", "credit_sum"])
    amounts = [
        amount_text(pl.col(name).cast(pl.Int64), pl.lit("USD")) + pl.lit(" USD") for name in ("declared", "found")
    ]
    plain = pl.format("The {} says {}; the file has {}.", "field", "declared_text", "found")
    said = pl.coalesce(pl.when(money).then(pl.format("The {} says {}; the file has {}.", "field", *amounts)), plain)
    yield _TOTAL.on(wrong, said, pl.col("declared_text"))


def _tolerated(findings: pl.DataFrame) -> pl.DataFrame:
    """A fault of structure does not stop the reading of returns: what the bank tells is told."""
    fatal = pl.col("severity") == Severity.FATAL.value
    error = pl.lit(Severity.ERROR.value)
    return findings.with_columns(pl.when(fatal).then(error).otherwise("severity").alias("severity"))


FORMAT: Final = NachaReturn()
