"""Payments as JSON, one line each, for providers whose API takes them one by one: the body is a template in the profile.

A line holds `reference`, `account`, `amount_minor`, `currency` and the `body` as it will be sent. docs/exports/json.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar, Final, Literal

import polars as pl
from pydantic import Field, model_validator

from canonical.codes import Level, Severity
from canonical.contracts import ExportSummary, Order, Source
from canonical.errors import FrameBroken
from canonical.frames import FINDINGS, PAYMENTS, conform, dtypes
from canonical.json_templates import FIELD, RAW_NUMBER, fields
from canonical.limits import LINE_BYTES_MAX
from canonical.money import amount_minor, amount_text
from canonical.parties import counterparty
from canonical.profiles import Model
from canonical.tally import Said, summary_of, written_as
from exporters._fit import misfits

_OURS: Final = ("submission_id", "our_account", "our_name", "business_date")
_MADE: Final = (
    "reference", "position", "execution_date", "amount", "currency_lower", "counterparty_name", "counterparty_account",
    "counterparty_agent",
)  # fmt: skip
KNOWN: Final = frozenset({*dtypes(PAYMENTS), *_MADE, *_OURS})
"""What a template may name."""
_NULLS: Final = (
    (r'\{(?:"[^"\\]+":null,)+', "{"), (r',"[^"\\]+":null', ""), (r'\{"[^"\\]+":null\}', "{}"),
)  # fmt: skip
"""Members that are null are left out. Inside a text the quotes of such a member would be escaped, so that none matches."""

_RULE: Final = "json-unfit"


class Options(Model):
    """`body`: JSON template of one payment. `required`: columns it cannot do without. `chars_max`: column → longest text."""

    body: dict[str, Any] = Field(min_length=1)
    required: tuple[str, ...] = ("reference", "amount_minor", "currency")
    chars_max: dict[str, int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Options:
        named = {*fields(self.body), *self.required, *self.chars_max}
        if unknown := sorted(named - KNOWN):
            raise ValueError(f"no column {', '.join(unknown)}")
        if not {"amount", "amount_minor"} & set(_leaves(self.body)):
            raise ValueError("the body has no amount: give {amount_minor} or {amount}, alone")
        return self


@dataclass(frozen=True, slots=True)
class Json:
    """The export. See docs/exports/json.md."""

    name: str = "json"
    kind: ClassVar[Literal["provider"]] = "provider"
    batches: ClassVar[bool] = False
    suffix: str = ".jsonl"
    options: type[Model] = Options

    def reference(self, order: Order, payment_id: pl.Expr, position: pl.Expr) -> pl.Expr:  # noqa: ARG002
        """The payment's id, which is the idempotency key too."""
        return payment_id

    def unfit(self, payments: pl.DataFrame, options: Options | None = None) -> pl.DataFrame:
        """FINDINGS of payments that lack a column the provider needs, or whose text is too long for it. Nothing is cut."""
        if options is None or payments.is_empty():
            return conform(pl.DataFrame(schema=dtypes(FINDINGS)), FINDINGS)
        made = payments.with_columns(**_made(payments))
        faults = [
            _finding(made, name, pl.col(name).is_null() | (pl.col(name).cast(pl.String) == ""), "is missing")
            for name in options.required
            if name in made.columns
        ]
        faults += [
            _finding(made, name, pl.col(name).str.len_chars() > most, f"has more than {most} characters")
            for name, most in options.chars_max.items()
            if name in made.columns
        ]
        faults.append(misfits(payments, (), _RULE))
        return conform(
            pl.concat([pl.DataFrame(schema=dtypes(FINDINGS)), *faults], how="diagonal").sort("row"), FINDINGS
        )

    def write(self, order: Order, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
        """Write a line a payment; the same input gives the same bytes.

        Raises:
            FrameBroken: a payment that `unfit` names.
        """
        options = Options.model_validate(order.provider.export.options)
        summary = ExportSummary()
        for window in windows:
            refused = self.unfit(window, options)
            if not refused.is_empty():
                raise FrameBroken(f"not for this provider: {refused['message'][0]}", row=refused["row"][0])
            lines = _lines(window, order, options)
            out.write("".join(f"{line}\n" for line in lines).encode())
            summary = summary.plus(written_as(window))
        return summary

    def said(self, order: Order) -> Said:  # noqa: ARG002
        """Reference and account as they are."""
        return Said()

    def reread(self, source: Source, order: Order) -> ExportSummary:
        """Count, sum and digest what the bodies say, as far as they say it.

        Raises:
            FrameBroken: a line that is no JSON object, or longer than the house's bound.
        """
        options = Options.model_validate(order.provider.export.options)
        lines = pl.DataFrame({"line": bytes(source.data).decode().split("\n")[:-1]}, schema={"line": pl.String})
        if lines.filter(pl.col("line").str.len_bytes() > LINE_BYTES_MAX).height:
            raise FrameBroken(f"a payment's body is longer than {LINE_BYTES_MAX} bytes")
        where = dict[str, list[str]]()
        for path, name in _paths(options.body, "$.body"):
            where.setdefault(name, []).append(path)
        told = lines.select(
            reference=_all_say(where.get("reference", ["$.reference"])),
            account=_all_say(where.get("counterparty_account", ["$.account"])),
            currency=_all_say(where.get("currency", ["$.currency"])),
            minor=_all_say(where.get("amount_minor", ["$.amount_minor"])).cast(pl.Int64, strict=False),
            amount=_all_say(where.get("amount", ["$.nothing"])),
        )
        exact = amount_minor(pl.col("amount"), pl.col("currency"))
        named = pl.lit("amount" in where)
        rows = told.with_columns(
            amount_minor=pl.when(named & (exact != pl.col("minor"))).then(None).otherwise(pl.col("minor"))
        )
        if rows.select(pl.col("reference", "amount_minor", "currency").has_nulls()).row(0) != (False, False, False):
            raise FrameBroken(
                "a line says no reference, amount or currency, or two that differ", submission_id=order.submission_id
            )
        return summary_of(rows)


def _made(payments: pl.DataFrame) -> dict[str, pl.Expr]:
    made = {
        "amount": amount_text(pl.col("amount_minor"), pl.col("currency")),
        "currency_lower": pl.col("currency").str.to_lowercase(),
        **{f"counterparty_{name}": counterparty(name) for name in ("name", "account", "agent")},
    }
    dates = {name: pl.col(name).cast(pl.String) for name, kind in payments.schema.items() if kind.is_temporal()}
    return {**made, **dates}


def _lines(window: pl.DataFrame, order: Order, options: Options) -> list[str]:
    ours = {
        "submission_id": order.submission_id, "our_account": order.account.account, "our_name": order.account.name,
        "business_date": order.business_date.isoformat(),
    }  # fmt: skip
    known = window.with_columns(**_made(window), **{name: pl.lit(value) for name, value in ours.items()})
    head = pl.struct("reference", "amount_minor", "currency", account="counterparty_account").struct.json_encode()
    body = _expression(options.body).struct.json_encode()
    for pattern, instead in _NULLS:
        body = body.str.replace_all(pattern, instead)
    body = body.str.replace_all(RAW_NUMBER, "${1}")
    line = pl.concat_str(head.str.strip_suffix("}"), pl.lit(',"body":'), body, pl.lit("}"))
    return known.select(line=line)["line"].to_list()


def _expression(template: Any) -> pl.Expr:
    if isinstance(template, str):
        alone = FIELD.fullmatch(template)
        if alone is None:
            pieces = FIELD.split(template)  # text, name, form, text, …
            names = [pl.col(name).cast(pl.String) for name in pieces[1::3]]
            return pl.concat_str(
                pl.lit(pieces[0]),
                *(item for pair in zip(names, map(pl.lit, pieces[3::3]), strict=True) for item in pair),
            )
        value, form = pl.col(alone.group(1)), alone.group(2)
        if form == "text":
            return value.cast(pl.String)
        return pl.concat_str(pl.lit("\0"), value.cast(pl.String), pl.lit("\0")) if form == "number" else value
    if isinstance(template, Mapping):
        return pl.struct([_expression(item).alias(str(key)) for key, item in template.items()])
    if isinstance(template, (list, tuple)):
        return pl.concat_list([_expression(item) for item in template])
    return pl.lit(template)


def _leaves(template: Any) -> Iterator[str]:
    yield from (leaf for _, leaf in _paths(template, "$"))


def _paths(template: Any, path: str) -> Iterator[tuple[str, str]]:
    """Path and column of every field that stands alone."""
    if isinstance(template, Mapping):
        for key, item in template.items():
            yield from _paths(item, f"{path}['{key}']")
    elif isinstance(template, (list, tuple)):
        for position, item in enumerate(template):
            yield from _paths(item, f"{path}[{position}]")
    elif isinstance(template, str) and (alone := FIELD.fullmatch(template)):
        yield path, alone.group(1)


def _all_say(paths: list[str]) -> pl.Expr:
    """What stands at all of the paths; null where they differ."""
    first, *rest = (pl.col("line").str.json_path_match(path) for path in paths)
    same = pl.all_horizontal([pl.lit(value=True), *(first.eq_missing(other) for other in rest)])
    return pl.when(same).then(first)


def _finding(payments: pl.DataFrame, name: str, wrong: pl.Expr, what: str) -> pl.DataFrame:
    return payments.filter(wrong).select(
        "row", "line", "batch", "batch_id", "end_to_end_id", rule=pl.lit(_RULE), reason=pl.lit("CH21"),
        severity=pl.lit(Severity.ERROR.value), level=pl.lit(Level.PAYMENT.value), field=pl.lit(name),
        message=pl.lit(f"The provider needs {name}, which {what}."),
        remedy=pl.lit(f"Correct {name}, or order the payment by another rail."),
    )  # fmt: skip


EXPORT: Final = Json()
