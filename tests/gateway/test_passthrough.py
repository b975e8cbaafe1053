"""What a client says beyond the canonical columns reaches the bank, of files that passed their schema and of no others."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from test_journey import TODAY, receive_one
from world import agree

from gateway.composition import Gateway
from gateway.delivery.dispatch import due
from gateway.planning.plans import noted
from gateway.stages import deliver, run_journey
from sandbox.day import salaries_pain001

SCHEMAS = Path(__file__).resolve().parents[3] / "shared" / "xsd"
ULTIMATE = b"<UltmtCdtr><Nm>Example Guardian</Nm><Id><PrvtId><Othr><Id>G-77</Id></Othr></PrvtId></Id></UltmtCdtr>"
REGULATORY = b"<RgltryRptg><Dtls><Cd>0104</Cd><Inf>services</Inf></Dtls></RgltryRptg>"


def rich(data: bytes) -> bytes:
    """The first payment says who is paid in the end, and something to an authority."""
    head, tail = data.split(b"<RmtInf>", 1)
    return head + ULTIMATE + REGULATORY + b"<RmtInf>" + tail


def sent(gateway: Gateway, tmp_path: Path) -> bytes:
    for row in due(gateway):
        deliver(gateway, row["submission_id"])
    return b"".join(path.read_bytes() for path in sorted((tmp_path / "euro" / "in").glob("*.xml")))


@pytest.mark.parametrize("xsd", ["reject", "off"])
def test_an_authority_is_told_what_the_client_said(gateway: Gateway, tmp_path: Path, xsd: str) -> None:
    if not SCHEMAS.exists():
        pytest.skip("the ISO 20022 schemas are not beside this project")
    agree(gateway, "alder", format_options={"pain.001": {"xsd": xsd, "schemas": str(SCHEMAS)}})
    file_id = receive_one(gateway, "alder", "a.xml", rich(salaries_pain001(TODAY)))
    run_journey(gateway, file_id)
    found = gateway.lake.whole(file_id, "findings", "validate")
    assert "xsd" not in found["rule"], found.filter(rule="xsd")["message"].to_list()
    out = sent(gateway, tmp_path)
    assert (b"<Cd>0104</Cd>" in out) == (xsd == "reject")
    assert (b"<Id>G-77</Id>" in out) == (xsd == "reject")
    # Without its schema the report would be dropped: that payment waits, and says why.
    assert out.count(b"<CdtTrfTxInf>") == (10 if xsd == "reject" else 9)
    routes = gateway.lake.whole(file_id, "routes").filter(pl.col("submission_id").is_null())
    told = noted(gateway, file_id, routes)["text"]
    assert [("RgltryRptg" in why) for why in told] == ([] if xsd == "reject" else [True])
    assert found.filter(rule="uncarried")["row"].to_list() == [1]


def test_what_breaks_its_schema_is_not_carried_on(gateway: Gateway, tmp_path: Path) -> None:
    if not SCHEMAS.exists():
        pytest.skip("the ISO 20022 schemas are not beside this project")
    agree(gateway, "alder", format_options={"pain.001": {"xsd": "warn", "schemas": str(SCHEMAS)}})
    broken = rich(salaries_pain001(TODAY)).replace(b"<Cd>0104</Cd>", b"<Unknown>0104</Unknown>")
    file_id = receive_one(gateway, "alder", "a.xml", broken)
    run_journey(gateway, file_id)
    told = gateway.lake.whole(file_id, "findings", "validate").filter(rule="xsd")
    assert told["severity"].unique().to_list() == ["warning"]
    assert told["row"].to_list() == [1]
    assert b"0104" not in sent(gateway, tmp_path)


def test_without_a_schema_nothing_unchecked_is_sent(gateway: Gateway, tmp_path: Path) -> None:
    agree(gateway, "alder", format_options={"pain.001": {"xsd": "reject", "schemas": str(tmp_path)}})
    file_id = receive_one(gateway, "alder", "a.xml", rich(salaries_pain001(TODAY)))
    run_journey(gateway, file_id)
    assert b"0104" not in sent(gateway, tmp_path)
