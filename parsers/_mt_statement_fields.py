"""Lines of MT940 and MT942 in, fields out: which message each belongs to, which entry each `:86:` explains.

Source: SWIFT, Category 9 cash management: MT940 customer statement, MT942 interim transaction report; FIN blocks 1 to 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from parsers._mt_statement_options import StatementOptions
from parsers._text_lines import Lines

MARKS: Final = (b":20:",)
"""What a window is cut before."""
_TAG: Final = r"^:([0-9]{2}[A-Z]?|NS) ?:"
_BLOCK: Final = r"^[ $]*(?:\{[1-5S]:|-\}|\{2:)"
_END: Final = r"^ *-(?:XXX)? *$"
_CASE: Final = r"^:9(?:40|42): *$"
"""A line that names the message type, before the messages of some banks."""
_IDENTIFIED: Final = "^:25P ?:"
_BIC: Final = r"^ *[A-Z0-9]{8}(?:[A-Z0-9]{3})? *$"
"""The second line of `:25P:`: the bank of the account."""
ENTRY: Final = "61"
INFORMATION: Final = ("86", "NS")
ONCE: Final = ("20", "21", "25", "25P", "28", "28C", "60F", "60M", "62F", "62M", "64", "13", "13D", "90C", "90D")
REPEATED: Final = ("34F", "65")
KNOWN: Final = frozenset({*ONCE, *REPEATED, ENTRY, *INFORMATION})


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of one window.

    `frame`: message, line, tag, text (first line), more (lines below, by line feeds), entry (counts the `:61:` of the
    window), explains (the field is information to the entry). `stray`: line, text of what belongs to no field. `wrapped`:
    message, line, tag of lines of text that begin as a field does. `types`: line, message type of each block 2.
    """

    frame: pl.DataFrame
    stray: pl.DataFrame
    wrapped: pl.DataFrame
    types: pl.DataFrame


def fields(window: Lines, options: StatementOptions) -> Fields:
    """The fields of a window that begins with a message."""
    placed = _placed(_unwrapped(_kinds(window.frame, options)))
    heads = placed.filter(pl.col("kind") == "tag")
    below = (
        placed.filter((pl.col("kind") == "line") & pl.col("open"))
        .group_by("field", maintain_order=True)
        .agg(pl.col("text").str.join("\n").alias("more"))
    )
    content = pl.col("text").str.replace(_TAG, "")
    # A blank at the end of a line may be one of the text that the line breaks.
    content = pl.when(pl.col("tag").is_in(INFORMATION)).then(content).otherwise(content.str.strip_chars_end(" "))
    frame = heads.select("message", "field", "line", "tag", content).join(
        below, on="field", how="left", maintain_order="left"
    )
    tag = pl.col("tag")
    anchor = pl.when(tag.is_in(KNOWN) & ~tag.is_in(INFORMATION)).then(tag).forward_fill().over("message")
    frame = frame.with_columns(
        (tag == ENTRY).cum_sum().cast(pl.Int64).alias("entry"),
        (tag.is_in(INFORMATION) & (anchor == ENTRY)).fill_null(value=False).alias("explains"),
    )
    stray = placed.filter((pl.col("kind") == "line") & ~pl.col("open")).select("line", "text")
    types = placed.filter(pl.col("type").is_not_null()).select("line", "type")
    wrapped = placed.filter(pl.col("wrapped").is_not_null()).select("message", "line", pl.col("wrapped").alias("tag"))
    return Fields(frame, stray, wrapped, types)


def _kinds(frame: pl.DataFrame, options: StatementOptions) -> pl.DataFrame:
    """`kind` of each line that is not blank: block, end, tag, prelude (read past) or line."""
    text = pl.col("text")
    declared = [text.str.contains(rf"^(?:{pattern})$") for pattern in options.prelude]
    ending = [text.str.contains(rf"^(?:{pattern})$") for pattern in options.ending]
    kept = frame.filter(text.str.contains(r"[^ ]"))
    bank = text.shift(1).str.contains(_IDENTIFIED) & text.str.contains(_BIC)
    return kept.with_columns(
        pl.when(text.str.contains(_BLOCK)).then(pl.lit("block"))
        .when(pl.any_horizontal(text.str.contains(_END), *ending)).then(pl.lit("end"))
        .when(text.str.contains(_TAG)).then(pl.lit("tag"))
        .when(pl.any_horizontal(text.str.contains(_CASE), bank, *declared)).then(pl.lit("prelude"))
        .otherwise(pl.lit("line")).alias("kind"),
        text.str.extract(_TAG, 1).alias("tag"),
        text.str.extract(r"\{2:[IO]([0-9]{3})", 1).alias("type"),
    )  # fmt: skip


def _unwrapped(frame: pl.DataFrame) -> pl.DataFrame:
    """`wrapped`: what would be the tag of a line of `:86:` that was broken before a time of day (`:26:37`): it is a line of text."""
    tagged = pl.col("kind") == "tag"
    odd = tagged & pl.col("tag").str.contains("^[0-9]{2}$") & ~pl.col("tag").is_in(KNOWN)
    above = pl.when(tagged & ~odd).then("tag").when(pl.col("kind").is_in(["block", "end"])).then(pl.lit(""))
    wrapped = odd & (above.forward_fill() == "86").fill_null(value=False)
    return frame.with_columns(
        pl.when(wrapped).then(pl.lit("line")).otherwise("kind").alias("kind"),
        pl.when(~wrapped).then("tag").alias("tag"),
        pl.when(wrapped).then("tag").alias("wrapped"),
    )


def _kept_open(frame: pl.DataFrame) -> pl.DataFrame:
    """A hyphen alone ends no message whose closing balance is still to come: it is a line of the field above."""
    tag, bare = pl.col("tag"), (pl.col("kind") == "end") & pl.col("text").str.contains(_END)
    owes = (
        pl.when(tag.is_in(["20", "60F", "60M"]))
        .then(pl.lit(value=True))
        .when(tag.is_in(["62F", "62M"]))
        .then(pl.lit(value=False))
    )
    goes_on = tag.shift(-1).is_in([ENTRY, *INFORMATION, "62F", "62M"]).fill_null(value=False)
    hyphen = bare & owes.forward_fill().fill_null(value=False) & goes_on
    return frame.with_columns(pl.when(hyphen).then(pl.lit("line")).otherwise("kind").alias("kind"))


def _placed(frame: pl.DataFrame) -> pl.DataFrame:
    """The lines with `open` (a field is open that takes them), `field` and `message` (ordinals in the window)."""
    kind, tagged = pl.col("kind"), pl.col("kind") == "tag"
    current = (
        pl.when(tagged).then("tag").when(kind.is_in(["block", "end"])).then(pl.lit("")).forward_fill().fill_null("")
    )
    frame = _kept_open(frame).with_columns(current.alias("current"))
    of_one_line = pl.col("current").is_in([*ONCE, *REPEATED, ""])
    begins = tagged & ((pl.col("tag") == "20") | (pl.col("current").shift(1, fill_value="") == ""))
    frame = frame.with_columns(
        (~of_one_line).alias("open"),
        # Inside of a longer field a line that looks like a prelude is one of the field's.
        pl.when((kind == "prelude") & ~of_one_line).then(pl.lit("line")).otherwise(kind).alias("kind"),
    )
    return frame.with_columns(
        tagged.cum_sum().cast(pl.Int64).alias("field"), begins.cum_sum().cast(pl.Int64).alias("message")
    )
