"""MT101 fields from columns: sequence A of a message, sequence B of each payment.

Source: SWIFT, Category 1 customer payments and cheques, MT101: format and field specifications; Standards MT general information
(lines of 35 characters in the x set, none of which begins with a colon or hyphen).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Final

import polars as pl
from pydantic import Field, model_validator

from canonical.contracts import Model, Order
from canonical.identifying import NOT_PROVIDED
from canonical.money import amount_text
from canonical.transliteration import SEPA_SET, transliterate
from exporters._fit import Limit
from exporters._references import mark

REFERENCE_CHARS: Final = 16
_LINES_MAX: Final = 4
_LINE: Final = 35
_NUMBERED: Final = 33
_ACCOUNT_CHARS: Final = 34
_BIC: Final = r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$"
_CLEARING: Final = {"USD": ("//FW", "^[0-9]{9}$"), "GBP": ("//SC", "^[0-9]{6}$")}
_BEARERS: Final = {"DEBT": "OUR", "CRED": "BEN", "SHAR": "SHA", "SLEV": "SHA"}
_TERMINAL: Final = Field(pattern=r"^[A-Z0-9]{12}$")
EOL: Final = "\r\n"
_INSTRUCTIONS: Final = {
    "service_level": {"URGP": "URGP"},
    "category_purpose": {"INTC": "INTC", "CORT": "CORT"},
    "local_instrument": {"RTGS": "RTGS", "NETS": "NETS"},
}


class Options(Model):
    """What the bank wants in its messages.

    `sender`, `receiver`: logical terminals of twelve characters; without them bare text blocks are written. `payments_max`,
    `chars_max`: most sequences B of a message, and its most characters.
    """

    sender: Annotated[str, _TERMINAL] | None = None
    receiver: Annotated[str, _TERMINAL] | None = None
    payments_max: int = Field(default=1000, ge=1)
    chars_max: int = Field(default=10_000, ge=2_000)

    @model_validator(mode="after")
    def _both(self) -> Options:
        if (self.sender is None) != (self.receiver is None):
            raise ValueError("an envelope needs sender and receiver")
        return self


def opening(order: Order, options: Options, number: int, day: dt.date) -> str:
    """Sequence A with its envelope: one message for itself (28D 1/1)."""
    head = f"{{1:F01{options.sender}0000000000}}{{2:I101{options.receiver}N}}{{4:{EOL}" if options.sender else ""
    name = pl.select(_wrapped(transliterate(pl.lit(order.account.name)), _LINE)).item()
    lines = [
        f":20:{mark(order.submission_id, REFERENCE_CHARS - 6)}{number:06d}",
        ":28D:1/1",
        f":50H:/{order.account.account}",
        *str(name).split("\n")[:_LINES_MAX],
        *([f":52A:{order.account.agent}"] if pl.select(pl.lit(order.account.agent).str.contains(_BIC)).item() else []),
        f":30:{day:%y%m%d}",
    ]
    return head + "".join(line + EOL for line in lines)


def closing(options: Options) -> str:
    """End of a message."""
    return ("-}" if options.sender else "-") + EOL


def set_out(payments: pl.DataFrame) -> pl.DataFrame:
    """PAYMENTS with the text of fields 59 and 70 as `_creditor` and `_details`.

    They are columns, since limits and sequences use them several times: one expression of all took a second to plan.
    """
    return payments.with_columns(_creditor().alias("_creditor"), _details(payments).alias("_details"))


def sequences(payments: pl.DataFrame) -> pl.Series:
    """Sequence B of each payment of `set_out`."""
    currency = pl.col("currency")
    amount = amount_text(pl.col("amount_minor"), currency)
    comma = pl.when(amount.str.contains(".", literal=True)).then(amount.str.replace(".", ",", literal=True))
    bearer = pl.col("charge_bearer").replace_strict(_BEARERS, default="SHA", return_dtype=pl.String)
    parts = [
        pl.lit(":21:") + pl.col("reference") + EOL,
        *(_instruction(name, codes) for name, codes in _INSTRUCTIONS.items()),
        pl.lit(":32B:") + currency + comma.otherwise(amount + pl.lit(",")) + EOL,
        _bank(),
        pl.concat_str(
            pl.when(_structured()).then(pl.lit(":59F:/")).otherwise(pl.lit(":59:/")), "creditor_account", pl.lit(EOL)
        ),
        _lines(pl.col("_creditor")),
        _lines(pl.lit(":70:") + pl.col("_details")),
        pl.lit(":71A:") + bearer + EOL,
    ]
    return payments.select(pl.concat_str(parts, ignore_nulls=True)).to_series()


def _instruction(name: str, codes: dict[str, str]) -> pl.Expr:
    code = pl.col(name).replace_strict(codes, default=None, return_dtype=pl.String)
    return pl.lit(":23E:") + code + EOL


def _lines(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all("\n", EOL, literal=True) + EOL


def _bank() -> pl.Expr:
    agent = pl.col("creditor_agent")
    found = [pl.when(agent.str.contains(_BIC)).then(pl.lit(":57A:") + agent + EOL)]
    for currency, (code, form) in _CLEARING.items():
        named = (pl.col("currency") == currency) & agent.str.contains(form)
        found.append(pl.when(named).then(pl.lit(f":57C:{code}") + agent + EOL))
    return pl.coalesce(found)


def _wrapped(text: pl.Expr, chars: int) -> pl.Expr:
    """Broken into lines of so many characters."""
    broken = text.str.strip_chars(" ").str.replace_all(rf"([^\n]{{{chars}}})", "${1}\n")
    return broken.str.replace_all(r"\n{2,}", "\n").str.strip_chars("\n").replace("", None)


def _structured() -> pl.Expr:
    """Country and town are known and nothing stands in free lines: option F."""
    lines = pl.col("creditor_address_lines").replace("", None)
    return pl.col("creditor_country").is_not_null() & pl.col("creditor_town").is_not_null() & lines.is_null()


def _creditor() -> pl.Expr:
    """Name and address of field 59 or 59F, its lines divided by line feeds."""
    street = pl.concat_str("creditor_street", "creditor_building", separator=" ", ignore_nulls=True)
    place = pl.concat_str("creditor_town", "creditor_post_code", separator=", ", ignore_nulls=True)
    numbered = [
        _numbered("1", pl.col("creditor_name")),
        _numbered("2", street),
        _numbered("3", pl.concat_str("creditor_country", pl.lit("/"), place)),
    ]
    free = pl.concat_str(
        [_plain(pl.col("creditor_name"), _LINE), _plain(street, _LINE), _plain(place, _LINE), _plain(pl.col("creditor_address_lines"), _LINE),
         _plain(pl.col("creditor_country"), _LINE)],
        separator="\n", ignore_nulls=True,
    )  # fmt: skip
    return pl.when(_structured()).then(pl.concat_str(numbered, separator="\n", ignore_nulls=True)).otherwise(free)


def _plain(text: pl.Expr, chars: int) -> pl.Expr:
    # A line that begins with a hyphen or colon would end the text or begin a field.
    return _wrapped(transliterate(text), chars).str.replace_all("(?m)^[-:]", ".")


def _numbered(number: str, text: pl.Expr) -> pl.Expr:
    return pl.lit(f"{number}/") + _wrapped(transliterate(text), _NUMBERED).str.replace_all(
        "\n", f"\n{number}/", literal=True
    )


def _details(payments: pl.DataFrame) -> pl.Series:
    """Field 70: the client's end-to-end id behind /ROC/, then what the payment is for; null where there is nothing."""
    own = pl.col("end_to_end_id").replace({NOT_PROVIDED: None, "": None})
    words = transliterate(
        pl.concat_str("remittance_reference", "remittance", separator=" ", ignore_nulls=True)
        .str.replace_all("\n", " ", literal=True).str.strip_chars(" ")
    ).replace("", None)  # fmt: skip
    text = pl.concat_str(pl.lit("/ROC/") + own, words, separator="//", ignore_nulls=True).replace("", None)
    found = payments.select(text.alias("text")).with_columns(_wrapped(pl.col("text"), _LINE).alias("_details"))
    for chars in (_LINE - 1, _LINE - 2, _LINE - 3):
        again = pl.when(pl.col("_details").str.contains("(?m)^[-:]")).then(_wrapped(pl.col("text"), chars))
        found = found.with_columns(again.otherwise("_details").alias("_details"))
    return found["_details"]


