"""A return is told once: that the banks dispute it, or that it is booked, is no further one."""

from __future__ import annotations

from pathlib import Path

from test_answers import outbox
from test_journey import TODAY, receive_one
from world import agree

from gateway.answers.answer import answer, files_with_news
from gateway.composition import Gateway
from gateway.delivery.dispatch import dispatch, due
from gateway.feedback.follow import follow
from gateway.stages import run_journey
from sandbox.day import suppliers_nacha

ANSWERS = [{"name": "answer-csv"}, {"name": "answer-nacha", "options": {"immediate_origin": "123000455"}}]


def told(gateway: Gateway, tmp_path: Path, name: str, *records: str) -> dict[str, str]:
    """The answers to what the bank says next, by how their names end."""
    before = outbox(gateway, "birch").keys()
    if records:
        (tmp_path / "us/out").mkdir(parents=True, exist_ok=True)
        (tmp_path / "us/out" / f"{name}.return.ach").write_text("".join(f"{record:<94}\n" for record in records))
        follow(gateway, "us_bank")
    for file_id in files_with_news(gateway):
        answer(gateway, file_id, "outcome")
    return {
        file.partition(".")[2].partition(".")[2].partition(".")[2]: data.decode("utf-8-sig")
        for file, data in outbox(gateway, "birch").items()
        if file not in before
    }


def test_a_return_is_told_once_also_where_the_banks_dispute_it(gateway: Gateway, tmp_path: Path) -> None:
    agree(gateway, "birch", answers=ANSWERS)
    file_id = receive_one(gateway, "birch", "b.ach", suppliers_nacha(TODAY))
    run_journey(gateway, file_id)
    (first,) = [data.decode() for name, data in outbox(gateway, "birch").items() if name.endswith(".return.ach")]
    assert first.count("\n799") == 1, "the entry that was refused here"
    (row,) = due(gateway)
    assert dispatch(gateway, row["submission_id"]) == "DELIVERED"
    (sent,) = (tmp_path / "us/in").glob("*.ach")
    entry = next(line for line in sent.read_text().splitlines() if line.startswith("6") and "INV-2202" in line)
    header = f"5220{'BIRCH SUPPLIES':<16}{row['submission_id']}1987654321CCD{'RETURNS':<10}"
    back = f"621091000776{entry[12:78]}1111000020000001"
    found = told(gateway, tmp_path, "r1", header, back, f"799R03{entry[79:94]}{'':6}11100002NO SUCH ACCOUNT")
    (returned,) = [data for name, data in found.items() if name.endswith(".return.ach")]
    assert [line[3:6] for line in returned.splitlines() if line.startswith("799")] == ["R03"], "and not the first again"
    dispute = f"799R67{entry[79:94]}{'':6}11100002{'':3}111000020000001{'333'}03DUPLICATE RETURN"
    found = told(gateway, tmp_path, "r2", header, back, dispute)
    assert not [name for name in found if name.endswith(".return.ach")], "it was booked by the client's software"
    (table,) = found.values()
    (line,) = [line for line in table.splitlines() if "INV-2202" in line]
    assert ",RJCT,R03," in line
    assert "NO SUCH ACCOUNT. Duplicate return: dishonors return R03" in line
    other = next(line for line in sent.read_text().splitlines() if line.startswith("6") and "INV-2204" in line)
    change = f"621091000776{other[12:29]}{0:010d}{other[39:78]}1111000020000002"
    notice = f"798C01{other[79:94]}{'':6}1110000255992"
    found = told(gateway, tmp_path, "r3", header.replace("CCD", "COR"), change, notice)
    (line,) = [line for data in found.values() for line in data.splitlines() if "INV-2204" in line]
    assert "Incorrect account number. Change its account number by 2026-12-01." in line
