"""The workbook of breaks as a file: written for finance, read when it comes back."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from canonical.errors import ConfigError
from exporters.break_workbook import write_breaks
from gateway.breaks.breaks import look
from gateway.composition import Gateway
from gateway.registry import tables as t

WORKBOOK_BYTES_MAX = 64 * 2**20


def export_breaks(gateway: Gateway, file: Path, owner: str | None, kind: str | None) -> tuple[int, int]:
    """Write what is for people to do, of an owner ("": nobody) and a kind; how many were written and left out.

    Raises:
        ConfigError: the file cannot be written.
    """
    breaks = chosen(look(gateway).breaks, owner, kind)
    out = io.BytesIO()
    written = write_breaks(breaks, owners(gateway), gateway.clock().date(), out)
    try:
        file.write_bytes(out.getvalue())
    except OSError as fault:
        raise ConfigError(f"{file} cannot be written: {fault.strerror}") from fault
    return written, breaks.height - written


def chosen(breaks: pl.DataFrame, owner: str | None, kind: str | None) -> pl.DataFrame:
    """WORKED of an owner ("": nobody) and a kind, the oldest first."""
    asked = [pl.col("owner").fill_null("") == owner] if owner is not None else []
    asked += [pl.col("kind") == kind] if kind is not None else []
    return breaks.filter(*asked).sort("age_days", "amount_minor", "break_id", descending=[True, True, False])


def owners(gateway: Gateway) -> list[str]:
    """Who is named in the profiles, and who has a break already."""
    named = {name for provider in gateway.profiles.providers.values() for name in provider.breaks.known_owners}
    rows = gateway.registry.rows(t.BREAKS, t.BREAKS.c.standing == 1, t.BREAKS.c.owner.is_not(None))
    return sorted(named | {row["owner"] for row in rows})


def read_workbook(file: Path) -> bytes:
    """The bytes of a workbook. Raises ConfigError: it is not there, or is larger than a workbook of breaks is."""
    try:
        if file.stat().st_size > WORKBOOK_BYTES_MAX:
            raise ConfigError(f"{file} is larger than a workbook of breaks can be")
        return file.read_bytes()
    except OSError as fault:
        raise ConfigError(f"{file} cannot be read: {fault.strerror}") from fault
