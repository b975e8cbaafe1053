"""The fast reader: windows cut behind payments, read in two threads; whatever is in doubt goes to the exact reader.

Bytes between payments (headers, batch headers, the end of the file) are fed to the same `Reader` that the exact path uses,
so only the text inside payments comes by another way, and `_iso_scan` counts tags against rows. On doubt the exact reader
starts from the file's first byte and tells only what stands behind the windows already yielded.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl

from canonical.contracts import Source, Window
from canonical.limits import XML_DEPTH_MAX, XML_TEXT_BYTES_MAX
from parsers._iso_faults import Doubt, Unreadable
from parsers._iso_frames import RAW_SCHEMA
from parsers._iso_reader import Reader
from parsers._iso_scan import Scan, only_line_feeds, scan
from parsers._iso_windows import HEAD_BYTES, exact_windows, new_reader, take_window
from parsers._xml_bytes import declared_encoding

_THREADS = 2
_AHEAD = 3
_FIRST_TAG = re.compile(rb"<([A-Za-z_][A-Za-z0-9_-]*:)?CdtTrfTxInf>")


def windows(source: Source, window_bytes: int) -> Iterator[Window]:
    """Every window of the file, the fast way as far as it holds."""
    told = 0
    try:
        for end, window in fast_windows(source, window_bytes):
            yield window
            told = end
    except (Doubt, Unreadable):
        yield from exact_windows(source, window_bytes, told)


def fast_windows(source: Source, window_bytes: int) -> Iterator[tuple[int, Window]]:
    """End offset and window, in file order.

    Raises:
        Doubt, Unreadable: the rest needs the exact reader.
    """
    prefix = _prefix(source)
    reader = new_reader(source, bodies=False)
    end, lines = 0, 0
    for found in _scans(source, prefix, window_bytes):
        raw, position = _place(source, reader, found.scan, end, lines)
        lines += found.scan.lines
        if found.last:
            _finish(source, reader, position)
            position = len(source.data)
        yield position, take_window(source, reader, raw, first=end == 0)
        end = position
    if end == 0:
        raise Doubt("no payment found")


@dataclass(frozen=True, slots=True)
class _Found:
    scan: Scan
    last: bool


def _scans(source: Source, prefix: str, window_bytes: int) -> Iterator[_Found]:
    """The scans of all windows, in order, made in threads a few windows ahead."""
    cuts = _cuts(source, prefix, window_bytes)
    pending: deque[Future[Scan]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            while True:
                while len(pending) < _AHEAD and (cut := next(cuts, None)):
                    pending.append(pool.submit(_scan_slice, source, *cut, prefix))
                if not pending:
                    return
                found = pending.popleft().result()
                yield _Found(found, last=not pending)
        finally:
            for future in pending:
                future.cancel()


def _prefix(source: Source) -> str:
    """The namespace prefix of the payments' tags, with its colon.

    Raises:
        Doubt: no UTF-8, or no payment tag in its plain form at the start of the file.
    """
    head = source.data[:HEAD_BYTES]
    if declared_encoding(head) not in {None, "utf-8"} or b"\0" in head:
        raise Doubt("not UTF-8")
    found = _FIRST_TAG.search(source.data[:XML_TEXT_BYTES_MAX])
    if found is None or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Doubt("no payment at the start of the file")
    return (found.group(1) or b"").decode("ascii")


def _cuts(source: Source, prefix: str, window_bytes: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Start and end of each window; each ends behind a payment. What follows the last one is the tail."""
    closing, size = f"</{prefix}CdtTrfTxInf>".encode(), len(source.data)
    while start < size:
        last = source.data.rfind(closing, start, min(start + window_bytes, size))
        if last < 0:
            if start + window_bytes < size and source.data.find(closing, start) >= 0:
                raise Doubt("a window without a payment's end")
            return
        yield start, last + len(closing)
        start = last + len(closing)


def _scan_slice(source: Source, start: int, end: int, prefix: str) -> Scan:
    return scan(source.data[start:end], prefix)


def _feed(reader: Reader, data: bytes, *, final: bool = False) -> None:
    """Feed what stands between payments; every `<!` and `<?` in it must be markup that expat saw whole."""
    before = reader.markup
    reader.feed(data, final=final)
    if data.count(b"<!") + data.count(b"<?") != reader.markup - before or not only_line_feeds(data):
        raise Doubt("CDATA, markup across a cut, or carriage returns")


def _finish(source: Source, reader: Reader, position: int) -> None:
    if len(source.data) - position > XML_TEXT_BYTES_MAX:
        raise Doubt("much behind the last payment")
    _feed(reader, source.data[position:], final=True)


def _place(source: Source, reader: Reader, found: Scan, start: int, lines: int) -> tuple[pl.DataFrame, int]:
    """Feed the reader around the runs, and give the payments their row, line, offset and batch in the file."""
    position, row, batches = start, reader.rows, []
    for run in found.runs:
        _feed(reader, source.data[position : start + run.start])
        if reader.depth + found.depth > XML_DEPTH_MAX:
            raise Doubt("nested deeply")
        reader.skip(run.end - run.start, run.lines, run.payments)
        batches.append(reader.batch)
        position = start + run.end
    raw = found.raw.with_columns(
        pl.int_range(row + 1, reader.rows + 1, dtype=pl.Int64, eager=True).alias("row"),
        pl.col("line") + lines + 1,
        pl.col("offset") + start,
        pl.Series("batch", np.repeat(batches, [run.payments for run in found.runs]), dtype=pl.Int64),
    )
    return raw.select(RAW_SCHEMA.keys()), position
