"""The client's own bytes beside its payments: what an ISO export carries on of an ISO file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import polars as pl

from canonical.contracts import Source
from gateway.composition import Gateway
from gateway.intake.files import file_row
from gateway.intake.plain import plain_source
from gateway.intake.reading import facts_of

_Beside = Callable[[pl.DataFrame], pl.DataFrame]


@contextmanager
def originals(gateway: Gateway, file_id: str) -> Iterator[_Beside]:
    """A function that adds `original`, `original_batch`, `original_version` to payments of the file, where they are wanted.

    Only of a file in an ISO format that was held to its XSD and passed: what nobody checked is not sent on.
    """
    file = file_row(gateway, file_id)
    client = gateway.profiles.client(file["client_id"])
    name = file["format"] or ""
    checked = client.format_options.get(name, {}).get("xsd", "off") != "off"
    if not (checked and facts_of(name, client).iso) or _failed(gateway, file_id):
        yield lambda payments: payments
        return
    with plain_source(gateway, file) as source:
        yield partial(_with_bytes, source, file["version"] or "")


def _failed(gateway: Gateway, file_id: str) -> bool:
    # Also a warning tells of a fault, or that no schema was at hand.
    return "xsd" in gateway.lake.whole(file_id, "findings", "parse")["rule"]


def _with_bytes(source: Source, version: str, payments: pl.DataFrame) -> pl.DataFrame:
    return payments.with_columns(
        _cut(source, payments, "offset", "length").alias("original"),
        _cut(source, payments, "batch_offset", "batch_length").alias("original_batch"),
        original_version=pl.lit(version),
        original_encoding=pl.lit(_encoding(source), dtype=pl.String),
    )


_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)""")


def _encoding(source: Source) -> str | None:
    """Encoding that the XML declaration names; UTF-16 is known by its byte order mark."""
    found = _DECLARED.match(bytes(source.data[:200]))
    return found.group(1).decode("ascii") if found else None


def _cut(source: Source, payments: pl.DataFrame, start: str, length: str) -> pl.Series:
    data, spans = source.data, payments.select(start, length).unique()
    texts = [data[first : first + count] if first is not None else None for first, count in spans.iter_rows()]
    known = spans.with_columns(text=pl.Series(texts, dtype=pl.Binary))
    return payments.select(start, length).join(known, on=[start, length], how="left", maintain_order="left")["text"]
