"""What is wrong with the envelopes and single fields of an MT101: form, order, characters, what is missing.

Source: SWIFT, MT101 request for transfer: format specifications and field specifications.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from canonical.masking import mask_of
from parsers._mt_messages import CLOSED, INSIDE, OPEN
from parsers._mt_segments import ENVELOPE, LETTERS, code_of, tag_of
from parsers._mt_transfer_fields import BY_CODE, FIELDS, ORDERING, STRANGE_ORDERING
from parsers._mt_transfer_payments import Sequences
from parsers._nacha_findings import Fault

_FILE, _BATCH, _PAYMENT = ((Severity.ERROR, level) for level in (Level.FILE, Level.BATCH, Level.PAYMENT))
_MESSAGE: Final = Fault("mt101-message", "FF03", *_FILE, "block 2", "Send requests for transfer (MT101) only.")
_UNCLOSED: Final = Fault(
    "mt101-end", "FF02", *_FILE, "block 4", "End the text of each message with a line that begins with -}."
)
_STRAY: Final = Fault(
    "mt101-order", "FF02", *_FILE, "field", "Put every field into the text of a message, behind its field 20."
)
_ORDER_REMEDY: Final = "Order the fields as MT101 lays them out, each once in its sequence (23E may repeat)."
_FIELD_REMEDY: Final = "Write the field as SWIFT lays it out."
_CHARACTER_REMEDY: Final = "Use only a-z A-Z 0-9 / - ? : ( ) . , ' + and blanks."
_MANDATORY: Final = (("20", "sender's reference"), ("28D", "message index/total"))
"""Besides field 30, which the rule `execution_date` misses."""
_SENSITIVE: Final = frozenset(
    code_of(tag) for tag in ("50F", "50G", "50H", "52A", "52C", "57D", "59", "59A", "59F", "25A")
)


def _by_marker(fault_id: str, reason: str, remedy: str) -> dict[str, Fault]:
    return {
        OPEN: Fault(fault_id, reason, *_BATCH, "field", remedy), INSIDE: Fault(fault_id, reason, *_PAYMENT, "field", remedy)
    }  # fmt: skip


_BEGUN: Final = (
    "The transaction has no field 21 to begin it: it is no payment, and what it asks for is not carried out."
)
_BEGUN_REMEDY: Final = "Begin every transaction with a field 21 of its own, before its field 32B."
_ORDER: Final = _by_marker("mt101-order", "FF02", _ORDER_REMEDY)
_FIELD: Final = _by_marker("mt101-field", "CH16", _FIELD_REMEDY)
_ORDERER: Final = _by_marker("mt101-ordering", "CH16", "Name the ordering customer in field 50F, 50G or 50H.")
_CHARACTER: Final = _by_marker("mt101-character", "RR10", _CHARACTER_REMEDY)
_UNBEGUN: Final = _by_marker("mt101-order", "CH21", _BEGUN_REMEDY)
_MISSING: Final = _by_marker("mt101-missing", "CH21", "Write the field; MT101 cannot do without it.")

_RANKS: Final = {
    OPEN: {field.code: field.first for field in FIELDS if field.first},
    INSIDE: {field.code: field.repeated for field in FIELDS if field.repeated},
}
_TAGS: Final = {code: tag_of(code) for code in range(100 * LETTERS)}


def _tag(column: str = "code") -> pl.Expr:
    return pl.col(column).replace_strict(_TAGS, return_dtype=pl.String)


def envelope_findings(segments: pl.DataFrame, messages: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Messages of another type, texts that nothing closes, fields outside of any message."""
    other = messages.filter(pl.col("type").is_not_null() & (pl.col("type") != "101"))
    yield _MESSAGE.on(other, pl.format("The message is an MT{}, no MT101.", "type"), pl.col("type"))
    yield _UNCLOSED.on(segments.filter("unclosed"), "The message before this one has no end of text (-}).")
    stray = segments.filter((pl.col("marker") == CLOSED) & (pl.col("code") != ENVELOPE))
    yield _STRAY.on(stray, pl.format("Field {} stands outside of any message.", _tag()))


