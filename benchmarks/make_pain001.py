"""Make big payment files from a seed: pain.001.001.09 and pain.008.001.08, about 1.1 kB a payment, as an ERP writes them.

`python benchmarks/make_pain001.py PATH [PAYMENTS] [SEED] [BAD_SHARE]`; a path that ends in `.008.xml` becomes a pain.008.
Payments differ as they do in life: with and without agent, purpose, and street, with a remittance line or a creditor
reference; sound ones draw no finding, so that what a finding costs is seen where it is meant to be. Names and accounts are made up; the IBANs' check digits are right. `bad_share` of the
payments carry one fault each: an IBAN with wrong check digits, an amount with a comma, no name, or no country.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

BATCH: Final = 50_000
_LEVEL: Final = "      "
_FIRST: Final = ("Ada", "Bela", "Cosima", "Dario", "Elif", "Fenna", "Goran", "Hedda", "Ilja", "Jorun", "Kalle", "Lucia")
_LAST: Final = (
    "Musterfrau",
    "Beispiel",
    "Probst",
    "Testino",
    "Exempel",
    "Vzorova",
    "Primer",
    "Nayte",
    "Voorbeeld",
    "Muster",
)
_FIRMS: Final = (
    "Werkzeugbau GmbH",
    "Logistik + Co. KG",
    "Handels AG",
    "Buerobedarf OHG",
    "Energie SE",
    "Spedition GmbH",
)
_TOWNS: Final = (("Musterstadt", "DE"), ("Beispielhausen", "DE"), ("Probenbach", "AT"), ("Testdorf an der Aue", "AT"))
_STREETS: Final = ("Hauptstrasse", "Am Alten Markt", "Lindenallee", "Industriestrasse", "Bahnhofplatz", "Rosenweg")
_AGENTS: Final = {"DE": ("MUSTDEFFXXX", "PROBDEHH", "EXEMDEBB123"), "AT": ("BEISATWW", "TESTATWWXXX")}
"""Banks by the country of the account."""
_PURPOSES: Final = ("SALA", "SUPP", "TRAD", "RENT", "PENS")


@dataclass(frozen=True, slots=True)
class _Kind:
    """What differs between the two messages."""

    version: str
    message: str
    transaction: str
    other: str


_CREDIT: Final = _Kind("pain.001.001.09", "CstmrCdtTrfInitn", "CdtTrfTxInf", "Cdtr")
_DEBIT: Final = _Kind("pain.008.001.08", "CstmrDrctDbtInitn", "DrctDbtTxInf", "Dbtr")


def write(path: Path, payments: int, seed: int, bad_share: float = 0.0) -> int:
    """Write a pain.001.001.09; gives the sum of its payments in cents (of those with a bad amount too)."""
    return _write(path, payments, seed, bad_share, _CREDIT)


def write_pain008(path: Path, payments: int, seed: int, bad_share: float = 0.0) -> int:
    """Write a pain.008.001.08; gives the sum of its payments in cents (of those with a bad amount too)."""
    return _write(path, payments, seed, bad_share, _DEBIT)


def _write(path: Path, payments: int, seed: int, bad_share: float, kind: _Kind) -> int:
    sizes = [min(BATCH, payments - start) for start in range(0, payments, BATCH)]
    cents = [np.random.default_rng((seed, n)).integers(100, 5_000_00, size) for n, size in enumerate(sizes)]
    total = sum(int(part.sum()) for part in cents)
    with path.open("wb") as out:
        out.write(_head(kind, payments, total))
        for number, amounts in enumerate(cents):
            out.write(_batch(kind, number, amounts))
            rng = np.random.default_rng((seed, number, 1))
            for text in _payments(kind, rng, amounts, number * BATCH, bad_share):
                out.write(text)
            out.write(b"    </PmtInf>\n")
        out.write(f"  </{kind.message}>\n</Document>\n".encode())
    return total


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _head(kind: _Kind, payments: int, total: int) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind.version}">
  <{kind.message}>
    <GrpHdr>
      <MsgId>BENCH-2026-11-20-1</MsgId>
      <CreDtTm>2026-11-20T09:30:00</CreDtTm>
      <NbOfTxs>{payments}</NbOfTxs>
      <CtrlSum>{_money(total)}</CtrlSum>
      <InitgPty><Nm>Musterwerk Beispiel GmbH</Nm></InitgPty>
    </GrpHdr>
""".encode()


