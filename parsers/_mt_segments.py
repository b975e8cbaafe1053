"""Bytes of SWIFT FIN messages in, frames of fields out: one row a field of block 4, one row what stands between messages.

General for all MTs that write `:20:` and the like at the beginning of a line: a window is cut before the tag that the
caller names. Source: SWIFT, Standards MT general information: message structure, field structure, character sets.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from canonical.limits import WINDOW_BYTES
from canonical.transliteration import SEPA_BYTES
from parsers._arrow import column
from parsers._line_ends import CR, LF, line_end, with_line_feeds

ENVELOPE: Final = -1
"""Code of a segment that is no field: blocks 1, 2, 3 and 5, the end of block 4, and what stands between messages."""
LETTERS: Final = 27
_WINDOW_BYTES: Final = WINDOW_BYTES // 4
"""A field takes a hundredth of the bytes of a payment in XML: a smaller window holds memory to the same bound."""
_LF, _CR, _COLON, _DASH, _BRACE, _END_BRACE = 10, 13, ord(":"), ord("-"), ord("{"), ord("}")
_STARTS: Final = np.zeros(256, bool)
_STARTS[[_BRACE, 1, ord("$")]] = True
"""Bytes with which a line of an envelope may begin: a block, or what separates messages in a file."""
_X_SET: Final = SEPA_BYTES + b"\r\n"
_IS_ODD: Final = np.array([byte not in _X_SET for byte in range(256)])
_CLEAN: Final = bytes(byte if 0x20 <= byte < 0x7F or byte in b"\r\n\x01\x03" else ord("?") for byte in range(256))  # noqa: PLR2004
_PADDING: Final = 8


@dataclass(frozen=True, slots=True)
class Segments:
    """Segments of one window. `frame`: line, offset, length (bytes up to the next segment), code, text.

    `code` is `code_of` the tag, or ENVELOPE; `text` is the field's content, its lines divided by line feeds. `characters`:
    index of the segment, line, column and byte of the first character of each field outside SWIFT's x set.
    """

    frame: pl.DataFrame
    characters: pl.DataFrame
    last: bool


def code_of(tag: str) -> int:
    """Number of a tag: 20 → 540, 28D → 760."""
    letter = ord(tag[2]) - ord("A") + 1 if len(tag) > 2 else 0  # noqa: PLR2004  two digits, then the option
    return int(tag[:2]) * LETTERS + letter


def tag_of(code: int) -> str:
    """The tag of a number."""
    number, letter = divmod(code, LETTERS)
    return f"{number:02d}{chr(ord('A') + letter - 1) if letter else ''}"


def segments(data: bytes | mmap.mmap, tag: str, window_bytes: int | None = None) -> Iterator[Segments]:
    """Windows of segments, each but the first beginning with field `tag`. An empty file gives one empty window."""
    ends, size = line_end(data), window_bytes or _WINDOW_BYTES
    mark = (CR if ends == CR else LF) + f":{tag}:".encode()
    start, line = 0, 1
    while True:
        end = _window_end(data, start, size, mark)
        chunk = with_line_feeds(bytes(data[start:end]), ends)
        newlines = np.flatnonzero(np.frombuffer(chunk, np.uint8) == _LF)
        yield _window(chunk, newlines, (start, line), last=end >= len(data))
        if end >= len(data):
            return
        start, line = end, line + newlines.size


def _window_end(data: bytes | mmap.mmap, start: int, size: int, mark: bytes) -> int:
    if start + size >= len(data):
        return len(data)
    found = data.rfind(mark, start + 1, start + size)
    if found < 0:
        # One sequence longer than a window: as far as it goes.
        found = data.find(mark, start + size - len(mark))
    return found + 1 if found >= 0 else len(data)


def _window(chunk: bytes, newlines: np.ndarray, place: tuple[int, int], *, last: bool) -> Segments:
    offset, line = place
    array = np.frombuffer(chunk + b"\n" * _PADDING, np.uint8)
    begins = np.concatenate((np.zeros(min(1, len(chunk)), np.int64), newlines + 1))
    begins = begins[begins < len(chunk)]
    codes = _codes(array, begins)
    envelope = _STARTS[array[begins]] | _is_end(array, begins)
    envelope[:1] |= codes[:1] == ENVELOPE
    begin = (codes != ENVELOPE) | envelope
    # Several lines of an envelope are one segment.
    starts, codes = begins[begin], codes[begin]
    follows = (codes == ENVELOPE) & (np.concatenate(([0], codes[:-1])) == ENVELOPE)
    starts, codes = starts[~follows], codes[~follows]
    lines = np.searchsorted(newlines, starts) + line
    odd = np.flatnonzero(_IS_ODD[array[: len(chunk)]]) if chunk.translate(None, _X_SET) else np.empty(0, np.int64)
    text = chunk.translate(_CLEAN) if odd.size else chunk
    bounds = pa.py_buffer(np.append(starts, len(chunk)).astype(np.int64))
    strings = pa.LargeStringArray.from_buffers(len(starts), bounds, pa.py_buffer(text))
    head = np.where(codes == ENVELOPE, 0, np.where(codes % LETTERS == 0, 4, 5))
    content = pl.col("text").str.slice(pl.col("head")).str.strip_chars_end("\r\n")
    if b"\r" in chunk:
        # An envelope keeps its bytes: where a message begins in it is counted.
        plain = content.str.replace_all("\r\n", "\n", literal=True)
        content = pl.when(pl.col("code") == ENVELOPE).then(content).otherwise(plain)
    if b" \n" in chunk or b" \r" in chunk:
        # Systems of records of one length fill lines up; a blank at a line's end is no part of a field.
        trimmed = content.str.replace_all(r" +(\n|$)", "${1}")
        content = pl.when(pl.col("code") == ENVELOPE).then(content).otherwise(trimmed)
    frame = pl.DataFrame(
        {
            "line": lines, "offset": starts + offset, "length": np.diff(np.append(starts, len(chunk))),
            "code": codes, "head": head, "text": column("text", strings),
        }
    ).with_columns(content).drop("head")  # fmt: skip
    return Segments(frame, _characters(array, odd, (starts, codes, lines), newlines), last)


def _codes(array: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Code of the tag at each line's beginning, ENVELOPE where none stands there."""
    first, second, third, fourth, fifth = (array[begins + place].astype(np.int64) for place in range(5))
    tens, ones, letter = second - ord("0"), third - ord("0"), fourth - ord("A") + 1
    tagged = (first == _COLON) & (tens >= 0) & (tens <= 9) & (ones >= 0) & (ones <= 9)  # noqa: PLR2004  digits
    plain = tagged & (fourth == _COLON)
    lettered = tagged & (letter >= 1) & (letter < LETTERS) & (fifth == _COLON)
    code = (tens * 10 + ones) * LETTERS
    return np.where(plain, code, np.where(lettered, code + letter, ENVELOPE))


def _is_end(array: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Lines that end block 4: a hyphen alone, or one before a closing brace."""
    following = array[begins + 1]
    ends: np.ndarray = (array[begins] == _DASH) & np.isin(following, (_END_BRACE, _LF, _CR))
    return ends


def _characters(
    array: np.ndarray, odd: np.ndarray, places: tuple[np.ndarray, np.ndarray, np.ndarray], newlines: np.ndarray
) -> pl.DataFrame:
    starts, codes, lines = places
    index = np.searchsorted(starts, odd, side="right") - 1
    of_field = codes[index] != ENVELOPE if index.size else np.empty(0, bool)
    index, first = np.unique(index[of_field], return_index=True)
    positions = odd[of_field][first]
    before = np.searchsorted(newlines, positions)
    line_start = np.where(before > 0, newlines[np.maximum(before - 1, 0)] + 1, 0) if newlines.size else 0 * positions
    later = before - np.searchsorted(newlines, starts[index])
    return pl.DataFrame(
        {
            "segment": index, "line": lines[index] + later, "column": positions - line_start + 1,
            "byte": array[positions].astype(np.int64),
        },
        schema={"segment": pl.Int64, "line": pl.Int64, "column": pl.Int64, "byte": pl.Int64},
    )  # fmt: skip
