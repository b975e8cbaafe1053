"""NACHA entries of every standard entry class: what each may carry, and what is said of one that carries something else."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from canonical.contracts import Source, Window
from parsers._nacha_classes import CLASSES, PAYMENT_CLASSES
from parsers.nacha import FORMAT

FILE = (Path(__file__).parent / "golden" / "nacha" / "classes.ach").read_bytes()
LINES = FILE.decode().splitlines()


def read(data: bytes) -> Window:
    (window,) = FORMAT.windows(Source("0" * 20, "classes.ach", data), FORMAT.options())
    return window


def header_of(sec: str) -> int:
    """Line number of the batch header of a class."""
    return next(number for number, line in enumerate(LINES, start=1) if line[0] == "5" and line[50:53] == sec)


def changed(sec: str, record: int, first: int, text: str) -> bytes:
    """The file with `text` at position `first` of the n-th record after the batch header of a class."""
    lines = list(LINES)
    at = header_of(sec) - 1 + record
    line = lines[at]
    lines[at] = line[: first - 1] + text + line[first - 1 + len(text) :]
    return ("\n".join(lines) + "\n").encode()


def without(sec: str, record: int) -> bytes:
    lines = list(LINES)
    del lines[header_of(sec) - 1 + record]
    return ("\n".join(lines) + "\n").encode()


def twice(sec: str, record: int) -> bytes:
    lines = list(LINES)
    at = header_of(sec) - 1 + record
    lines.insert(at, lines[at])
    return ("\n".join(lines) + "\n").encode()


FAULTS = {
    "CTX says one addenda too few": (changed("CTX", 1, 55, "0002"), "nacha-addenda-count"),
    "CTX says no number of addenda": (changed("CTX", 1, 55, "    "), "nacha-addenda-count"),
    "CTX without its last addenda": (without("CTX", 4), "nacha-addenda-count"),
    "CTX sequence": (changed("CTX", 3, 84, "0003"), "nacha-addenda-sequence"),
    "TEL with addenda": (changed("TEL", 1, 79, "1"), "nacha-addenda-indicator"),
    "WEB of no payment type": (changed("WEB", 1, 77, "X"), "nacha-payment-type"),
    "CIE without a name": (changed("CIE", 1, 40, " " * 15), "nacha-receiver-name"),
    "MTE without a name": (changed("MTE", 1, 40, " " * 22), "nacha-receiver-name"),
    "MTE without addenda": (without("MTE", 2), "nacha-addenda-number"),
    "ARC without a check": (changed("ARC", 1, 40, " " * 15), "nacha-check-serial"),
    "ARC above its limit": (changed("ARC", 1, 30, "0002500001"), "nacha-amount-limit"),
    "RCK above its limit": (changed("RCK", 1, 30, "0000250001"), "nacha-amount-limit"),
    "ARC credit": (changed("ARC", 1, 2, "22"), "nacha-direction"),
    "CIE debit": (changed("CIE", 1, 2, "27"), "nacha-direction"),
    "POS with addenda of another type": (changed("POS", 2, 2, "05"), "nacha-addenda-type"),
    "POS with two addenda": (twice("POS", 2), "nacha-addenda-number"),
    "POS addenda of another entry": (changed("POS", 2, 80, "9"), "nacha-addenda-trace"),
    "ACK with money": (changed("ACK", 1, 30, "0000000001"), "nacha-zero-dollar"),
    "RCK described otherwise": (changed("RCK", 0, 54, "CHECKS    "), "nacha-described"),
    "WEB with remittance and no money": (changed("WEB", 1, 2, "24"), "nacha-zero-dollar-code"),
    "ENR without addenda": (without("ENR", 2), "nacha-addenda-number"),
    "DNE without addenda": (without("DNE", 2), "nacha-addenda-number"),
    "IAT counts": (changed("IAT", 1, 13, "0009"), "nacha-addenda-count"),
    "IAT exchange indicator": (changed("IAT", 0, 21, "XX"), "nacha-iat-header"),
    "IAT destination country": (changed("IAT", 0, 39, "  "), "nacha-iat-header"),
    "IAT destination currency": (changed("IAT", 0, 67, "   "), "nacha-iat-header"),
    "IAT gateway": (changed("IAT", 1, 12, "1"), "nacha-iat-gateway"),
    "IAT transaction type": (changed("IAT", 2, 4, "XXX"), "nacha-iat-fields"),
    "IAT receiver": (changed("IAT", 2, 47, " " * 35), "nacha-iat-fields"),
    "IAT originator's country": (changed("IAT", 4, 39, "US20101\\ "), "nacha-iat-fields"),
    "IAT bank qualifier": (changed("IAT", 5, 39, "09"), "nacha-iat-fields"),
    "IAT bank country": (changed("IAT", 6, 75, "  "), "nacha-iat-fields"),
    "IAT street": (changed("IAT", 7, 19, " " * 35), "nacha-iat-fields"),
    "IAT town": (changed("IAT", 8, 4, " " * 35), "nacha-iat-fields"),
    "IAT without addenda 13": (without("IAT", 5), "nacha-iat-addenda"),
    "IAT with addenda 13 twice": (twice("IAT", 5), "nacha-iat-addenda"),
    "IAT addenda out of order": (changed("IAT", 5, 2, "14"), "nacha-iat-addenda"),
    "IAT sequence of 17": (changed("IAT", 10, 84, "0005"), "nacha-addenda-sequence"),
    "IAT addenda of another entry": (changed("IAT", 6, 94, "7"), "nacha-addenda-trace"),
    "IAT with addenda 05": (changed("IAT", 9, 2, "05"), "nacha-addenda-type"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named_on_its_payment(name: str) -> None:
    data, rule = FAULTS[name]
    found = read(data).findings
    assert rule in set(found["rule"]), found.select("rule", "line", "message").rows()
    here = found.filter(pl.col("rule") == rule)
    assert here["level"][0] == ("batch" if rule in {"nacha-iat-header", "nacha-described"} else "payment")
    assert here["batch_id"][0] == LINES[header_of(name[:3]) - 1][87:]


def test_a_reversal_may_turn_the_direction_round() -> None:
    turned = changed("ARC", 1, 2, "22")
    at = FILE.index(LINES[header_of("ARC") - 1].encode()) + 53
    reversal = turned[:at] + b"REVERSAL  " + turned[at + 10 :]
    assert "nacha-direction" in set(read(turned).findings["rule"])
    assert "nacha-direction" not in set(read(reversal).findings["rule"])


def test_the_golden_file_has_every_class_of_payments() -> None:
    assert set(read(FILE).payments["local_instrument"]) >= PAYMENT_CLASSES - {"PPD", "CCD"}
    assert len(CLASSES) == 22


def test_up_to_9999_addenda_of_one_entry() -> None:
    for count, fine in ((9_999, True), (10_000, False)):
        end = next(line for line in LINES if line[0] == "9" and set(line) != {"9"})
        head = LINES[0] + "\n" + LINES[1] + "\n"
        entry = LINES[2][:54] + f"{count % 10_000:04d}" + LINES[2][58:] + "\n"
        addenda = "".join(f"705{f'LINE {n}':<80}{n % 10_000:04d}0000001\n" for n in range(1, count + 1))
        window = read((head + entry + addenda + LINES[6] + "\n" + end + "\n").encode())
        found = set(window.findings["rule"])
        assert ("nacha-addenda-number" in found) is not fine
        remittance = window.payments["remittance"][0]
        assert remittance.splitlines()[-1] == f"LINE {count}"


def test_a_card_number_is_nowhere_in_the_payments() -> None:
    payments = read(FILE).payments.filter(local_instrument="SHR")
    assert "0000000000000000000000" not in str(payments.rows())


def test_the_name_is_asked_for_where_the_class_has_it() -> None:
    lacking = {sec: read(changed(sec, 1, first, " " * size)) for sec, first, size in (("CIE", 40, 15), ("CTX", 59, 16))}
    told = {
        sec: window.findings.filter(rule="nacha-receiver-name")["message"].to_list() for sec, window in lacking.items()
    }
    assert told == {
        "CIE": ["Class CIE needs the receiver's name (entry, positions 40-54)."],
        "CTX": ["Class CTX needs the receiver's name (entry, positions 59-74)."],
    }


def told(data: bytes) -> list[tuple[str, int, str]]:
    return read(data).findings.select("rule", "line", "message").rows()


def test_what_a_class_carries_is_said() -> None:
    at = header_of("IAT") - 1
    lines = list(LINES)
    remittance = next(place for place, line in enumerate(lines) if line[:3] == "717" and place > at)
    lines[remittance:remittance] = [lines[remittance]] * 2
    messages = [
        message for rule, _, message in told("\n".join(lines).encode() + b"\n") if rule == "nacha-addenda-number"
    ]
    assert len(messages) == 1
    assert messages[0].endswith(
        "class IAT carries 7 to 12: 10 to 16 once each, 17 at most 2 times, 17 and 18 together at most 5 times."
    )
    [message] = [message for rule, _, message in told(twice("POS", 2)) if rule == "nacha-addenda-number"]
    assert message == "The entry has 2 addenda records; class POS carries 1 of type 02."


@pytest.mark.parametrize("sec", ["CTX", "IAT", "ACK", "ATX"])
def test_remittance_without_money_goes_in_the_classes_that_carry_it(sec: str) -> None:
    rules = [rule for rule, _, _ in told(changed(sec, 1, 2, "24"))]
    assert "nacha-zero-dollar-code" not in rules


@pytest.mark.parametrize("description", ["redepcheck", "REVERSAL  "])
def test_a_class_described_as_the_standard_has_it_is_taken(description: str) -> None:
    assert "nacha-described" not in [rule for rule, _, _ in told(changed("RCK", 0, 54, description))]
