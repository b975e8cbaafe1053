"""Run all rules: windows in, findings out, then the client's profile, then a verdict for every payment.

Not a rule itself: discovery passes over modules without a RULE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Context, Fallen, FileRule, FormatFacts, LastRule, RowRule, Window
from canonical.findings import OF_BATCH, OF_FILE, OF_PAYMENT, REFUSES
from canonical.frames import FINDINGS, VERDICTS, checked, conform, empty
from canonical.limits import FINDINGS_PER_RULE_MAX
from canonical.plugins import discover
from canonical.profiles import ClientProfile

States = Mapping[str, Any]
"""Rule id → state of its fold. Never changed, only replaced."""

_FATAL: Final = pl.col("severity") == Severity.FATAL.value
_OFF: Final = "off"
_CAUSE: Final = ("reason", "rule")
_MISSING: Final = "required"


def _row_rules() -> dict[str, RowRule]:
    return {name: cast(RowRule, rule) for name, rule in discover("validators", "RULE").items() if rule.kind == "row"}


def _file_rules() -> dict[str, FileRule]:
    return {name: cast(FileRule, rule) for name, rule in discover("validators", "RULE").items() if rule.kind == "file"}


def _last_rules() -> dict[str, LastRule]:
    return {name: cast(LastRule, rule) for name, rule in discover("validators", "RULE").items() if rule.kind == "last"}


def _folds() -> dict[str, FileRule | LastRule]:
    return {**_file_rules(), **_last_rules()}


def check_window(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    """FINDINGS of all row rules on one window's payments, rule after rule in the order of their ids."""
    told = [found for rule in _row_rules().values() if (found := rule.findings(payments, context)).height]
    return pl.concat(told) if told else empty(FINDINGS)


def start(context: Context) -> States:
    """State of every fold before the first window."""
    return {name: rule.start(context) for name, rule in _folds().items()}


def update(states: States, window: Window, context: Context) -> States:
    """States after one more window."""
    return {name: rule.update(states[name], window, context) for name, rule in _folds().items()}


def merge(left: States, right: States) -> States:
    """States of two parts of one file, `left` before `right`."""
    return {name: rule.merge(left[name], right[name]) for name, rule in _folds().items()}


def finish(states: States, told: pl.DataFrame, context: Context) -> pl.DataFrame:
    """All FINDINGS of a file by the client's profile: those `told` of its windows, then those of the folds."""
    folded = (rule.finish(states[name], context) for name, rule in _file_rules().items())
    known = _told_once(apply_profile(pl.concat([told, *folded]), context.client), context.facts)
    fallen = _fallen(known, context.client)
    last = (rule.finish(states[name], context, fallen) for name, rule in _last_rules().items())
    return pl.concat([known, apply_profile(pl.concat([empty(FINDINGS), *last]), context.client)])


def _told_once(findings: pl.DataFrame, facts: FormatFacts) -> pl.DataFrame:
    """FINDINGS without what only follows from a fault that the parser tells, and that refuses the payment.

    That is a column missing by that fault, and what a rule says of a cell that the parser refused.
    """
    cells = findings.filter(REFUSES & OF_PAYMENT & pl.col("rule").is_in(facts.of_cells)).select("row", "field")
    if not cells.is_empty():
        again = findings.filter(~pl.col("rule").is_in(facts.rules)).join(
            cells.unique(), on=["row", "field"], how="semi"
        )
        findings = findings.join(again, on=["rule", "row", "field"], how="anti", maintain_order="left")
    causes = findings.filter(REFUSES & pl.col("rule").is_in(list(facts.covers))) if facts.covers else empty(FINDINGS)
    if causes.is_empty():
        return findings
    field = pl.col("rule").replace_strict(dict(facts.covers), return_dtype=pl.List(pl.String))
    explained = causes.with_columns(field=field).explode("field").with_columns(rule=pl.lit(_MISSING))
    kept = findings
    for of, place in ((OF_PAYMENT, "row"), (OF_BATCH, "batch")):
        kept = kept.join(explained.filter(of), on=["rule", "field", place], how="anti", maintain_order="left")
    return kept


def _fallen(findings: pl.DataFrame, client: ClientProfile) -> Fallen:
    """What falls by these findings. Where all of the file does, nothing counts as fallen: it comes again as a whole."""
    errors = findings.filter(REFUSES)
    if not _of_file(errors, client).is_empty():
        errors = errors.clear()
    own = errors.filter(OF_PAYMENT)
    return Fallen(own["row"].drop_nulls().unique(), _of_batch(errors, client)["batch"].drop_nulls().unique())


def apply_profile(findings: pl.DataFrame, client: ClientProfile) -> pl.DataFrame:
    """FINDINGS as the client agreed on them: a rule set to error or warning, or switched off. FATAL stays as it is.

    A fault of a batch that several windows met is told once.
    """
    agreed = pl.col("rule").replace_strict(
        list(client.rules), list(client.rules.values()), default=None, return_dtype=pl.String
    )
    severity = pl.when(_FATAL | agreed.is_null()).then(pl.col("severity")).otherwise(agreed)
    first = pl.struct("level", "rule", "batch", "field", "message").is_first_distinct()
    return findings.with_columns(severity.alias("severity")).filter((severity != _OFF) & (~OF_BATCH | first))


