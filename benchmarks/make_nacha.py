"""Write a NACHA file of any size: seeded, so that the same numbers give the same bytes. No person or bank in it is real.

python benchmarks/make_nacha.py FILE ENTRIES [SEED] [BAD_SHARE]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import IO

ODFI = "12345678"
ROUTING = ("123456780", "987654320", "076543216", "111000025")
BATCH_ENTRIES = 50_000
CLASSES = (("PPD", "PAYROLL", "220", "22"), ("CCD", "INVOICES", "220", "32"), ("WEB", "SUBSCRIBE", "225", "27"))
FAULTS = ("check digit", "amount", "name", "character")


@dataclass(frozen=True, slots=True)
class Written:
    """What the file holds. Sums in minor units; `bad`: entries that have a fault of their own."""

    entries: int
    bad: int
    debit_minor: int
    credit_minor: int


def write(path: Path, entries: int, seed: int, bad_share: float = 0.0) -> Written:
    """One addenda record an entry, batches of 50,000 entries by turns of three classes, all totals right."""
    random = Random(seed)
    totals = [0, 0, 0, 0]  # entries and addenda, hash, debits, credits
    records, bad, batches = 2, 0, 0
    with path.open("w", encoding="latin-1", newline="\n") as file:
        file.write(f"101 07654321612345678902611201015A094101{'EXAMPLE BANK':<23}{'HARBOUR TEA COMPANY':<23}{'':8}\n")
        for first in range(0, entries, BATCH_ENTRIES):
            batches += 1
            count = min(BATCH_ENTRIES, entries - first)
            sums, faulty = _batch(file, random, (batches, first, count), bad_share)
            totals = [total + part for total, part in zip(totals, sums, strict=True)]
            records, bad = records + 2 + sums[0], bad + faulty
        blocks = -(-records // 10)
        file.write(
            f"9{batches:06d}{blocks:06d}{totals[0]:08d}{totals[1] % 10**10:010d}{totals[2]:012d}{totals[3]:012d}{'':39}\n"
        )
        file.write(("9" * 94 + "\n") * (blocks * 10 - records))
    return Written(entries, bad, totals[2], totals[3])


def _batch(file: IO[str], random: Random, place: tuple[int, int, int], bad_share: float) -> tuple[list[int], int]:
    """One batch: its sums, and how many of its entries are bad. `place`: batch number, entries before it, entries of it."""
    number, before, count = place
    sec, description, service, code = CLASSES[number % len(CLASSES)]
    file.write(
        f"5{service}{'HARBOUR TEA':<16}{'':20}1234567890{sec}{description:<10}{'':6}261124   1{ODFI}{number:07d}\n"
    )
    sums, bad, lines = [0, 0, 0, 0], 0, []
    kind = "R " if sec == "WEB" else "  "
    for index in range(before, before + count):
        routing, amount, name = ROUTING[random.randrange(4)], random.randrange(1, 1_000_000), f"RECEIVER {index:08d}"
        if bad_share and random.random() < bad_share:
            bad += 1
            fault = FAULTS[random.randrange(len(FAULTS))]
            routing = routing[:8] + str((int(routing[8]) + 1) % 10) if fault == "check digit" else routing
            amount = 0 if fault == "amount" else amount
            name = {"name": "", "character": "REC\xc9IVER"}.get(fault, name)
        # The trace number's sequence has seven digits; it starts anew with each batch of a very large file.
        trace = index % 9_999_999 + 1
        lines.append(
            f"6{code}{routing}{random.randrange(10**6, 10**12):<17}{amount:010d}{f'ID-{index}':<15}{name:<22}{kind}1{ODFI}{trace:07d}\n"
            f"705{f'INVOICE {index} OF NOVEMBER':<80}0001{trace:07d}\n"
        )
        sums[0] += 2
        sums[1] += int(routing[:8])
        sums[2 if service == "225" else 3] += amount
    file.writelines(lines)
    file.write(
        f"8{service}{sums[0]:06d}{sums[1] % 10**10:010d}{sums[2]:012d}{sums[3]:012d}1234567890{'':25}{ODFI}{number:07d}\n"
    )
    return sums, bad


if __name__ == "__main__":
    name, size, *rest = sys.argv[1:]
    print(write(Path(name), int(size), int(rest[0]) if rest else 1, float(rest[1]) if rest[1:] else 0.0))
