"""MT101 messages with some of their transactions: each sequence A as it stands, its reference and index made anew."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from canonical.contracts import Source
from parsers._line_ends import CR, LF, line_end, with_line_feeds

_REFERENCE_CHARS: Final = 16
_SUFFIX: Final = b"-R"
_REFERENCE: Final = re.compile(rb"(^|\n)(:20:)([^\r\n]*)")
_CHAIN: Final = re.compile(rb"\n:21R:([^\r\n]*)")
_INDEX: Final = re.compile(rb"(\n:28D:)([^\r\n]*)")


def excerpt(source: Source, kept: pl.DataFrame) -> bytes:
    """The bytes of the new file. `kept`: offset, length, batch, batch_offset, batch_length of PAYMENTS, in file order.

    Messages of which nothing is kept are left out, so that the others of their request are numbered anew; block 5 is
    left out, its checksums would be wrong.
    """
    batches = kept.group_by("batch", maintain_order=True).agg(
        pl.col("batch_offset", "batch_length").first(), pl.col("offset", "length")
    )
    ends = line_end(source.data)
    heads = [_span(source, ends, *span) for span in batches.select("batch_offset", "batch_length").iter_rows()]
    out = []
    for head, numbered, spans in zip(
        heads, _numbers(heads), batches.select("offset", "length").iter_rows(), strict=True
    ):
        ending = b"\r\n" if b"\r\n" in head else LF
        body = [_span(source, ends, at, size).rstrip(b"\r\n") + ending for at, size in zip(*spans, strict=True)]
        close = b"-}" if b"{4:" in head else b"-"
        out.append(_renamed(_INDEX.sub(rb"\g<1>" + numbered, head, count=1)) + b"".join(body) + close + ending)
    whole = b"".join(out)
    return whole.replace(LF, CR) if ends == CR else whole


def _span(source: Source, ends: bytes, at: int, size: int) -> bytes:
    return with_line_feeds(bytes(source.data[at : at + size]), ends)


def _numbers(heads: list[bytes]) -> list[bytes]:
    """Index and total of each message among those of its request (21R); a message without one stands alone."""
    chains = [found[1] if (found := _CHAIN.search(head)) else None for head in heads]
    seen: dict[bytes, int] = {}
    numbers = []
    for chain in chains:
        if chain is None:
            numbers.append(b"1/1")
            continue
        seen[chain] = seen.get(chain, 0) + 1
        numbers.append(f"{seen[chain]}/{chains.count(chain)}".encode())
    return numbers


def _renamed(head: bytes) -> bytes:
    def again(match: re.Match[bytes]) -> bytes:
        stem = match[3][: _REFERENCE_CHARS - len(_SUFFIX)].rstrip(b"/ ")
        return match[1] + match[2] + stem + _SUFFIX

    return _REFERENCE.sub(again, head, count=1)
