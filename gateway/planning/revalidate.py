"""Revalidate: what was kept for a later day is judged once more when that day has come.

All rules on single payments run again with the day of release as today. What the client asks for (its dates) was judged when
the file was received: a day that passed while the payment was kept is no fault of the client's. Duplicates are not looked
for again, nor totals.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from canonical.contracts import Context, FileHeader
from canonical.findings import REFUSES
from canonical.frames import FINDINGS, PAYMENTS, VERDICTS, conform, empty
from gateway.composition import Gateway
from gateway.intake.reading import facts_of
from validators import engine

_ASKED: Final = "requested_execution_date_text"


@dataclass(frozen=True, slots=True)
class Lapsed:
    """FINDINGS of the day of release, and VERDICTS (RJCT) of the payments they refuse."""

    findings: pl.DataFrame
    verdicts: pl.DataFrame


def lapsed_of(gateway: Gateway, file: Mapping[str, Any], payments: pl.DataFrame) -> Lapsed:
    """Judge accepted payments that are about to be released; those of a file received today are not judged again."""
    client = gateway.profiles.client(file["client_id"])
    today = gateway.clock().astimezone(zoneinfo.ZoneInfo(client.time_zone)).date()
    if payments.is_empty() or file["received_on"] >= today.isoformat():
        return Lapsed(empty(FINDINGS), empty(VERDICTS))
    header = FileHeader(**{name: file[name] or "unknown" for name in ("format", "version")},
                        **{name: file[name] for name in ("message_id", "created", "initiating_party")})  # fmt: skip
    context = Context(today, client, facts_of(header.format, client), header)
    judged = payments.select(PAYMENTS.columns.keys())
    found = engine.apply_profile(engine.check_window(judged, context), client)
    errors = found.filter(pl.col("row").is_not_null(), pl.col("field") != _ASKED, REFUSES)
    first = errors.unique("row", keep="first", maintain_order=True).select("row", "reason", "rule")
    refused = judged.select("payment_id", "row").join(first, on="row", how="inner", maintain_order="left")
    return Lapsed(errors, conform(refused.with_columns(status=pl.lit("RJCT")), VERDICTS))
