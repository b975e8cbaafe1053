"""Standard entry classes that are written, and what each carries.

Source: Nacha Operating Rules, Appendix Three: entry detail and addenda records of each class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import polars as pl

REMITTANCE_CHARS: Final = 80
ADDENDA_MAX: Final = 9_999


@dataclass(frozen=True, slots=True)
class EntryClass:
    """How entries of a class are written.

    `layout`: what stands at 40-76. `addenda`: their type; `several`: up to 9,999 of them, counted in the entry; `needed`:
    at least one. `remittance_max`: characters of remittance information, 0 where none may be. `kind`: column written at
    77-78. `no_money`: zero-dollar and prenotification codes only. `described`: what the rules put as description of its batches.
    """

    code: str
    layout: Literal["named", "counted", "name 15", "name 22", "item"] = "named"
    addenda: Literal["", "02", "05"] = ""
    several: bool = False
    needed: bool = False
    remittance_max: int = 0
    kind: Literal["", "sequence_type", "purpose"] = ""
    no_money: bool = False
    described: str = ""


_PLAIN: Final = EntryClass("")
_ONE: Final = EntryClass("", addenda="05", remittance_max=REMITTANCE_CHARS)
_SEVERAL: Final = replace(_ONE, layout="counted", several=True, remittance_max=REMITTANCE_CHARS * ADDENDA_MAX)
_ITEM: Final = EntryClass("", layout="item", remittance_max=22)
_TERMINAL: Final = EntryClass("", addenda="02", needed=True, remittance_max=76)

CLASSES: Final = {
    item.code: item
    for item in (
        replace(_ONE, code="PPD"),
        replace(_ONE, code="CCD"),
        replace(_ONE, code="WEB", kind="sequence_type"),
        replace(_PLAIN, code="TEL", kind="sequence_type"),
        *(replace(_PLAIN, code=code) for code in ("ARC", "BOC", "POP")),
        replace(_PLAIN, code="RCK", described="REDEPCHECK"),
        replace(_ITEM, code="XCK", described="NO CHECK"),
        replace(_ITEM, code="TRC", kind="purpose"),
        replace(_SEVERAL, code="CTX"),
        replace(_SEVERAL, code="TRX", kind="purpose"),
        replace(_SEVERAL, code="ATX", no_money=True),
        replace(_SEVERAL, code="ENR", needed=True, no_money=True, described="AUTOENROLL"),
        replace(_ONE, code="ACK", no_money=True),
        replace(_ONE, code="DNE", needed=True, no_money=True),
        replace(_ONE, code="CIE", layout="name 15"),
        replace(_TERMINAL, code="MTE", layout="name 22"),
        replace(_TERMINAL, code="POS", kind="purpose"),
        replace(_PLAIN, code="IAT", remittance_max=160),
    )
}
WRITABLE_SEC: Final = frozenset(CLASSES)
OTHER_SEC: Final = frozenset({"ADV", "COR", "SHR"})
"""Classes whose entries say more than a payment here holds (a card number), or that banks send."""
INTERNATIONAL_SEC: Final = "IAT"
SEVERAL_SEC: Final = frozenset(code for code, item in CLASSES.items() if item.several)


def sec_of(local_instrument: pl.Expr) -> pl.Expr:
    """Standard entry class: the payment's own where it is one, else PPD."""
    known = local_instrument.is_in(WRITABLE_SEC | OTHER_SEC).fill_null(value=False)
    return pl.when(known).then(local_instrument).otherwise(pl.lit("PPD"))


def of_class(**wanted: object) -> pl.Expr:
    """Boolean: the class of the payment has these values in the table above."""
    codes = [
        code for code, item in CLASSES.items() if all(getattr(item, name) == value for name, value in wanted.items())
    ]
    return sec_of(pl.col("local_instrument")).is_in(codes)
