"""Explain: why each rail took or lost a payment; and where payments of a day would go under other profiles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from canonical.errors import NotFound
from gateway.composition import Gateway
from gateway.config import Profiles, load_profiles
from gateway.intake.originals import originals
from gateway.planning.candidates import FITS, REASONS, candidates
from gateway.planning.plans import live_routes, noted, plan_words
from gateway.planning.route import current_candidates
from gateway.planning.routing import Planner
from gateway.registry import tables as t

_NOBODY: Final = "none"


def explain_payment(gateway: Gateway, file_id: str, row: int) -> list[tuple[str, str]]:
    """Way and word for every rail that was looked at when a payment was planned: "taken", or why it lost.

    Raises: NotFound: no such row, or nothing was planned for it yet.
    """
    routes = live_routes(gateway, file_id).filter(pl.col("row") == row)
    if routes.is_empty():
        raise NotFound("this payment has no plan yet", file_id=file_id, row=row)
    found = routes.to_dicts()[0]
    return _reasons(plan_words(gateway, file_id, found["plan"]), found["choice"])


def explain_file(gateway: Gateway, file_id: str) -> list[dict[str, Any]]:
    """Of a file's payments, by plan, choice and currency: `payments`, `sum_minor`, `note`, `ways` (way, word).

    What is not planned yet is judged as it would be planned now, and nothing is committed; its plan is 0.
    """
    routes = noted(gateway, file_id, live_routes(gateway, file_id))
    words = {plan: plan_words(gateway, file_id, plan) for plan in routes["plan"].unique()}
    if routes.is_empty():
        routes, words = _now(gateway, file_id)
    grouped = routes.group_by("plan", "choice", "text", "currency", maintain_order=True).agg(
        payments=pl.len(), sum_minor=pl.sum("amount_minor")
    )
    return [
        {
            "plan": group["plan"], "currency": group["currency"], "payments": group["payments"],
            "sum_minor": group["sum_minor"], "note": group["text"],
            "ways": _reasons(words[group["plan"]], group["choice"]),
        }
        for group in grouped.iter_rows(named=True)
    ]  # fmt: skip


def rehearse(gateway: Gateway, config_dir: Path, day: dt.date) -> pl.DataFrame:
    """Where the payments of the files received on a day would go under other profiles; nothing is committed.

    Returns: was, would_be (provider/rail), currency, payments, sum_minor, of all payments, also those that would not move.
    Each file is judged as of the moment of its first plan; capacity and health as if untouched. Raises ConfigError.
    """
    profiles = load_profiles(config_dir)
    files = gateway.registry.rows(t.FILES, t.FILES.c.received_on == day.isoformat(), order=t.FILES.c.received_at)
    schema = {"was": pl.String, "would_be": pl.String, "currency": pl.String, "amount_minor": pl.Int64}
    parts = [pl.DataFrame(schema=schema)]
    for file in files:
        planned = gateway.registry.one(t.STAGES, subject=file["file_id"], stage="route-1")
        if planned is not None:
            at = dt.datetime.fromisoformat(planned["committed_at"])
            parts += [part.select(schema.keys()) for part in _rehearsed(gateway, file, profiles, at)]
    whole = pl.concat(parts).group_by("was", "would_be", "currency")
    return whole.agg(payments=pl.len(), sum_minor=pl.sum("amount_minor")).sort("was", "would_be", "currency")


def _rehearsed(
    gateway: Gateway, file: Mapping[str, Any], profiles: Profiles, at: dt.datetime
) -> Iterator[pl.DataFrame]:
    """Payments of a file with `was` and `would_be`."""
    file_id = file["file_id"]
    options = candidates(profiles, at)
    planner = Planner(options, profiles.client(file["client_id"]))
    routes = live_routes(gateway, file_id)
    before = {
        plan: [choice[0] for choice in plan_words(gateway, file_id, plan)["choices"]]
        for plan in routes["plan"].unique()
    }
    names = {plan: plan_words(gateway, file_id, plan)["ways"] for plan in before}
    pairs = routes.select("plan", "choice").unique().rows()
    was = pl.DataFrame(
        [(plan, choice, _way(names[plan], before[plan][choice])) for plan, choice in pairs],
        schema={"plan": pl.Int64, "choice": pl.Int64, "was": pl.String}, orient="row",
    )  # fmt: skip
    placed = routes.join(was, on=["plan", "choice"], how="left").select("payment_id", "was")
    ways = [option.name for option in options]
    with originals(gateway, file_id) as beside:
        for part in gateway.lake.parts(file_id, "payments"):
            found = planner.choose(beside(part.join(placed, on="payment_id", how="semi", maintain_order="left")))
            would_be = pl.col("candidate").replace_strict(
                list(range(len(ways))), [_way(ways, number) for number in range(len(ways))], default=_NOBODY,
                return_dtype=pl.String,
            )  # fmt: skip
            yield found.with_columns(would_be=would_be).join(placed, on="payment_id", how="left")


def _way(ways: list[str], number: int) -> str:
    """Provider and rail of a candidate."""
    return _NOBODY if number < 0 else ways[number].rpartition("/")[0]


def _now(gateway: Gateway, file_id: str) -> tuple[pl.DataFrame, dict[int, Mapping[str, Any]]]:
    """As ROUTES with `text`: what a plan made now would say of the accepted payments of a file."""
    file = gateway.registry.one(t.FILES, file_id=file_id)
    if file is None:
        raise NotFound("no such file", file_id=file_id)
    planner = Planner(current_candidates(gateway), gateway.profiles.client(file["client_id"]))
    accepted = gateway.lake.whole(file_id, "verdicts").filter(pl.col("status") == "ACCP").select("payment_id")
    columns = {"choice": pl.Int64, "note": pl.Int64, "currency": pl.String, "amount_minor": pl.Int64}
    parts = [pl.DataFrame(schema=columns)]
    with originals(gateway, file_id) as beside:
        for part in gateway.lake.parts(file_id, "payments"):
            wanted = beside(part.join(accepted, on="payment_id", how="semi", maintain_order="left"))
            parts.append(planner.choose(wanted).select(columns.keys()))
    notes = list(planner.notes)
    text = pl.col("note").replace_strict(list(range(len(notes))), notes, default=None, return_dtype=pl.String)
    whole = pl.concat(parts).with_columns(plan=pl.lit(0, dtype=pl.Int64), text=text)
    words = {"ways": [option.name for option in planner.options], "choices": [list(item) for item in planner.choices]}
    return whole, {0: words}


def _reasons(words: Mapping[str, Any], choice: int) -> list[tuple[str, str]]:
    _, *codes = words["choices"][choice]
    told = ("taken" if number == FITS else REASONS[number] for number in codes)
    return list(zip(words["ways"], told, strict=True))