def _batch(kind: _Kind, number: int, amounts: npt.NDArray[np.int64]) -> bytes:
    own = "Dbtr" if kind is _CREDIT else "Cdtr"
    method, instrument, date = ("TRF", "", "<ReqdExctnDt><Dt>2026-11-25</Dt></ReqdExctnDt>")
    scheme = ""
    if kind is _DEBIT:
        method, date = "DD", "<ReqdColltnDt>2026-11-27</ReqdColltnDt>"
        instrument = "<LclInstrm><Cd>CORE</Cd></LclInstrm><SeqTp>RCUR</SeqTp>"
        scheme = (
            "\n      <CdtrSchmeId><Id><PrvtId><Othr><Id>DE98ZZZ09999999999</Id>"
            "<SchmeNm><Prtry>SEPA</Prtry></SchmeNm></Othr></PrvtId></Id></CdtrSchmeId>"
        )
    return f"""    <PmtInf>
      <PmtInfId>BATCH-{number + 1}</PmtInfId>
      <PmtMtd>{method}</PmtMtd>
      <BtchBookg>true</BtchBookg>
      <NbOfTxs>{len(amounts)}</NbOfTxs>
      <CtrlSum>{_money(int(amounts.sum()))}</CtrlSum>
      <PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl>{instrument}</PmtTpInf>
      {date}
      <{own}>
        <Nm>Musterwerk Beispiel GmbH</Nm>
        <PstlAdr><TwnNm>Musterstadt</TwnNm><Ctry>DE</Ctry></PstlAdr>
      </{own}>
      <{own}Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></{own}Acct>
      <{own}Agt><FinInstnId><BICFI>MUSTDEFFXXX</BICFI></FinInstnId></{own}Agt>
      <ChrgBr>SLEV</ChrgBr>{scheme}
""".encode()


def _payments(
    kind: _Kind, rng: np.random.Generator, cents: npt.NDArray[np.int64], before: int, bad_share: float
) -> Iterator[bytes]:
    frame = _facts(rng, cents, before, bad_share)
    parts = _credit(kind) if kind is _CREDIT else _debit(kind)
    text = frame.select(pl.concat_str(parts, ignore_nulls=True).alias("x"))["x"]
    for part in text.to_frame().iter_slices(10_000):
        yield part.select(pl.col("x").str.join("")).item().encode()


def _facts(rng: np.random.Generator, cents: npt.NDArray[np.int64], before: int, bad_share: float) -> pl.DataFrame:
    size = len(cents)

    def some(values: tuple[str, ...]) -> pl.Series:
        return pl.Series(values).gather(rng.integers(0, len(values), size))

    town = rng.integers(0, len(_TOWNS), size)
    fault = np.where(rng.random(size) < bad_share, rng.integers(1, 5, size), 0)
    uuid = pl.DataFrame({"a": rng.integers(0, 2**48, size), "b": rng.integers(0, 2**60, size)}).select(
        pl.concat_str(_hex("a", 12), _hex("b", 15)).alias("x")
    )["x"]
    ibans = _ibans(rng, size)
    agents = {country: some(banks) for country, banks in _AGENTS.items()}
    return pl.DataFrame(
        {
            "number": np.arange(before + 1, before + size + 1),
            "cents": cents,
            "iban": ibans,
            "person": rng.random(size) < 0.7,
            "first": some(_FIRST),
            "last": some(_LAST),
            "firm": some(_FIRMS),
            "town": pl.Series([name for name, _ in _TOWNS]).gather(town),
            "country": pl.Series([code for _, code in _TOWNS]).gather(town),
            "street": some(_STREETS),
            "house": rng.integers(1, 200, size),
            "post": rng.integers(10_000, 99_999, size),
            "agent": agents["DE"].zip_with(ibans.str.starts_with("DE"), agents["AT"]),
            "purpose": some(_PURPOSES),
            "uuid": uuid,
            "kind": rng.integers(0, 20, size),
            "fault": fault,
        }
    )


