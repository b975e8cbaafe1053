"""Screening hook: the other side's names and countries against a list that the operator supplies.

A hit holds the file for a person, with score and threshold shown. It compares texts and nothing more: it knows no list, no
alias that is not on it, no person, and makes nobody compliant.

Names are compared as sorted words in Latin letters without accents and punctuation (rapidfuzz `token_sort_ratio`, 100 is the same).
Compared at all are names that share, in one of their words, the first or last four letters with an entry, or a short word but
for one letter (left out, put in, changed, or changed places with its neighbour). One slip in a word is therefore never missed
here: of a word of nine letters or more it leaves the first or the last four as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from rapidfuzz import fuzz, process

from canonical.errors import ConfigError
from canonical.frames import SCREENING, dtypes, empty
from canonical.masking import mask
from canonical.parties import counterparty
from canonical.profiles import Screening
from canonical.transliteration import transliterations
from gateway.composition import Gateway
from gateway.planning.candidates import country

_LIST_COLUMNS: Final = ("id", "name", "country")
_BLOCK_CHARS: Final = 4
_SHORT_CHARS: Final = range(3, 10)
"""Words in which one slip can touch both the first and the last four letters."""
_SHOWN_MAX: Final = 5


def screening_hits(gateway: Gateway, file: Mapping[str, Any]) -> list[str]:
    """Why a file must be looked at, one line a hit (the first few), none where nothing is alike or nothing was agreed.

    Raises:
        ConfigError: the profile names a list that is not there, or one that is no list.
    """
    wanted = gateway.profiles.client(file["client_id"]).screening
    if wanted is None:
        return []
    file_id = file["file_id"]
    if gateway.lake.committed(file_id, "screen") is None:
        draft = gateway.lake.draft(file_id, "screen")
        hits = _screened(gateway, file_id, wanted)
        draft.write("screening", hits)
        draft.commit({"list": wanted.list, "threshold": wanted.threshold, "hits": hits.height})
    hits = gateway.lake.whole(file_id, "screening")
    told = [
        f"screening: {row['field']} of row {row['row']} is like {mask(row['listed'])} (entry {row['entry']} of list "
        f"{wanted.list}, score {row['score']} of at least {wanted.threshold})"
        for row in hits.head(_SHOWN_MAX).iter_rows(named=True)
    ]
    more = hits.height - len(told)
    return [*told, f"screening: {more} more hits"] if more > 0 else told


def read_list(path: Path) -> pl.DataFrame:
    """id, name, country (String; one of name and country may be empty) of a list: CSV with these headings, UTF-8.

    Raises:
        ConfigError: no such file, or no such columns.
    """
    try:
        listed = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as fault:
        raise ConfigError(f"screening list {path.name}: {fault}") from fault
    if not set(_LIST_COLUMNS) <= set(listed.columns):
        raise ConfigError(f"screening list {path.name}: the first line must name {', '.join(_LIST_COLUMNS)}")
    return listed.select(_LIST_COLUMNS)


def alike(names: pl.Series, listed: pl.DataFrame, threshold: int) -> pl.DataFrame:
    """name, entry, listed, score of each pair at or above the threshold, the most alike first."""
    ours = pl.DataFrame({"name": names.drop_nulls().unique()}).with_columns(plain=plain(pl.col("name")))
    theirs = listed.drop_nulls("name").select(entry="id", listed="name", listed_plain=plain(pl.col("name")))
    blocked = _blocks(ours, "plain").join(_blocks(theirs, "listed_plain"), on="block").drop("block").unique()
    if blocked.is_empty():
        return pl.DataFrame(schema={"name": pl.String, "entry": pl.String, "listed": pl.String, "score": pl.Int64})
    scores = process.cpdist(
        blocked["plain"].to_list(),
        blocked["listed_plain"].to_list(),
        scorer=fuzz.token_sort_ratio,
        workers=-1,
        dtype=np.uint8,
    )
    scored = blocked.with_columns(score=pl.Series(scores).cast(pl.Int64))
    hits = scored.filter(pl.col("score") >= threshold).select("name", "entry", "listed", "score")
    return hits.sort("score", "name", "entry", descending=[True, False, False])


def plain(name: pl.Expr) -> pl.Expr:
    """Capital letters and digits without accents, Greek and Cyrillic in Latin letters, words divided by single blanks."""
    latin = pl.when(name.str.contains(r"[^ -~]")).then(_latin(name)).otherwise(name)
    letters = latin.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_uppercase()
    return letters.str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()


def _latin(name: pl.Expr) -> pl.Expr:
    """Letters as banks write them in the SEPA set; those of scripts that it has no letters for stay."""
    table = transliterations()
    return name.str.normalize("NFC").str.replace_many(list(table), list(table.values()))


def _blocks(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """One row a name and block: the beginning and the end of each word, and short words less one letter."""
    words = frame.with_columns(word=pl.col(column).str.split(" ")).explode("word").filter(pl.col("word") != "")
    ends = (pl.lit("^") + pl.col("word").str.head(_BLOCK_CHARS), pl.col("word").str.tail(_BLOCK_CHARS) + pl.lit("$"))
    word, chars = pl.col("word"), pl.col("word").str.len_chars()
    slips = [
        pl.when(chars.is_between(_SHORT_CHARS[0], _SHORT_CHARS[-1]) & (chars > place)).then(
            word.str.head(place) + word.str.slice(place + 1)
        )
        for place in range(_SHORT_CHARS[-1])
    ]
    blocks = pl.concat_list(*ends, word, *slips)
    return words.with_columns(block=blocks).explode("block").drop("word").drop_nulls("block").unique()


def _screened(gateway: Gateway, file_id: str, wanted: Screening) -> pl.DataFrame:
    listed = read_list(gateway.settings.config_dir / "screening" / f"{wanted.list}.csv")
    accepted = gateway.lake.whole(file_id, "verdicts").filter(pl.col("status") == "ACCP").select("payment_id")
    parts = [empty(SCREENING)]
    for payments in gateway.lake.parts(file_id, "payments"):
        parts += _window_hits(payments.join(accepted, on="payment_id", how="semi"), listed, wanted.threshold)
    return pl.concat(parts).sort("row", "field", "entry")


def _window_hits(payments: pl.DataFrame, listed: pl.DataFrame, threshold: int) -> list[pl.DataFrame]:
    said = payments.select(
        "payment_id", "row", counterparty("name").alias("name"), country().alias("bank_country"),
        pl.col("ultimate_creditor_name", "ultimate_debtor_name"), counterparty("country").alias("address_country"),
    )  # fmt: skip
    hits = []
    fields = (("name", "name"), ("ultimate_creditor_name", "ultimate name"), ("ultimate_debtor_name", "ultimate name"))
    for column, field in fields:
        found = alike(said[column], listed, threshold).rename({"name": column})
        hits.append(said.join(found, on=column).with_columns(field=pl.lit(field)))
    countries = listed.filter(pl.col("name").is_null() & pl.col("country").is_not_null()).select(
        entry="id", listed="country", score=pl.lit(100, dtype=pl.Int64)
    )
    for column in ("bank_country", "address_country"):
        here = said.join(countries, left_on=column, right_on="listed").with_columns(listed=pl.col(column))
        hits.append(here.with_columns(field=pl.lit("country")))
    return [hit.select(dtypes(SCREENING).keys()).unique(maintain_order=True) for hit in hits]
