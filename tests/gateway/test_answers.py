"""Every form of an answer leaves for every format of file; the rejected rows come back as a file that can be sent again."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_journey import TODAY, receive_one
from world import agree

from canonical.contracts import Source
from canonical.plugins import discover
from gateway.composition import Gateway
from gateway.stages import outcome_answer, run_journey
from sandbox.day import invoices_csv, salaries_pain001, suppliers_nacha

FILES = [
    ("alder", "a.xml", salaries_pain001(TODAY), "pain.001"),
    ("birch", "b.ach", suppliers_nacha(TODAY), "nacha"),
    ("cedar", "c.csv", invoices_csv(TODAY), "csv"),
]
FORMS = ["pain.002", "answer-csv", "answer-xlsx", "answer-html", "corrected-rows"]


def outbox(gateway: Gateway, client_id: str) -> dict[str, bytes]:
    return {
        item.key.rpartition("/")[2]: gateway.store.get(item.key)
        for item in gateway.store.list(f"clients/{client_id}/outbox")
    }


@pytest.mark.parametrize(("client_id", "name", "data", "kind"), FILES)
def test_every_form_tells_of_every_format(gateway: Gateway, client_id: str, name: str, data: bytes, kind: str) -> None:
    forms = [*FORMS, *(["answer-nacha"] if kind == "nacha" else [])]
    options = {"answer-nacha": {"immediate_origin": "123000455"}}
    agree(gateway, client_id, answers=[{"name": form, "options": options.get(form, {})} for form in forms])
    file_id = receive_one(gateway, client_id, name, data)
    run_journey(gateway, file_id)
    sent = outbox(gateway, client_id)
    assert len(sent) == len(forms), sorted(sent)
    assert all(sent.values())
    (rejected,) = [content for file, content in sent.items() if ".rejected" in file]
    found = discover("parsers", "FORMAT")[kind]
    windows = list(found.windows(Source("0" * 20, name, rejected), found.options()))
    again = sum(window.payments.height for window in windows)
    bad = gateway.lake.whole(file_id, "verdicts").filter(status="RJCT").height
    assert again == bad
    before = gateway.lake.whole(file_id, "payments").join(
        gateway.lake.whole(file_id, "verdicts").filter(status="RJCT"), on="row", how="semi"
    )
    assert [row for window in windows for row in window.payments["end_to_end_id"]] == before["end_to_end_id"].to_list()
    run_journey(gateway, file_id)
    assert outbox(gateway, client_id) == sent


def test_sums_are_of_amounts_as_they_were_read_not_as_they_are_written(gateway: Gateway) -> None:
    """MT101 writes 1250,50 and 98765, and a point is no amount there."""
    data = (Path(__file__).parents[1] / "parsers/golden/mt101/two_messages.fin").read_bytes()
    agree(gateway, "cedar", formats=["mt101"], currencies=[], answers=[{"name": "answer-html"}])
    run_journey(gateway, receive_one(gateway, "cedar", "c.fin", data.replace(b"EUR1250,50", b"EUR1250.50")))
    (page,) = outbox(gateway, "cedar").values()
    foot = page.decode().partition("<tfoot>")[2].partition("</tfoot>")[0]
    assert "150,000 JPY<br>98,765.00 EUR<br>and 1 amount that cannot be read" in foot


def test_no_rejected_rows_no_file(gateway: Gateway) -> None:
    agree(gateway, "cedar", answers=[{"name": "answer-csv"}, {"name": "corrected-rows"}], complete="renamed")
    good = b"\n".join(line for line in invoices_csv(TODAY).splitlines()[:3])
    file_id = receive_one(gateway, "cedar", "c.csv", good)
    run_journey(gateway, file_id)
    assert [name for name in outbox(gateway, "cedar") if "rejected" in name] == []
    outcome_answer(gateway, file_id)


def test_findings_speak_the_clients_own_headings(gateway: Gateway) -> None:
    heading = invoices_csv(TODAY).splitlines()[0]
    theirs = heading.replace(b"creditor_name", b"Empfaenger")
    agree(
        gateway, "cedar", answers=[{"name": "answer-csv"}],
        format_options={"csv": {"columns": {"creditor_name": "Empfaenger"}}},
    )  # fmt: skip
    file_id = receive_one(gateway, "cedar", "c.csv", invoices_csv(TODAY).replace(heading, theirs))
    run_journey(gateway, file_id)
    told = b"".join(outbox(gateway, "cedar").values()).decode()
    assert ",Empfaenger," in told, told
