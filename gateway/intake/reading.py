"""Choose the format of a file and read it: the part that the gateway and the client's own desk share."""

from __future__ import annotations

import codecs
import mmap
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Cancellation, FileHeader, FormatFacts, Source, Window
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, conform, empty
from canonical.limits import FILE_BYTES_MAX
from canonical.plugins import chosen, discover, find
from canonical.profiles import ClientProfile

HEAD_BYTES: Final = 65536
"""How much of a file's beginning tells its format: a long comment or a business header may stand before the message."""
PADDED_BYTES: Final = 2**20
"""As far is looked where the beginning holds nothing but blanks and comments."""
PLAIN_TEXT: Final = "Save it as plain text (ASCII), without a byte order mark, and send it again."
TAIL_BYTES: Final = 4096
"""How much of a file's end tells whether it is closed."""
_PADDING: Final = re.compile(rb"(?:[ \t\r\n]\0?){32,}|(?:\0[ \t\r\n]){32,}|<\0?!\0?-\0?-.*?-\0?-\0?>", re.DOTALL)
_ROOT: Final = re.compile(rb"<(?![?!])[^>]*>")
_ROOT_CHARS_MAX: Final = 200
_FIN_MESSAGE: Final = re.compile(rb"\{2:[IO]([0-9]{3})")
_LEAD_LINES_MAX: Final = 3
_MARKS: Final = {
    codecs.BOM_UTF8: "begins with a byte order mark (UTF-8)", codecs.BOM_UTF16_LE: "is written as UTF-16", codecs.BOM_UTF16_BE: "is written as UTF-16",
}  # fmt: skip


def agreed_formats(client: ClientProfile) -> dict[str, Any]:
    """Payment formats the client agreed on; all of them where the profile says "*"."""
    return _agreed(client, "payment")


def _agreed(client: ClientProfile, kind: str) -> dict[str, Any]:
    formats = chosen("parsers", "FORMAT", client.formats)
    return {name: item for name, item in formats.items() if item.kind == kind}


def _all_agreed(client: ClientProfile) -> dict[str, Any]:
    """Formats of whatever the client may send: requests to cancel, then payments."""
    return {**_agreed(client, "cancellation"), **agreed_formats(client)}


def asks_to_cancel(name: str) -> bool:
    """True for the name of a format of cancellation requests."""
    found = find("parsers", "FORMAT", name)
    return found is not None and found.kind == "cancellation"


def facts_of(name: str | None, client: ClientProfile) -> FormatFacts:
    """Facts of a payment format as agreed with the client, the most general ones for what could not be read."""
    found = find("parsers", "FORMAT", name)
    if found is None or found.kind != "payment":
        return FormatFacts()
    facts: FormatFacts = found.facts
    if facts.agreed is None:
        return facts
    return facts.agreed(facts, found.options.model_validate(client.format_options.get(found.name, {})))


def closes_itself(client: ClientProfile, data: bytes | mmap.mmap) -> bool:
    """True when the bytes end as their format ends, or when they are of no format the client agreed on."""
    found = _sniffed(_all_agreed(client), data)
    if found is None:
        return True
    tail = bytes(data[-TAIL_BYTES:])
    agreed_end = found.facts.agreed_end if found.kind == "payment" else None
    if agreed_end is None:
        return bool(found.complete(tail))
    return bool(agreed_end(tail, found.options.model_validate(client.format_options.get(found.name, {}))))


def incomplete() -> pl.DataFrame:
    """The finding on a file that nothing closes: parts of it may be missing, so none of it is paid."""
    message = "The file does not end as a complete file does, and nothing more came in the agreed time."
    remedy = "Send it again whole: rename it into place, or close it with its totals or its last record."
    return file_finding("file-complete", "TD03", message, remedy)


def read(source: Source, client: ClientProfile) -> Iterator[Window]:
    """The windows of a file, whatever it is: what cannot be read comes as one window with a FATAL finding."""
    head = bytes(source.data[:HEAD_BYTES])
    found = _sniffed(agreed_formats(client), source.data)
    if not head:
        yield _unreadable("TD03", "The file is empty.", "Send the file again; check that the export finished.")
    elif len(source.data) > FILE_BYTES_MAX:
        limit = f"{FILE_BYTES_MAX // 2**30} GiB"
        yield _unreadable("FF01", f"The file is larger than {limit}.", "Split it into several files.")
    elif found is None:
        yield _unknown_format(client, head)
    else:
        options = found.options.model_validate(client.format_options.get(found.name, {}))
        yield from found.windows(source, options)


def read_cancellation(source: Source, client: ClientProfile) -> Cancellation | None:
    """The requests of a file that asks for cancellations in a format the client agreed on, None for any other file."""
    if not source.data:
        return None
    # Payment formats as well: a file that is one of them need not be searched for padding before it is told to be no request.
    found = _sniffed(_all_agreed(client), source.data)
    return found.read(source) if found is not None and found.kind == "cancellation" else None


