"""Faults of an ISO payment message as data: what the readers find wrong, before it becomes a row of the FINDINGS frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.frames import FINDINGS, conform, dtypes, empty

_ESCAPE: Final = (
    "Correct the XML at that place and send the file again: in a text, & is written &amp; and < is written &lt;."
)
JUNK: Final = "junk after document element"
HEADER_BESIDE: Final = "AppHdr beside Document"
_SYNTAX: Final = {
    "XML or text declaration not at start of entity": (
        "the declaration (<?xml …?>) is not the first thing in the file: a blank, an empty line or other text stands before it",
        "Take away what stands before the declaration, and send the file again.",
    ),
    JUNK: (
        "something stands behind the end of the message, as where two files were put together or a program left signs of its own",
        "Send each message as a file of its own, with nothing behind its last closing element.",
    ),
    HEADER_BESIDE: (
        "AppHdr and the Document stand side by side, and XML has one element that holds all others",
        "Put both into one element (such as BizMsgEnvlp), or send the Document without AppHdr.",
    ),
    "duplicate attribute": (
        "an attribute stands twice in one element",
        "Say it once; have the program write the file again.",
    ),
    "invalid token": (
        "a sign stands where none of its kind may (as & or < in a text, or a control character)",
        _ESCAPE,
    ),
    "mismatched tag": (
        "an element is closed that is not the open one",
        "Close every element by its own name, the innermost first; have the program write the file again.",
    ),
}
"""The parser's words → plain ones, and what to do."""
MISPLACED: Final = "iso-misplaced-payment"


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding, with the byte offset where it stands (so that a second reading does not tell it twice)."""

    rule: str
    reason: str
    message: str
    remedy: str
    severity: Severity = Severity.ERROR
    level: Level = Level.FILE
    offset: int = 0
    line: int | None = None
    batch: int | None = None
    batch_id: str | None = None
    row: int | None = None
    end_to_end_id: str | None = None
    field: str | None = None
    value: str | None = None

    def at(self, line: int, offset: int) -> Fault:
        """The same at a place."""
        return replace(self, line=line, offset=offset)


class Unreadable(Exception):
    """Reading cannot go on. Carries the FATAL fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Doubt(Exception):
    """The fast reader cannot vouch for these bytes: the exact one reads them."""


def findings_frame(faults: Sequence[Fault]) -> pl.DataFrame:
    """FINDINGS of these faults, in their order."""
    if not faults:
        return empty(FINDINGS)
    names = dtypes(FINDINGS)
    columns = {name: [getattr(fault, name) for fault in faults] for name in names}
    for name in ("severity", "level"):
        columns[name] = [code.value for code in columns[name]]
    return conform(pl.DataFrame(columns, schema=names), FINDINGS)


def fatal(rule: str, reason: str, message: str, remedy: str) -> Fault:
    """Nothing of the file may be used."""
    return Fault(rule, reason, message, remedy, severity=Severity.FATAL)


def empty_file() -> Fault:
    """A file without a byte."""
    return fatal("xml-truncated", "TD03", "The file is empty.", "Write the whole file and send it again.").at(1, 0)


def quotes(text: str, name: str) -> bool:
    """True for a text that is a Document of the message, as envelopes hold it in CDATA or with &lt;."""
    return "<" in text and "Document" in text and name in text


def quoted(name: str) -> tuple[str, str]:
    """A message that stands in an envelope as text: what there is to say, and what to do."""
    what = f"The file holds no <Document> of a {name} message as elements: one stands in it as text (CDATA, or &lt; for <)."
    return what, "Take the Document out of the text that holds it, and send it by itself."


def truncated(line: int, row: int | None) -> Fault:
    """The bytes end before the elements do."""
    message = f"The file ends in line {line} before its elements are closed{_inside(row)}: it is incomplete."
    return fatal("xml-truncated", "TD03", message, "Write the whole file, close every element, and send it again.")


def syntax(line: int, column: int, what: str, row: int | None) -> Fault:
    """Not well-formed."""
    what = what.removeprefix("not well-formed ").strip("()")
    words, remedy = _SYNTAX.get(what, (what, _ESCAPE))
    message = f"The file is not well-formed XML: {words} in line {line}, column {column}{_inside(row)}."
    return fatal("xml-syntax", "FF02", message, remedy)


def _inside(row: int | None) -> str:
    return "" if row is None else f", inside payment {row}"


def doctype() -> Fault:
    """A document type declaration."""
    message = (
        "The file holds a document type declaration (<!DOCTYPE …>). ISO 20022 messages have none; it is never read."
    )
    return fatal("xml-dtd", "FF02", message, "Leave the declaration out and send the file again.")


def limit(what: str) -> Fault:
    """A bound of `canonical.limits` is passed."""
    return fatal("xml-limit", "FF02", f"The file is refused: {what}.", "Send a file within these bounds.")


