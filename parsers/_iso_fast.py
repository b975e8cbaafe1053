"""The fast reader: slices cut behind payments, scanned in two threads, made windows in a third; doubt goes to the exact reader.

Bytes between payments (headers, batch headers, the end of the file) are fed to the same `Reader` that the exact path uses,
so only the text inside payments comes by another way, and `_iso_scan` counts tags against rows. On doubt the exact reader
starts from the file's first byte and tells only what stands behind the windows already yielded.
"""

from __future__ import annotations

import codecs
import ctypes
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from canonical.contracts import Source, Window
from canonical.limits import XML_DEPTH_MAX, XML_TEXT_BYTES_MAX
from parsers._iso_faults import Doubt, Unreadable
from parsers._iso_frames import PLACES
from parsers._iso_paths import PREDEFINED, Message
from parsers._iso_reader import Reader
from parsers._iso_scan import Scan, only_line_feeds, scan
from parsers._iso_shapes import Shapes
from parsers._iso_tags import Flags, Ints
from parsers._iso_windows import HEAD_BYTES, Taken, exact_windows, new_reader, take
from parsers._iso_xsd_types import PaymentSchema
from parsers._xml_bytes import declared_encoding
from parsers._xml_feed import Feeder

_SCANNERS: Final = 2
_AHEAD: Final = 6
_MADE_AHEAD: Final = 1
_SLICE_BYTES: Final = 4 * 2**20
_SETTLING_BYTES: Final = 30 * 2**20


@dataclass(frozen=True, slots=True)
class Read:
    """A window and the offset behind it. `sure`: of which of its payments the schema surely holds, as in `Scan`."""

    end: int
    window: Window
    sure: Flags


def windows(source: Source, message: Message, window_bytes: int) -> Iterator[Window]:
    """Every window of the file, the fast way as far as it holds."""
    return (read.window for read in reads(source, message, window_bytes))


def reads(source: Source, message: Message, window_bytes: int, schema: PaymentSchema | None = None) -> Iterator[Read]:
    """The same, held to a schema as far as that is as fast."""
    told = 0
    try:
        for read in fast_reads(source, message, window_bytes, schema):
            yield read
            told = read.end
    except (Doubt, Unreadable):
        for window in exact_windows(source, message, window_bytes, told):
            yield Read(0, window, np.zeros(window.payments.height, np.bool_))


def fast_reads(
    source: Source, message: Message, window_bytes: int, schema: PaymentSchema | None = None
) -> Iterator[Read]:
    """In file order.

    Raises:
        Doubt, Unreadable: the rest needs the exact reader.
    """
    shapes = Shapes(message, prefix_of(source, message), schema=schema)
    settle_allocator(len(source.data))
    made: deque[Future[Read]] = deque()
    with ThreadPoolExecutor(_SCANNERS) as scanners, ThreadPoolExecutor(1) as maker:
        scans = _scans(source, shapes, min(window_bytes, _SLICE_BYTES), scanners)
        try:
            for end, taken, gathered in _taken(source, message, window_bytes, scans):
                made.append(maker.submit(_read, end, taken, gathered))
                while len(made) > _MADE_AHEAD:
                    yield made.popleft().result()
            while made:
                yield made.popleft().result()
        finally:
            scanners.shutdown(wait=False, cancel_futures=True)
            maker.shutdown(wait=False, cancel_futures=True)
            give_back(len(source.data))


def _read(end: int, taken: Taken, gathered: _Gathered) -> Read:
    return Read(end, taken.window(gathered.frame()), gathered.sure())


def _taken(
    source: Source, message: Message, window_bytes: int, scans: Iterator[_Found]
) -> Iterator[tuple[int, Taken, _Gathered]]:
    """End offset, what stands around the payments, and the payments of each window."""
    reader = new_reader(source, message, bodies=False)
    told, end, lines = 0, 0, 0
    gathered = _Gathered()
    for found in scans:
        places, end = _place(source, reader, found.scan, end, lines)
        gathered.add(places, found.scan)
        lines += found.scan.lines
        if found.last:
            _finish(source, reader, end)
            end = len(source.data)
        if found.last or end - told >= window_bytes:
            yield end, take(source, reader, first=told == 0), gathered
            told, gathered = end, _Gathered()
    if end == 0:
        raise Doubt("no payment found")


