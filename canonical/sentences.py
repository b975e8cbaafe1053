"""Messages and remedies one after the other: where two are joined, the first ends as a sentence does."""

from __future__ import annotations

from typing import Final

import polars as pl

_ENDED: Final = r"[.!?:…]\s*$"


def sentence(text: pl.Expr) -> pl.Expr:
    """The text with a full stop at its end, where it has no sign that ends it."""
    ended = text.str.contains(_ENDED)
    return pl.when(ended).then(text).otherwise(text + ".")


def and_then(first: pl.Expr, second: pl.Expr) -> pl.Expr:
    """Both, one after the other; the one that there is where the other is null."""
    return pl.coalesce(sentence(first) + " " + second, first, second)


def said_as(warns: pl.Expr) -> pl.Expr:
    """The column `message`, with a word before it where it only warns."""
    return pl.concat_str(pl.when(warns).then(pl.lit("Warning: ")).otherwise(pl.lit("")), pl.col("message")).alias(
        "message"
    )


def one_after_another(texts: pl.Expr) -> pl.Expr:
    """Of a group's texts one text. A single one stays as it is."""
    return pl.when(pl.len() > 1).then(sentence(texts).str.join(" ")).otherwise(texts.first())
