"""Standard entry classes of ACH batches: which fields their entries have, which addenda, which amounts.

Source: Nacha Operating Rules, Article Eight (definitions) and Appendix Three: entry detail record of each class, addenda
record formats, sequence and number of addenda.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

Span = tuple[int, int]
_BOTH: Final = ("CRDT", "DBIT")
_CREDITS: Final = ("CRDT",)
_DEBITS: Final = ("DBIT",)
_IDENTIFICATION: Final = (40, 54)
_NAME: Final = (55, 76)
ADDENDA_MAX: Final = 9_999
IAT_ADDENDA_MIN: Final = 7
IAT_OPTIONAL_ADDENDA_MAX: Final = 5
IAT_REMITTANCE_MAX: Final = 2


@dataclass(frozen=True, slots=True)
class EntryClass:
    """What entries of one class are like. Spans are positions of the entry detail record.

    `counted`: 55-58 hold the number of addenda and 59-74 the name. `addenda`: their type, IAT has its own. `directions`:
    those that are no reversal. `payload`: a span read into `remittance` (of classes without addenda of their own).
    `zero_dollar`: carries the codes for remittance without money (24, 29, …). `described`: what the rules put as
    description of its batches. `kind`: what 77-78 mean. `named`, `identified`: name or identification may not be left out.
    `uncarried`: what an entry says that no canonical column holds, though its money moves by it.
    """

    code: str
    identification: Span | None = _IDENTIFICATION
    name: Span | None = _NAME
    account: Span = (13, 29)
    amount: Span = (30, 39)
    counted: bool = False
    payload: Span | None = None
    kind: Literal["", "sequence_type", "purpose"] = ""
    addenda: Literal["", "02", "05", "IAT"] = ""
    addenda_min: int = 0
    addenda_max: int = 0
    directions: tuple[str, ...] = _BOTH
    no_money: bool = False
    zero_dollar: bool = False
    described: str = ""
    amount_minor_max: int | None = None
    named: bool = True
    identified: bool = False
    uncarried: str | None = None


_PLAIN: Final = EntryClass("")
_ONE: Final = replace(_PLAIN, addenda="05", addenda_max=1)
_COUNTED: Final = replace(_PLAIN, name=(59, 74), counted=True, addenda="05", addenda_max=ADDENDA_MAX)
_TERMINAL: Final = replace(_PLAIN, addenda="02", addenda_min=1, addenda_max=1)
_CHECK: Final = replace(_PLAIN, directions=_DEBITS, named=False, identified=True)
_ITEM: Final = replace(_CHECK, name=None, payload=_NAME)

_ALL: Final = (
    replace(_ONE, code="PPD"),
    replace(_ONE, code="CCD", zero_dollar=True),
    replace(_COUNTED, code="CTX", zero_dollar=True),
    replace(_ONE, code="WEB", kind="sequence_type"),
    replace(_PLAIN, code="TEL", kind="sequence_type"),
    replace(_ONE, code="CIE", name=(40, 54), identification=(55, 76), directions=_CREDITS),
    replace(_CHECK, code="ARC", amount_minor_max=25_000_00),
    replace(_CHECK, code="BOC", amount_minor_max=25_000_00),
    replace(_CHECK, code="POP", amount_minor_max=25_000_00),
    replace(_CHECK, code="RCK", amount_minor_max=2_500_00, named=True, described="REDEPCHECK"),
    replace(_ITEM, code="XCK", amount_minor_max=2_500_00, described="NO CHECK"),
    replace(_ITEM, code="TRC", kind="purpose"),
    replace(_COUNTED, code="TRX", directions=_DEBITS, kind="purpose"),
    replace(_TERMINAL, code="POS", directions=_DEBITS, kind="purpose"),
    replace(
        _TERMINAL,
        code="SHR",
        directions=_DEBITS,
        kind="purpose",
        identification=(44, 54),
        name=None,
        named=False,
        uncarried="the card (SHR)",
    ),
    replace(_TERMINAL, code="MTE", name=(40, 61), identification=(62, 76)),
    replace(_ONE, code="ACK", directions=_CREDITS, no_money=True, zero_dollar=True),
    replace(_COUNTED, code="ATX", directions=_CREDITS, no_money=True, zero_dollar=True),
    replace(_ONE, code="DNE", addenda_min=1, directions=_CREDITS, no_money=True),
    replace(_COUNTED, code="ENR", addenda_min=1, no_money=True, described="AUTOENROLL"),
    replace(
        _PLAIN,
        code="IAT",
        identification=None,
        name=None,
        account=(40, 74),
        addenda="IAT",
        zero_dollar=True,
        named=False,
        uncarried="foreign exchange and the banks between (IAT)",
    ),
    replace(_PLAIN, code="ADV", identification=None, account=(13, 27), amount=(28, 39), named=False),
)
CLASSES: Final = {item.code: item for item in _ALL}
PAYMENT_CLASSES: Final = frozenset(CLASSES) - {"ADV"}
"""Classes that clients may send. ADV tells of what was settled and comes from ACH Operators; COR comes from banks."""
UNKNOWN: Final = EntryClass("", identification=None, name=None, named=False)
"""Of classes that nobody knows, nothing but bank, account and amount is read."""
ORDERED: Final = (*_ALL, UNKNOWN)
"""All of them: a class is known in arrays by its place here; the last stands for all others."""
CLASS_OF: Final = {item.code: index for index, item in enumerate(ORDERED)}
