"""What the versions of pain.002 differ in, as far as this house writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import polars as pl

VersionName = Literal[
    "pain.002.001.03", "pain.002.001.03.ch.02", "pain.002.001.10", "pain.002.001.11", "pain.002.001.12",
    "pain.002.001.13", "pain.002.001.14", "pain.002.001.15",
]  # fmt: skip

_ISO: Final = "urn:iso:std:iso:20022:tech:xsd:"
_SWISS: Final = "http://www.six-interbank-clearing.com/de/"
_IN_03: Final = {"CANC": "RJCT", "RCVD": "PDNG"}
"""TransactionIndividualStatus3Code, and for groups TransactionGroupStatus3Code, know no CANC; the former no RCVD."""
_RELEASE_03: Final = "pain.002.001.03"
_RELEASE_CH: Final = "pain.002.001.03.ch.02"


@dataclass(frozen=True, slots=True)
class Version:
    """One message version.

    `renamed`: statuses that its code set has not, and what is said instead. `counts`: it has OrgnlNbOfTxs, OrgnlCtrlSum,
    OrgnlCreDtTm and NbOfTxsPerSts. `transactions`: the only statuses that a transaction may have, empty for any.
    `choices`: parties of OrgnlTxRef stand in Pty, its date in Dt; it has OrgnlUETR. `sender`: InitgPty must be there.
    """

    name: str
    namespace: str
    renamed: dict[str, str] = field(default_factory=dict)
    counts: bool = True
    transactions: tuple[str, ...] = ()
    choices: bool = True
    sender: bool = False

    def told(self, status: pl.Expr) -> pl.Expr:
        """The status in the code set of the version."""
        return status.replace(self.renamed) if self.renamed else status


def version_of(name: VersionName) -> Version:
    """The version by its name. The Swiss schema tells of transactions only that they are RJCT or ACWC."""
    if name == _RELEASE_03:
        return Version(name, _ISO + name, _IN_03, choices=False)
    if name == _RELEASE_CH:
        return Version(
            name, f"{_SWISS}{name}.xsd", _IN_03, counts=False, transactions=("RJCT", "ACWC"), choices=False, sender=True
        )
    return Version(name, _ISO + name)
