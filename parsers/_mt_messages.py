"""Which message and which of its sequences each segment belongs to, and what the envelopes say.

Source: SWIFT, FIN user handbook: blocks 1 to 5. A file may leave the envelope out: a message then begins at its `:20:`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from parsers._mt_segments import ENVELOPE, code_of

_TEXT: Final = r"\{4:\s*$"
_TYPE: Final = r"\{2:[IO]([0-9]{3})"
_INPUT: Final = r"(?s).*\{2:I[0-9]{3}([A-Z0-9]{8})[A-Z0-9]([A-Z0-9]{3})"
_OWN: Final = r"(?s).*\{1:[A-Z][0-9]{2}([A-Z0-9]{8})[A-Z0-9]([A-Z0-9]{3})"
_REFERENCE: Final = code_of("20")
_HEADER: Final = r"(?s)(\{[1-4]:.*)$"

OPEN, INSIDE, CLOSED = "A", "B", ""
"""Where a segment stands: in the first sequence of a message, in a repeated one, or outside of any text block."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the segments before a window leave off. `enveloped`: the open message has a `{4:`, which `-}` must close."""

    message: int = 0
    sequences: int = 0
    marker: str = CLOSED
    fresh: bool = False
    enveloped: bool = False


def placed(segments: pl.DataFrame, place: Place, repeated: str) -> pl.DataFrame:
    """The segments with their places added. `repeated`: tag that begins each repeated sequence.

    `message` (ordinal in the file), `marker` (OPEN, INSIDE, CLOSED), `sequence` (ordinal of the repeated sequence in the
    file, of a field INSIDE), `begins` (a message begins here), `closes` and `enveloped` (of envelopes: what they end and
    whether they open a block 4), `unclosed` (a message begins though the one before was not closed).
    """
    code, envelope = pl.col("code"), pl.col("code") == ENVELOPE
    opens = envelope & pl.col("text").str.contains(_TEXT)
    closes = envelope & pl.col("text").str.starts_with("-")
    frame = segments.with_columns(opens.alias("enveloped"), closes.alias("closes"))
    bare = (code == _REFERENCE) & ~pl.col("enveloped").shift(1, fill_value=place.fresh)
    frame = frame.with_columns((pl.col("enveloped") | bare).alias("begins"))
    live = pl.when("begins").then(pl.lit(value=True)).when("closes").then(pl.lit(value=False))
    part = pl.when("begins").then(pl.lit(OPEN)).when(code == code_of(repeated)).then(pl.lit(INSIDE))
    frame = frame.with_columns(
        live.forward_fill().fill_null(place.marker != CLOSED).alias("live"),
        part.forward_fill().fill_null(place.marker or OPEN).alias("part"),
        pl.when("begins").then("enveloped").forward_fill().fill_null(place.enveloped).alias("in_envelope"),
    )
    before = pl.col("live").shift(1, fill_value=place.marker != CLOSED)
    owed = before & pl.col("in_envelope").shift(1, fill_value=place.enveloped)
    return frame.select(
        pl.exclude("live", "part"),
        pl.when("live").then("part").otherwise(pl.lit(CLOSED)).alias("marker"),
        (pl.col("begins").cum_sum().cast(pl.Int64) + place.message).alias("message"),
        (((code == code_of(repeated)) & pl.col("live")).cum_sum().cast(pl.Int64) + place.sequences).alias("sequence"),
        (pl.col("begins") & ~pl.col("closes") & owed).alias("unclosed"),
    )


def left_off(segments: pl.DataFrame, place: Place) -> Place:
    """Where the placed segments leave off."""
    if segments.is_empty():
        return place
    last = segments.row(-1, named=True)
    return Place(last["message"], last["sequence"], last["marker"], last["enveloped"], last["in_envelope"])


def envelopes(segments: pl.DataFrame) -> pl.DataFrame:
    """One row a message that begins: message, line, offset of its own first byte, type, sender, receiver, enveloped.

    Sender and receiver are BICs as block 1 and 2 of an input message name them; null where there is no envelope.
    """
    text = pl.when("enveloped").then("text")
    begun = segments.filter("begins")
    header = pl.col("text").str.extract(_HEADER, 1).str.len_bytes().cast(pl.Int64)
    size = pl.col("text").str.len_bytes().cast(pl.Int64)
    # The end of the message before may stand in front, on lines of its own.
    before = pl.when("enveloped").then(size - header).otherwise(0).fill_null(0)
    return begun.select(
        "message",
        (pl.col("line") + pl.col("text").str.head(before).str.count_matches("\n").cast(pl.Int64)).alias("line"),
        (pl.col("offset") + before).alias("offset"),
        text.str.extract(_TYPE, 1).alias("type"),
        _bic(text, _OWN).alias("sender"),
        _bic(text, _INPUT).alias("receiver"),
        "enveloped",
    )


def _bic(text: pl.Expr, pattern: str) -> pl.Expr:
    """The BIC in a logical terminal address: its ninth character names the terminal."""
    institution, branch = text.str.extract(pattern, 1), text.str.extract(pattern, 2)
    return institution + pl.when(branch == "XXX").then(pl.lit("")).otherwise(branch)