def field_findings(fields: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Fields that MT101 does not know, or not there, or written otherwise. `fields`: those of messages."""
    for marker, ranks in _RANKS.items():
        here = fields.filter(pl.col("marker") == marker)
        known = pl.col("code").is_in(list(BY_CODE))
        unknown = here.filter(~known)
        strange = pl.col("code").is_in([code_of(tag) for tag in STRANGE_ORDERING])
        for fault, part in ((_FIELD, unknown.filter(~strange)), (_ORDERER, unknown.filter(strange))):
            told = fault[marker].on(part, pl.format("MT101 has no field {}.", _tag()))
            yield told.with_columns(field=part.select(_tag()).to_series())
        yield from _order(here.filter(known), marker, ranks)
        yield from _contents(here, marker)


def _order(fields: pl.DataFrame, marker: str, ranks: dict[int, int]) -> Iterator[pl.DataFrame]:
    rank = pl.col("code").replace_strict(ranks, default=None, return_dtype=pl.Int64)
    yield _UNBEGUN[marker].on(unbegun(fields, marker), _BEGUN)
    group = "message" if marker == OPEN else "sequence"
    # What stands around such an amount belongs to that transaction, which is told already.
    fields = fields.filter(~_unbegun(marker).any().over(group))
    misplaced = fields.filter(~pl.col("code").is_in(list(ranks)))
    name = "A" if marker == OPEN else "B"
    yield _ORDER[marker].on(misplaced, pl.format(f"Field {{}} does not belong into sequence {name}.", _tag()))
    ranked = fields.filter(pl.col("code").is_in(list(ranks))).with_columns(rank.alias("rank"))
    same = pl.col(group) == pl.col(group).shift(1)
    repeatable = (pl.col("code") == code_of("23E")) & (pl.col("code").shift(1) == code_of("23E"))
    ranked = ranked.with_columns(
        pl.col("code").shift(1).alias("before"),
        (same & (pl.col("rank") < pl.col("rank").shift(1))).alias("early"),
        (same & (pl.col("rank") == pl.col("rank").shift(1)) & ~repeatable).alias("again"),
    )
    late = pl.format("Field {} comes too late in its sequence: it belongs before field {}.", _tag(), _tag("before"))
    yield _ORDER[marker].on(ranked.filter("early"), late)
    yield _ORDER[marker].on(
        ranked.filter("again"), pl.format("Field {} (or another option of it) stands twice.", _tag())
    )


def unbegun(fields: pl.DataFrame, marker: str) -> pl.DataFrame:
    """The amounts (32B) of transactions that no field 21 begins, of the fields at one `marker`.

    In sequence A each is one; in a sequence B the second one, where fields of the first transaction stand between them.
    """
    group = "message" if marker == OPEN else "sequence"
    return fields.filter(pl.col("marker") == marker).filter(_unbegun(marker).over(group))


def _unbegun(marker: str) -> pl.Expr:
    """Of the fields of one message's sequence A, or of one sequence B: which are such an amount."""
    amount = pl.col("code") == code_of("32B")
    return amount if marker == OPEN else amount & (amount.cum_sum() > 1) & ~amount.shift(1, fill_value=False)


def _contents(fields: pl.DataFrame, marker: str) -> Iterator[pl.DataFrame]:
    for code, part in ((code, part) for code, part in _parted(fields) if code in BY_CODE):
        field = BY_CODE[code]
        # The amount itself is looked at by the rules `currency` and `amount`.
        text = pl.col("text")
        wrong = part.filter(~text.str.contains(f"^(?:{field.pattern})$") | (text.str.len_chars() > field.chars_max))
        if wrong.is_empty():
            continue
        long = text.str.extract(r"([^\n]{36,})").str.len_chars()
        message = (
            pl.when(long.is_not_null() & (pl.lit(code) != code_of("20")))
            .then(pl.lit(f"Field {field.tag} has a line of ") + long.cast(pl.String) + pl.lit(" characters; "))
            .otherwise(pl.lit(f"Field {field.tag} is not written as it must be; "))
        )
        shown = mask_of(text) if code in _SENSITIVE else text.str.head(60)
        fault = replace((_ORDERER if field.tag in ORDERING else _FIELD)[marker], field=field.tag)
        yield fault.on(wrong, message + pl.lit(f"right is: {field.words}."), shown)


def _parted(fields: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
    for code, part in fields.partition_by("code", as_dict=True, maintain_order=True).items():
        yield int(str(code[0])), part


def character_findings(characters: pl.DataFrame, fields: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Characters outside the x set. `fields` has `segment`, the index that `characters` tells."""
    if characters.is_empty():
        return
    known = characters.join(fields.drop("line"), on="segment", how="inner")
    byte = pl.col("byte")
    sign = known.with_columns(
        byte.replace_strict({n: chr(n) for n in range(0x20, 0x7F)}, default=None, return_dtype=pl.String).alias("sign")
    ).with_columns(pl.coalesce("sign", pl.lit("byte ") + byte.cast(pl.String)).alias("sign"))
    message = pl.format(
        "Field {}, position {} of the line: “{}” is no character of SWIFT messages.", _tag(), "column", "sign"
    )
    for marker, fault in _CHARACTER.items():
        yield fault.on(sign.filter(pl.col("marker") == marker), message)


def message_findings(sequences: Sequences, messages: pl.DataFrame, begun: pl.Series) -> Iterator[pl.DataFrame]:
    """What a sequence A lacks. `messages`: one row a message with batch, batch_id, line; `begun`: which begin here."""
    for tag, name in _MANDATORY:
        there = np.zeros(messages.height, bool)
        there[sequences.of_message(tag)["key"].to_numpy()] = True
        yield replace(_MISSING[OPEN], field=tag).on(
            messages.filter(begun & ~pl.Series(there)), f"Field {tag} ({name}) is missing."
        )
