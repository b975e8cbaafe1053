"""What libxml2 says of a piece of a message, as faults with row, line, element and plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import polars as pl
from lxml import etree

from canonical.codes import Level, Severity
from canonical.limits import MESSAGE_CHARS_MAX
from canonical.masking import mask
from parsers._iso_faults import Fault
from parsers._iso_paths import Message

_VALUE_CHARS_MAX: Final = 60
_SENSITIVE = re.compile(r"(^|/)(Nm|IBAN|BBAN)$|Acct/Id/.*Id$|/AdrLine$")
_NAMESPACE = re.compile(r"\{(?!\d+(?:,\d*)?\})[^}' ]*\}")
"""Before a name; the numbers in braces of a pattern (`[A-Z]{2,2}`) stay."""
_LIST: Final = 8

# libxml2's words → reason, and ours. Values never stand in a message: the finding shows them, masked.
_WORDS: Final = tuple(
    (re.compile(pattern), reason, words)
    for pattern, reason, words in (
        (r"This element is not expected\. Expected is (?:one of )?\( (?P<names>.*?) \)", "FF01",
         "{element} may not stand here; expected is {names}."),
        (r"This element is not expected", "FF01", "{element} may not stand here."),
        (r"Missing child element\(s\)\. Expected is (?:one of )?\( (?P<names>.*?) \)", "CH21",
         "{element} is not complete; what is missing is {names}."),
        (r"Missing child element\(s\)", "CH21", "{element} is not complete."),
        (r"length of '(?P<a>\d+)'; this exceeds the allowed maximum length of '(?P<b>\d+)'", "CH16",
         "{element} has {a} characters; at most {b} are allowed."),
        (r"length of '(?P<a>\d+)'; this underruns the allowed minimum length of '(?P<b>\d+)'", "CH16",
         "{element} has {a} characters; at least {b} are needed."),
        (r"is not an element of the set \{(?P<names>.*)\}", "CH16", "{element} holds none of the allowed values: {names}."),
        (r"is not accepted by the pattern '(?P<a>.*)'", "CH16", "{element} is not of the required form {a}."),
        (r"more fractional digits than are allowed \('(?P<a>\d+)'\)", "CH16", "{element} has more than {a} decimals."),
        (r"more digits than are allowed \('(?P<a>\d+)'\)", "CH16", "{element} has more than {a} digits."),
        (r"(?:less than the minimum|greater than the maximum)", "CH16", "{element} is out of its allowed range."),
        (r"not a valid value of the (?:atomic|union|local|list)", "CH16", "{element} holds a value that is not of its type."),
        (r"The attribute '(?P<a>\w+)' is required but missing", "CH21", "{element} lacks its attribute {a}."),
        (r"The attribute '(?P<a>[^']+)' is not allowed", "FF01", "{element} may not have the attribute {a}."),
        (r"Character content", "FF01", "{element} may not hold text beside its elements."),
        (r"No matching global declaration", "FF01", "{element} is not the element that the schema begins with."),
    )
)  # fmt: skip
_REMEDIES: Final = {
    "CH21": "Add what is missing and send the file again.",
    "CH16": "Correct the value and send the file again.",
    "FF01": "Follow the order, names and number of elements of the message's schema, and send the file again.",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of the file with the payments `rows` in them, and what makes a document of them.

    `before`: the payment that stands last in `opening`, None for the file's first piece.
    """

    opening: bytes
    data: bytes
    closing: bytes
    rows: pl.DataFrame
    before: dict[str, Any] | None


def faults_of(piece: Piece, schema: etree.XMLSchema, message: Message, severity: Severity) -> list[Fault]:
    """Faults in this piece, in their order; what stands in its opening was told before."""
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    root = etree.fromstring(piece.opening + piece.data + piece.closing, parser)
    schema.validate(root)
    reading = _Reading(piece, root, message, severity)
    log = cast("Any", schema.error_log)  # the stubs do not know that it can be looped over
    return [fault for entry in log if (fault := reading.fault(entry)) is not None]


def unplaced(piece: Piece, severity: Severity) -> Fault:
    """A fault that libxml2 met in the stream and not in the tree: never passed over."""
    words = "Something here does not follow the message's schema."
    row = piece.rows.row(0, named=True)
    return Fault("xsd", "FF01", words, _REMEDIES["FF01"], severity=severity, line=row["line"], offset=row["offset"])