def _sniffed(formats: dict[str, Any], data: bytes | mmap.mmap) -> Any:
    """The format that the beginning looks like: of its bytes as they are, else without the padding in front."""
    head = bytes(data[:HEAD_BYTES])
    found = _sniff(formats, head)
    if found is None and len(data) > HEAD_BYTES:
        found = _sniff(formats, _without_padding(bytes(data[:PADDED_BYTES]))[:HEAD_BYTES])
    return found


def _sniff(formats: Mapping[str, Any], head: bytes) -> Any:
    return next((item for item in formats.values() if item.sniff(head)), None)


def _without_padding(data: bytes) -> bytes:
    """Without comments and runs of blanks, in any encoding that holds ASCII."""
    return _PADDING.sub(b" ", data)


def _unknown_format(client: ClientProfile, head: bytes) -> Window:
    agreed = ", ".join(agreed_formats(client))
    other = _sniff(discover("parsers", "FORMAT"), head)
    marked = None if other else marked_as(agreed_formats(client), head)
    if marked is not None:
        return _unreadable("FF02", marked, PLAIN_TEXT)
    if other is None and (named := fin_message(head)):
        message = f"The file holds a SWIFT message {named}, which is not read here."
    elif other is None:
        led = led_in_by(agreed_formats(client), head)
        if led is not None:
            return _unreadable("FF01", *led)
        message = f"The file is in no format that is known here{begins_with(head)}."
    elif other.name == "http-json":  # any JSON looks like it
        message = "The file is JSON, which none of the payment formats is."
    elif other.kind == "feedback":
        message = f"The file is a bank's message ({other.name}), not a payment file."
    else:
        message = f"The file looks like {other.name}, which was not agreed."
    return _unreadable("FF01", message, f"Send one of the agreed formats: {agreed}.")


def fin_message(head: bytes) -> str | None:
    """The message type that block 2 of a SWIFT message names, as MT103."""
    found = _FIN_MESSAGE.search(head)
    return f"MT{found.group(1).decode()}" if found else None


def begins_with(head: bytes) -> str:
    """How XML of no known format begins, as the end of a sentence; nothing of any other file."""
    root = _root(head)
    if root is None:
        return ""
    nameless = root.startswith("<Document") and "xmlns" not in root
    return f": it begins with {root}" + (", without a namespace (xmlns=…) that names the message" if nameless else "")


def led_in_by(formats: Mapping[str, Any], head: bytes) -> tuple[str, str] | None:
    """What to say of a file that is of one of these formats but for its first lines, as a job card of a mainframe.

    Tables and XML may have lines in front that mean something, and are told otherwise.
    """
    lines = head.split(b"\n", _LEAD_LINES_MAX + 1)
    for skipped in range(1, min(len(lines), _LEAD_LINES_MAX + 1)):
        found = _sniff(formats, b"\n".join(lines[skipped:]))
        if found is not None and found.kind == "payment" and found.facts.fixed_width:
            told = (
                f"The file looks like {found.name} from line {skipped + 1} on; what stands before it is no part of one."
            )
            return told, f"Leave out what stands before line {skipped + 1}, and send the file again."
    return None


def _root(head: bytes) -> str | None:
    """The first tag of what begins as XML does; its namespace tells the message."""
    plain = head.replace(b"\0", b"").lstrip(b"\xff\xfe\xef\xbb\xbf \t\r\n")
    found = _ROOT.search(plain) if plain.startswith(b"<") else None
    return found.group()[:_ROOT_CHARS_MAX].decode("ascii", "replace") if found else None


def marked_as(formats: Mapping[str, Any], head: bytes) -> str | None:
    """What keeps a file from being of one of these formats, where that is its byte order mark or UTF-16 alone."""
    mark = next((mark for mark in _MARKS if head.startswith(mark)), None)
    found = None if mark is None else _sniff(formats, head.removeprefix(mark).replace(b"\0", b""))
    if mark is None or found is None:
        return None
    return f"The file looks like {found.name}, but {_MARKS[mark]}; such files are plain ASCII."


def file_finding(
    rule: str, reason: str, message: str, remedy: str, severity: Severity = Severity.FATAL
) -> pl.DataFrame:
    """A FINDINGS frame of one row at file level."""
    row = {
        "rule": rule, "reason": reason, "severity": severity.value, "level": Level.FILE.value, "line": 1,
        "message": message, "remedy": remedy,
    }  # fmt: skip
    return conform(pl.DataFrame([row]), FINDINGS)


def _unreadable(reason: str, message: str, remedy: str) -> Window:
    return unopened("file-format", reason, message, remedy)


def unopened(rule: str, reason: str, message: str, remedy: str) -> Window:
    """The one window of a file whose payments nobody can read."""
    findings = file_finding(rule, reason, message, remedy)
    return Window(FileHeader("unknown", "unknown"), empty(PAYMENTS), empty(TOTALS), findings)