def encoding(detail: str) -> Fault:
    """The declared encoding is unknown or is not the one of the bytes."""
    message = f"The bytes are not in the encoding that the XML declaration names, or it is not known here: {detail}."
    return fatal("xml-encoding", "RR10", message, 'Write the file in UTF-8 and declare encoding="UTF-8".')


def foreign_bytes(line: int, column: int, row: int | None) -> Fault:
    """Bytes of another encoding, as where a program declares one and writes another."""
    message = f"The file holds bytes that are not in the encoding it declares (UTF-8 where it names none), in line {line}, column {column}{_inside(row)}."
    remedy = (
        'Save it as UTF-8, or declare what your program writes, such as <?xml version="1.0" encoding="windows-1252"?>.'
    )
    return fatal("xml-encoding", "RR10", message, remedy)


def not_the_message(what: str, name: str, remedy: str | None = None) -> Fault:
    """No Document of the message `name`, or not one only."""
    namespace = f"Send a Document in a namespace such as urn:iso:std:iso:20022:tech:xsd:{name}.001.09."
    return fatal("iso-message", "FF01", what, remedy or namespace)


def other_header(named: str, version: str) -> Fault:
    """AppHdr that names another message than the Document is."""
    message = f"The header (AppHdr/MsgDefIdr) says {named}, and the Document is a {version}; it is read as what it is."
    remedy = "Have your program name in the header the version that it writes: a bank may refuse the message."
    return Fault(
        "iso-header", "FF01", message, remedy, severity=Severity.WARNING, field="AppHdr/MsgDefIdr", value=named
    )


def no_header() -> Fault:
    """GrpHdr missing, or behind the first PmtInf."""
    message = "The message has no GrpHdr before its first PmtInf."
    return Fault("iso-no-header", "CH21", message, "Put the group header (MsgId, CreDtTm, NbOfTxs, InitgPty) first.")


def no_batches() -> Fault:
    """A message without PmtInf."""
    message = "The message holds no PmtInf, so there is nothing to pay."
    return Fault("iso-no-payments", "CH21", message, "Send the file with its payments.")


def misplaced(element: str) -> Fault:
    """A payment's element where none may stand: it could become no payment."""
    message = f"A {element} stands where the message has none (it belongs directly into PmtInf); it is not read."
    return Fault(MISPLACED, "FF01", message, "Put the payment directly into its PmtInf and send the file again.")


def no_schema(version: str) -> Fault:
    """The client's profile asks for conformance with a schema that is not at hand."""
    message = f"The file was not compared with its schema: there is none for {version or 'its version'} here."
    remedy = "Nothing to do for the client; the operator may add the schema to the folder of schemas."
    return Fault("xsd", "FF01", message, remedy, severity=Severity.WARNING).at(1, 0)


def too_many_faults(most: int, severity: Severity) -> Fault:
    """More faults against the schema than are told."""
    message = (
        f"The file has more than {most} faults against its schema; those beyond are not told, and none of it is taken."
    )
    return Fault("xsd", "FF01", message, "Correct the program that writes the file.", severity=severity)


def empty_batch(element: str) -> Fault:
    """A PmtInf without a payment."""
    fault = _structure("iso-empty-batch", "CH21", f"This PmtInf holds no payment ({element}).", element)
    return replace(fault, remedy="Leave it out, or send it with its payments.")


def other_method(method: str, known: Sequence[str]) -> Fault:
    """A PmtInf whose money is to move in another way, by cheque for one."""
    what = "a cheque" if method == "CHK" else f"the method {method[:35]}"
    message = f"PmtMtd asks for {what}; nothing but {' or '.join(known)} is carried out here."
    remedy = f"Write {known[0]}, or order it at your bank."
    return Fault("iso-method", "FF03", message, remedy, level=Level.BATCH, field="PmtMtd", value=method[:35])


def no_flag(key: str, text: str) -> Fault:
    """A yes or no of a PmtInf that is neither."""
    message = f"{key} says “{text[:20]}”, neither true nor false; it is read as if it did not stand there."
    remedy = "Write true or false, in small letters, or leave it out."
    return Fault("iso-flag", "CH16", message, remedy, Severity.WARNING, Level.BATCH, field=key, value=text[:20])


def late(key: str) -> Fault:
    """An element of PmtInf behind its payments."""
    return _structure(
        "iso-order", "CH16", f"{key} stands after the first payment of its PmtInf; it is not read there.", key
    )


def repeated(key: str) -> Fault:
    """An element that may stand once."""
    return _structure("iso-repeated", "CH16", f"{key} stands more than once; only the first one is read.", key)


def absent(key: str) -> Fault:
    """An element that every version of the message demands, and without which answers can say less."""
    fault = _structure("iso-absent", "CH21", f"{key} is missing; the message's schema demands it.", key)
    remedy = "Have your program write it: answers and totals refer to it."
    return replace(fault, severity=Severity.WARNING, remedy=remedy)


def _structure(rule: str, reason: str, message: str, key: str) -> Fault:
    remedy = "Follow the order and number of elements of the message's schema, and send the file again."
    return Fault(rule, reason, message, remedy, level=Level.BATCH, field=key)
