"""Choose the format of a file and read it: the part that the gateway and the client's own desk share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import FileHeader, Source, Window
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, conform, empty
from canonical.limits import FILE_BYTES_MAX
from canonical.plugins import discover
from canonical.profiles import ClientProfile

_HEAD_BYTES = 4096
TAIL_BYTES = 4096
"""How much of a file's end tells whether it is closed."""


def payment_formats(client: ClientProfile) -> dict[str, Any]:
    """Payment formats the client agreed on; all of them where the profile says "*"."""
    known = {name: item for name, item in discover("parsers", "FORMAT").items() if item.kind == "payment"}
    return known if "*" in client.formats else {name: known[name] for name in client.formats}


def closes_itself(client: ClientProfile, head: bytes, tail: bytes) -> bool:
    """True when the bytes end as their format ends, or when they are of no format the client agreed on."""
    found = _sniff(payment_formats(client), head)
    return found is None or bool(found.complete(tail))


def incomplete() -> pl.DataFrame:
    """The finding on a file that nothing closes: parts of it may be missing, so none of it is paid."""
    message = "The file does not end as a complete file does, and nothing more came in the agreed time."
    remedy = "Send it again whole: rename it into place, or close it with its totals or its last record."
    return file_finding("file-complete", "TD03", message, remedy)


def read(source: Source, client: ClientProfile) -> Iterator[Window]:
    """The windows of a file, whatever it is: what cannot be read comes as one window with a FATAL finding."""
    head = bytes(source.data[:_HEAD_BYTES])
    found = _sniff(payment_formats(client), head)
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


def _sniff(formats: dict[str, Any], head: bytes) -> Any:
    return next((item for item in formats.values() if item.sniff(head)), None)


def _unknown_format(client: ClientProfile, head: bytes) -> Window:
    agreed = ", ".join(payment_formats(client))
    other = _sniff(discover("parsers", "FORMAT"), head)
    if other is None:
        message = "The file is in no format that is known here."
    elif other.kind == "feedback":
        message = f"The file is a bank's message ({other.name}), not a payment file."
    else:
        message = f"The file looks like {other.name}, which was not agreed."
    return _unreadable("FF01", message, f"Send one of the agreed formats: {agreed}.")


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
    findings = file_finding("file-format", reason, message, remedy)
    return Window(FileHeader("unknown", "unknown"), empty(PAYMENTS), empty(TOTALS), findings)