class _Reading:
    """Places in the tree as places in the file."""

    def __init__(self, piece: Piece, root: etree._Element, message: Message, severity: Severity) -> None:
        self._piece, self._root, self._message, self._severity = piece, root, message, severity
        self._told = 0 if piece.before is None else 1
        # The lists keep lxml's proxies alive, so that an element met again is the same object.
        self._payments = list(root.iter(f"{{*}}{message.payment}"))
        self._batches = list(root.iter("{*}PmtInf"))
        self._lines_before: int = piece.rows.item(0, "line") - _line_of(self._payments[self._told])

    def fault(self, entry: Any) -> Fault | None:
        """One entry of libxml2's log; None for what stands in the opening."""
        element = self._element(entry.path)
        steps = [element, *element.iterancestors()]
        names = [etree.QName(step).localname for step in steps]
        reason, words = _plain(entry.message, names[0])
        fault = Fault(
            "xsd", reason, words[:MESSAGE_CHARS_MAX], _REMEDIES[reason], severity=self._severity,
            line=_line_of(element) + self._lines_before, value=_shown(element, "/".join(reversed(names))),
        )  # fmt: skip
        if self._message.payment in names:
            return self._in_payment(fault, steps, names)
        return self._around(fault, steps, names, reason)

    def _element(self, path: str | None) -> etree._Element:
        if not path:
            return self._root
        bound = {}
        if ":" in path:
            bound = {key: uri for step in self._root.iter("*") for key, uri in step.nsmap.items() if key}
        found: list[Any] = cast("list[Any]", self._root.xpath(path, namespaces=bound or None))
        return found[0] if found else self._root

    def _in_payment(self, fault: Fault, steps: list[etree._Element], names: list[str]) -> Fault | None:
        depth = names.index(self._message.payment)
        ordinal = self._payments.index(steps[depth]) - self._told
        if not 0 <= ordinal < self._piece.rows.height:
            return None
        row = self._piece.rows.row(ordinal, named=True)
        path = "/".join(reversed(names[:depth])) or self._message.payment
        place = {name: row[name] for name in ("row", "batch", "batch_id", "end_to_end_id", "offset")}
        return replace(fault, level=Level.PAYMENT, field=path, **place)

    def _around(self, fault: Fault, steps: list[etree._Element], names: list[str], reason: str) -> Fault | None:
        if self._before_the_piece(steps, names, reason):
            return None
        fault = replace(fault, offset=self._piece.rows.item(0, "offset"))
        if "PmtInf" not in names:
            return replace(fault, field="/".join(reversed(names[:-2])) or names[0])
        depth = names.index("PmtInf")
        batch = self._batches.index(steps[depth])
        if depth == 0 and batch == 0 and self._piece.before is not None:
            # What stands between its payments is told where it is, not where the batch began.
            fault = replace(fault, line=self._piece.rows.item(0, "line"))
        number = batch + (self._piece.before["batch"] if self._piece.before else 1)
        batch_id = steps[depth].findtext("{*}PmtInfId")
        path = "/".join(reversed(names[: depth + 1]))
        return replace(fault, level=Level.BATCH, batch=number, batch_id=batch_id, field=path)

    def _before_the_piece(self, steps: list[etree._Element], names: list[str], reason: str) -> bool:
        """True for what stands in an opening that other pieces have as well, so that it is told once."""
        if self._piece.before is None:
            return False
        if "PmtInf" not in names:
            # A child of the message behind its batches belongs to the last piece.
            message = self._batches[0].getparent()
            children = list(message) if message is not None else []
            return not any(
                step in children and children.index(step) > children.index(self._batches[0]) for step in steps
            )
        depth = names.index("PmtInf")
        if steps[depth] is not self._batches[0]:
            return False
        children = list(steps[depth])
        if depth == 0:
            return reason != "CH21"
        return children.index(steps[depth - 1]) < children.index(self._payments[0])


def _line_of(element: etree._Element) -> int:
    return int(cast("Any", element).sourceline or 1)  # the stubs know no type for it


def _plain(said: str, element: str) -> tuple[str, str]:
    said = _NAMESPACE.sub("", said)
    for pattern, reason, words in _WORDS:
        if found := pattern.search(said):
            parts = found.groupdict()
            if "names" in parts:
                names = [name.strip(" '") for name in parts["names"].split(",")]
                more = f" and {len(names) - _LIST} others" if len(names) > _LIST else ""
                parts["names"] = ", ".join(names[:_LIST]) + more
            return reason, words.format(element=element, **parts)
    return "FF01", f"{element} does not follow the message's schema."


def _shown(element: etree._Element, path: str) -> str | None:
    text = (element.text or "").strip()
    if not text or len(element):
        return None
    return mask(text) if _SENSITIVE.search(path) else text[:_VALUE_CHARS_MAX]