def limits() -> Iterator[Limit]:
    """What a payment of `set_out` must be like."""
    own, agent = pl.col("end_to_end_id"), pl.col("creditor_agent")
    foreign = f"[^{SEPA_SET}]"
    yield Limit(
        "credit_debit", "AG01", pl.col("credit_debit") != "CRDT", "MT101 orders credit transfers only.", "Collect on another rail."
    )  # fmt: skip
    yield Limit(
        "amount_text", "AM12", ~(pl.col("amount_minor") > 0).fill_null(value=False), "The amount is zero.", "Give an amount."
    )  # fmt: skip
    yield Limit(
        "creditor_account", "AC01",
        (pl.col("creditor_account").str.len_chars() > _ACCOUNT_CHARS) | pl.col("creditor_account").str.contains(foreign) | pl.col("creditor_account").is_null(),
        "The account is missing, longer than 34 characters, or holds others than SWIFT knows.", "Give the account as its bank writes it.",
    )  # fmt: skip
    yield Limit(
        "end_to_end_id", "CH16", own.str.contains(foreign) | own.str.contains("//|^/|/$") | own.str.contains("\n"),
        "The end-to-end id holds characters that SWIFT does not know, or a slash at its end, or two in a row.",
        "Use letters, digits and / - ? : ( ) . , ' +",
    )  # fmt: skip
    yield Limit(
        "creditor_name", "BE22", pl.col("creditor_name").replace("", None).is_null(), "The creditor has no name.", "Give the name."
    )  # fmt: skip
    usable = agent.str.contains(_BIC)
    for currency, (_, form) in _CLEARING.items():
        usable = usable | ((pl.col("currency") == currency) & agent.str.contains(form))
    yield Limit(
        "creditor_agent", "RC04", ~usable & ~pl.col("creditor_account").str.contains("^[A-Z]{2}[0-9]{2}"),
        "The creditor's bank is no BIC, and no number of a clearing system that MT101 can name.", "Give the BIC.",
    )  # fmt: skip
    lines = pl.col("_creditor").str.count_matches("\n", literal=True) + 1
    yield Limit(
        "creditor_address_lines", "BE04", lines > _LINES_MAX, f"Name and address need more than {_LINES_MAX} lines of {_LINE} characters.",
        "Shorten them.",
    )  # fmt: skip
    told = pl.col("_details")
    unfolded = told.str.replace_all(rf"(?m)^([^\n]{{{_LINE}}})\n", "${1}").str.extract(r"^/ROC/([^\n/]+(?:/[^\n/]+)*)")
    yield Limit(
        "end_to_end_id", "CH16", unfolded.ne_missing(own.replace({NOT_PROVIDED: None, "": None})),
        "The end-to-end id cannot stand whole in field 70.", "Shorten it to 27 characters.",
    )  # fmt: skip
    yield Limit(
        "remittance", "RR07", (told.str.count_matches("\n", literal=True) + 1 > _LINES_MAX) | told.str.contains("(?m)^[-:]"),
        f"End-to-end id and remittance information need more than {_LINES_MAX} lines of {_LINE} characters.", "Shorten it.",
    )  # fmt: skip