def _hex(name: str, digits: int) -> pl.Expr:
    number = pl.col(name)
    nibbles = [number // 16**place % 16 for place in range(digits)]
    return pl.concat_str(
        [nibble.cast(pl.UInt8).replace_strict(list(range(16)), list("0123456789abcdef")) for nibble in nibbles]
    )


def _ibans(rng: np.random.Generator, size: int) -> pl.Series:
    german = rng.random(size) < 0.7
    digits = np.where(german, rng.integers(10**17, 10**18, size), rng.integers(10**15, 10**16, size))
    check = 98 - (digits % 97 * 10**6 + np.where(german, 131400, 102900)) % 97
    return (
        pl.DataFrame({"german": german, "digits": digits, "check": check})
        .select(
            pl.when("german").then(pl.lit("DE")).otherwise(pl.lit("AT"))
            + pl.col("check").cast(pl.String).str.zfill(2)
            + pl.col("digits").cast(pl.String)
        )
        .to_series()
    )


def _leaf(path: str, value: pl.Expr | str, depth: int = 0, tag: str = "") -> pl.Expr:
    """An element on lines of its own, as a pretty-printer writes it."""
    steps = path.split("/")
    pads = [_LEVEL + "  " * (depth + 1 + level) for level in range(len(steps))]
    opening = "".join(f"{pad}<{step}>\n" for pad, step in zip(pads, steps[:-1], strict=False))
    closing = "".join(f"{pad}</{step}>\n" for pad, step in zip(reversed(pads[:-1]), reversed(steps[:-1]), strict=True))
    text = pl.lit(value) if isinstance(value, str) else value
    return pl.concat_str(pl.lit(f"{opening}{pads[-1]}<{steps[-1]}{tag}>"), text, pl.lit(f"</{steps[-1]}>\n{closing}"))


def _inside(path: str, children: list[pl.Expr]) -> list[pl.Expr]:
    steps = path.split("/")
    pads = [_LEVEL + "  " * (1 + level) for level in range(len(steps))]
    opening = "".join(f"{pad}<{step}>\n" for pad, step in zip(pads, steps, strict=True))
    closing = "".join(f"{pad}</{step}>\n" for pad, step in zip(reversed(pads), reversed(steps), strict=True))
    return [pl.lit(opening), *children, pl.lit(closing)]


def _credit(kind: _Kind) -> list[pl.Expr]:
    return [
        pl.lit(f"{_LEVEL}<{kind.transaction}>\n"),
        *_inside("PmtId", [_instruction(), _end_to_end(), _uetr()]),
        _leaf("Amt/InstdAmt", _amount(), tag=' Ccy="EUR"'),
        pl.when(pl.col("kind") > 8).then(_leaf("UltmtDbtr/Nm", pl.format("Musterwerk Beispiel, Werk {}", "house"))),
        *_party(kind.other),
        pl.when(pl.col("kind") > 10).then(_leaf("UltmtCdtr/Nm", pl.format("{} {}", "last", "firm"))),
        pl.when(pl.col("kind") % 2 == 0).then(_leaf("Purp/Cd", pl.col("purpose"))),
        *_remittance(),
        pl.lit(f"{_LEVEL}</{kind.transaction}>\n"),
    ]


def _debit(kind: _Kind) -> list[pl.Expr]:
    mandate = "DrctDbtTx/MndtRltdInf"
    leaves = [_leaf("MndtId", pl.format("MANDATE-{}", "number"), 2), _leaf("DtOfSgntr", "2024-03-01", 2)]
    return [
        pl.lit(f"{_LEVEL}<{kind.transaction}>\n"),
        *_inside("PmtId", [_instruction(), _end_to_end(), _uetr()]),
        _leaf("InstdAmt", _amount(), tag=' Ccy="EUR"'),
        *_inside(mandate, leaves),
        *_party(kind.other),
        pl.when(pl.col("kind") % 2 == 0).then(_leaf("Purp/Cd", pl.col("purpose"))),
        *_remittance(),
        pl.lit(f"{_LEVEL}</{kind.transaction}>\n"),
    ]


def _instruction() -> pl.Expr:
    return _leaf("InstrId", pl.format("INSTR-2026-{}", "number"), 1)


def _end_to_end() -> pl.Expr:
    return _leaf("EndToEndId", pl.format("INVOICE-2026-{}", "number"), 1)


def _uetr() -> pl.Expr:
    uuid = pl.col("uuid").str
    parts = [uuid.slice(0, 8), uuid.slice(8, 4), pl.lit("4") + uuid.slice(12, 3), pl.lit("a") + uuid.slice(15, 3)]
    return _leaf("UETR", pl.concat_str([*parts, uuid.slice(15, 12)], separator="-"), 1)


def _amount() -> pl.Expr:
    cents = (pl.col("cents") % 100).cast(pl.String).str.zfill(2)
    mark = pl.when(pl.col("fault") == 2).then(pl.lit(",")).otherwise(pl.lit("."))
    return pl.concat_str((pl.col("cents") // 100).cast(pl.String), mark, cents)


def _party(role: str) -> list[pl.Expr]:
    name = pl.when("person").then(pl.format("{} {}", "first", "last")).otherwise(pl.format("{} {}", "last", "firm"))
    full = pl.col("kind") < 15
    country = pl.when(pl.col("fault") != 4).then(_leaf("Ctry", pl.col("country"), 2))
    address = [
        pl.when(full).then(_leaf("StrtNm", pl.col("street"), 2)),
        pl.when(full).then(_leaf("BldgNb", pl.col("house").cast(pl.String), 2)),
        _leaf("PstCd", pl.col("post").cast(pl.String), 2),
        _leaf("TwnNm", pl.col("town"), 2),
        country,
    ]
    inner = [pl.lit(f"{_LEVEL}    <PstlAdr>\n"), *address, pl.lit(f"{_LEVEL}    </PstlAdr>\n")]
    bic = _leaf(f"{role}Agt/FinInstnId/BICFI", pl.col("agent"))
    unnamed = _leaf(f"{role}Agt/FinInstnId/Othr/Id", "NOTPROVIDED") if role == "Dbtr" else pl.lit(None)
    iban = pl.col("iban")
    wrong = iban.str.head(2) + pl.lit("00") + iban.str.slice(4)
    named = pl.when(pl.col("fault") != 3).then(_leaf("Nm", name, 1))
    return [
        pl.when(pl.col("kind") % 10 != 9).then(bic).otherwise(unnamed),
        *_inside(role, [named, *inner]),
        _leaf(f"{role}Acct/Id/IBAN", pl.when(pl.col("fault") == 1).then(wrong).otherwise(iban)),
    ]


def _remittance() -> list[pl.Expr]:
    one = _leaf(
        "Ustrd",
        pl.format(
            "Rechnung {} vom 12.11.2026, Kunde 4711-{}, Lieferung frei Haus, zahlbar ohne Abzug", "number", "house"
        ),
        1,
    )
    opening, closing = pl.lit(f"{_LEVEL}  <RmtInf>\n"), pl.lit(f"{_LEVEL}  </RmtInf>\n")
    reference = _leaf("RmtInf/Strd/CdtrRefInf/Ref", "RF18539007547034")
    free = pl.concat_str([opening, one, closing])
    return [pl.when(pl.col("kind") == 4).then(reference).otherwise(free)]


def main(path: str, payments: str = "1000000", seed: str = "1", bad_share: str = "0") -> None:
    """Write one file."""
    make = write_pain008 if path.endswith(".008.xml") else write
    make(Path(path), int(payments), int(seed), float(bad_share))


if __name__ == "__main__":
    main(*sys.argv[1:])