class _Gathered:
    """Slices that will be one window."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []
        self._rows = 0
        self._escaped: dict[str, list[Ints]] = {}
        self._sure: list[Flags] = []

    def add(self, places: pl.DataFrame, scan: Scan) -> None:
        """The next slice."""
        self._parts.append(places.hstack(scan.texts))
        self._sure.append(scan.sure)
        for name, rows in scan.escaped.items():
            self._escaped.setdefault(name, []).append(rows + self._rows)
        self._rows += places.height

    def sure(self) -> Flags:
        """As in `Scan`, of them all."""
        return np.concatenate(self._sure)

    def frame(self) -> pl.DataFrame:
        """Raw frame of them all, with characters for the references that XML predefines."""
        raw = pl.concat(self._parts, how="diagonal")
        for name, parts in self._escaped.items():
            rows, text = pl.Series(np.concatenate(parts)), raw.get_column(name)
            raw = raw.with_columns(text.scatter(rows, text.gather(rows).str.replace_many(PREDEFINED)))
        return raw


def settle_allocator(size: int) -> None:
    """Keep the allocator from mapping each slice anew."""
    # glibc maps a block of some megabytes anew each time, and the system clears its every page: a quarter of all the time
    # spent on a slice. Once a larger block was freed (its mmap_threshold follows, up to 32 MiB) it keeps what it has.
    if size > _SLICE_BYTES:
        np.empty(_SETTLING_BYTES, np.uint8)


def give_back(size: int) -> None:
    """Return what the slices took."""
    # What was kept is for the next stage: glibc returns it to the system when asked to, other libraries have no such call.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None and size > _SLICE_BYTES:
        trim(0)


@dataclass(frozen=True, slots=True)
class _Found:
    scan: Scan
    last: bool


def _scans(source: Source, shapes: Shapes, slice_bytes: int, pool: ThreadPoolExecutor) -> Iterator[_Found]:
    """The scans of all slices, in order, made in threads a few slices ahead."""
    slices = cuts(source, shapes, slice_bytes)
    pending: deque[Future[Scan]] = deque()
    while True:
        while len(pending) < _AHEAD and (cut := next(slices, None)):
            pending.append(pool.submit(_scan_slice, source, *cut, shapes))
        if not pending:
            return
        found = pending.popleft().result()
        yield _Found(found, last=not pending)


def prefix_of(source: Source, message: Message) -> str:
    """The namespace prefix of the payments' tags, with its colon.

    Raises:
        Doubt: no UTF-8, or no payment tag in its plain form at the start of the file.
    """
    head = source.data[:HEAD_BYTES]
    if declared_encoding(head) not in {None, "utf-8"} or b"\0" in head:
        raise Doubt("not UTF-8")
    first_tag = re.compile(rb"<([A-Za-z_][A-Za-z0-9_-]*:)?" + message.payment.encode() + b">")
    found = first_tag.search(source.data[:XML_TEXT_BYTES_MAX])
    if found is None or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Doubt("no payment at the start of the file")
    return (found.group(1) or b"").decode("ascii")


def cuts(source: Source, shapes: Shapes, slice_bytes: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Start and end of each slice; each ends behind a payment. What follows the last one is the tail."""
    closing, size = f"</{shapes.prefix}{shapes.message.payment}>".encode(), len(source.data)
    while start < size:
        last = source.data.rfind(closing, start, min(start + slice_bytes, size))
        if last < 0:
            if start + slice_bytes < size and source.data.find(closing, start) >= 0:
                raise Doubt("a slice without a payment's end")
            return
        yield start, last + len(closing)
        start = last + len(closing)


def _scan_slice(source: Source, start: int, end: int, shapes: Shapes) -> Scan:
    return scan(source.data[start:end], shapes)


def feed_between(reader: Feeder, data: bytes, *, final: bool = False) -> None:
    """Feed what stands between payments; every `<!` and `<?` in it must be markup that expat saw whole."""
    before = reader.markup
    reader.feed(data, final=final)
    if data.count(b"<!") + data.count(b"<?") != reader.markup - before or not only_line_feeds(data):
        raise Doubt("CDATA, markup across a cut, or carriage returns")


def _finish(source: Source, reader: Reader, position: int) -> None:
    if len(source.data) - position > XML_TEXT_BYTES_MAX:
        raise Doubt("much behind the last payment")
    feed_between(reader, source.data[position:], final=True)


def _place(source: Source, reader: Reader, found: Scan, start: int, lines: int) -> tuple[pl.DataFrame, int]:
    """Feed the reader around the runs; the payments' places in the file, and the offset behind the last one."""
    position, row, batches = start, reader.rows, []
    for run in found.runs:
        feed_between(reader, source.data[position : start + run.start])
        if reader.depth + found.depth > XML_DEPTH_MAX:
            raise Doubt("nested deeply")
        reader.skip(start + run.start, run.end - run.start, run.lines, run.payments)
        batches.append(reader.batch)
        position = start + run.end
    places = {
        "row": np.arange(row + 1, reader.rows + 1),
        "line": found.lines_before + (lines + 1),
        "offset": found.starts + start,
        "length": found.ends - found.starts,
        "batch": np.repeat(np.array(batches, np.int64), [run.payments for run in found.runs]),
    }
    return pl.DataFrame({name: places[name] for name in PLACES}), position
