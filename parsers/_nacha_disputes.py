"""What dishonored and contested returns and refused notifications of change say of the return or change they dispute.

Source: Nacha Operating Rules, Appendix Four and Five: addenda record formats for dishonored returns, contested dishonored
returns, and refused notifications of change. Positions are the standard's.
"""

from __future__ import annotations

import polars as pl

from canonical.nacha_codes import NACHA_CODES, codes_of
from parsers._nacha_layout import cut, words

_MEANINGS = {code: item.meaning for code, item in NACHA_CODES.items()}


def meaning_of(code: pl.Expr) -> pl.Expr:
    """What the reason code means; null of one that nobody knows."""
    return code.replace_strict(_MEANINGS, default=None, return_dtype=pl.String)


def dispute_text() -> pl.Expr:
    """Of a dispute: its meaning, then what it disputes, e.g. "Untimely return: dishonors return R01 of trace 123918710000001"."""
    code = pl.col("reason")
    disputed = {
        "dishonored": ("dishonors return", pl.lit("R") + _digits(57, 58), words(39, 53), words(59, 79)),
        "contested": (
            "contests the dishonoring of return",
            pl.lit("R") + _digits(57, 58),
            words(39, 53),
            _dishonored(),
        ),
        "refused": ("refuses change", words(65, 67), None, words(36, 64)),
    }
    found = [
        pl.when(code.is_in(codes_of(kind))).then(_joined(code, verb, of, trace, more))  # type: ignore[arg-type]
        for kind, (verb, of, trace, more) in disputed.items()
    ]
    return pl.coalesce(found)


def _dishonored() -> pl.Expr:
    """R68 with the trace number under which the return was dishonored."""
    return pl.format("dishonored as R{} under trace {}", _digits(77, 78), words(59, 73))


def _digits(first: int, last: int) -> pl.Expr:
    text = cut(first, last)
    return pl.when(text.str.contains("^[0-9]+$")).then(text)


def _joined(code: pl.Expr, verb: str, of: pl.Expr, trace: pl.Expr | None, more: pl.Expr) -> pl.Expr:
    named = pl.when(of.is_not_null()).then(pl.format(" {}", of)).otherwise(pl.lit(""))
    told = pl.format("{}: {}{}", meaning_of(code), pl.lit(verb), named)
    if trace is not None:
        told = told + pl.when(trace.is_not_null()).then(pl.format(" of trace {}", trace)).otherwise(pl.lit(""))
    return told + pl.when(more.is_not_null()).then(pl.format("; {}", more)).otherwise(pl.lit(""))


def return_text(information: pl.Expr) -> pl.Expr:
    """Of a return: what the bank writes, else what the code means; with the date of death of R14 and R15."""
    told = pl.coalesce(information, meaning_of(pl.col("reason")))
    died = pl.col("reason").is_in(["R14", "R15"]) & cut(22, 27).str.contains("^[0-9]{6}$") & (cut(22, 27) != "000000")
    return told + pl.when(died).then(pl.format("; died on {} (YYMMDD)", cut(22, 27))).otherwise(pl.lit(""))