def in_terms(findings: pl.DataFrame, facts: FormatFacts) -> pl.DataFrame:
    """FINDINGS whose `field` is what the client calls it, where the format has a name for the canonical column.

    Last of all: nothing here knows a column by the client's name, and `facts.terms` says which is which.
    """
    return findings.with_columns(pl.col("field").replace(dict(facts.terms))) if facts.terms else findings


def capped(findings: pl.DataFrame, per_rule_max: int = FINDINGS_PER_RULE_MAX) -> pl.DataFrame:
    """FINDINGS with at most that many of each rule, and a closing warning at file level that counts the rest.

    Take the verdicts from all findings first: what is left out here still rejects its rows.
    """
    kept = findings.filter(pl.int_range(pl.len()).over("rule") < per_rule_max)
    if kept.height == findings.height:
        return findings
    over = findings.group_by("rule", maintain_order=True).agg(pl.len().alias("all"), pl.col("reason").first())
    closing = over.filter(pl.col("all") > per_rule_max).select(
        "rule",
        "reason",
        pl.lit(Severity.WARNING.value).alias("severity"),
        pl.lit(Level.FILE.value).alias("level"),
        pl.format("Not listed: {} more of the same kind", pl.col("all") - per_rule_max).alias("message"),
        pl.lit("Mend the cause of those listed; it is most likely the same.").alias("remedy"),
    )
    return pl.concat([kept, conform(closing, FINDINGS)])


def verdicts(payments: pl.DataFrame, findings: pl.DataFrame, client: ClientProfile) -> pl.DataFrame:
    """VERDICTS: one row a payment, in the given order. `payments`: payment_id, row, batch.

    A payment falls by an error of its own, else of its batch, else of its file. FATAL and file-level errors reject all,
    batch-level errors their batch; the client's `acceptance` lets one bad payment (or one row that could not be read)
    reject its batch or the whole file. An error whose batch is not known counts for the file.
    """
    errors = findings.filter(REFUSES)
    if errors.is_empty():
        nothing = (pl.lit(None, dtype=pl.String).alias(name) for name in _CAUSE)
        return checked(payments.select("payment_id", "row", pl.lit("ACCP").alias("status"), *nothing), VERDICTS)
    own = _first(errors.filter(OF_PAYMENT), "row", "own")
    batch = _first(_of_batch(errors, client), "batch", "batch")
    of_file = _of_file(errors, client)
    joined = payments.select("payment_id", "row", "batch").join(own, on="row", how="left", maintain_order="left")
    joined = joined.join(batch, on="batch", how="left", maintain_order="left")
    decided = joined.select("payment_id", "row", *(_coalesced(name, of_file) for name in _CAUSE))
    status = pl.when(pl.col("reason").is_null()).then(pl.lit("ACCP")).otherwise(pl.lit("RJCT"))
    return checked(decided.select("payment_id", "row", status.alias("status"), *_CAUSE), VERDICTS)


def accepted(payments: pl.DataFrame, findings: pl.DataFrame, client: ClientProfile) -> pl.DataFrame:
    """Those of the payments that have the verdict ACCP. `payments`: row, batch and what else is to be kept."""
    errors = findings.filter(REFUSES)
    if errors.is_empty():
        return payments
    if not _of_file(errors, client).is_empty():
        return payments.clear()
    fallen = _fallen(errors, client)
    stands = ~pl.col("row").is_in(fallen.rows.implode()) & ~pl.col("batch").is_in(fallen.batches.implode())
    return payments.filter(stands.fill_null(value=True))


def _spreads(client: ClientProfile) -> pl.Expr:
    """True for an error that rejects all of its batch."""
    return OF_BATCH | (client.acceptance == "batch")


def _of_batch(errors: pl.DataFrame, client: ClientProfile) -> pl.DataFrame:
    return errors.filter(_spreads(client) & ~OF_FILE)


def _of_file(errors: pl.DataFrame, client: ClientProfile) -> pl.DataFrame:
    placeless = pl.col("batch").is_null() & _spreads(client)
    return errors.filter(_FATAL | OF_FILE | placeless | (client.acceptance == "file"))


def _first(errors: pl.DataFrame, by: str, prefix: str) -> pl.DataFrame:
    """Reason and rule of the first error of each row or batch."""
    first = [pl.col(name).first().alias(f"{prefix}_{name}") for name in _CAUSE]
    # An error at the level itself comes before one that only spreads to it.
    ordered = errors.filter(pl.col(by).is_not_null()).sort(~OF_BATCH, maintain_order=True)
    return ordered.group_by(by, maintain_order=True).agg(first)


def _coalesced(name: str, of_file: pl.DataFrame) -> pl.Expr:
    ordered = of_file.sort(~OF_FILE, maintain_order=True)
    last = None if ordered.is_empty() else ordered.item(0, name)
    return pl.coalesce(pl.col(f"own_{name}"), pl.col(f"batch_{name}"), pl.lit(last, dtype=pl.String)).alias(name)
