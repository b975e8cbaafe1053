"""Who we are to an API, what is pulled from it, and what a profile may not say."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_world import Bank, bank_api
from joserfc.jwk import ECKey, KeySet, RSAKey
from pydantic import ValidationError
from ruamel.yaml import YAML

from canonical.contracts import RemoteFile, Sent
from canonical.errors import ConfigError, OutsideError, TransientError
from providers._http_options import HttpApiOptions
from providers.http_api import TRANSPORT


@pytest.fixture
def bank() -> Iterator[Bank]:
    with bank_api(Bank(token="T1")) as bank:
        bank.payments = [{"id": f"po_{n}", "status": "paid"} for n in range(5)]
        yield bank


def options(bank: Bank, **changes: Any) -> HttpApiOptions:
    listing = {
        "name": "payouts.json", "get": "/payouts", "items": "data",
        "paging": {"parameter": "starting_after", "cursor": "id", "of_last_item": True, "more": "has_more"},
    }  # fmt: skip
    values = {
        "base_url": bank.url, "per": "payment", "release": {"path": "/payouts"}, "feedback": [listing], "timeout_s": 2,
        "wait_max_s": 0.05,
    }  # fmt: skip
    return HttpApiOptions.model_validate(values | changes)


def pull(agreed: HttpApiOptions, secrets: dict[str, str], waiting: tuple[Sent, ...] = ()) -> dict[str, list[Any]]:
    with TRANSPORT.connect(agreed, secrets.__getitem__) as remote:
        return {file.name: json.loads(remote.fetch(file))["items"] for file in remote.feedback(waiting)}


# ---------------------------------------------------------------------------------------------- who we are


def oauth(bank: Bank, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "authentication": {"kind": kind, "secret": "s", "client_id": "us", "token_url": f"{bank.url}/token", **more}
    }


def test_client_credentials(bank) -> None:
    bank.client_secret = "hush"
    agreed = options(bank, **oauth(bank, "client_credentials", scope="payments"))
    assert len(pull(agreed, {"s": "hush\n"})["payouts.json"]) == 5
    assert bank.tokens_given == 1
    with pytest.raises(OutsideError, match="gives no token: 401 invalid_client"):
        pull(agreed, {"s": "wrong"})


@pytest.mark.parametrize(
    ("algorithm", "key"), [("PS256", RSAKey.generate_key(2048)), ("ES256", ECKey.generate_key("P-256"))]
)
def test_an_assertion_signed_with_our_key(bank, algorithm, key) -> None:
    public = {**key.as_dict(private=False), "kid": "now"}
    bank.jwks = KeySet.import_key_set({"keys": [public]})
    agreed = options(bank, **oauth(bank, "private_key_jwt", key_id="now", algorithm=algorithm))
    assert len(pull(agreed, {"s": key.as_pem(private=True).decode()})["payouts.json"]) == 5
    with pytest.raises(ConfigError, match="neither a JWKS nor a PEM"):
        pull(agreed, {"s": "no key"})


def test_a_new_key_may_stand_first_while_the_provider_knows_only_the_old_one(bank) -> None:
    old, new = RSAKey.generate_key(2048, {"kid": "old"}), RSAKey.generate_key(2048, {"kid": "new"})
    bank.jwks = KeySet.import_key_set({"keys": [old.as_dict(private=False)]})
    ours = json.dumps({"keys": [new.as_dict(private=True), old.as_dict(private=True)]})
    agreed = options(bank, **oauth(bank, "private_key_jwt"))
    assert pull(agreed, {"s": ours})
    bank.jwks = KeySet.import_key_set({"keys": [new.as_dict(private=False)]})
    assert pull(agreed, {"s": ours})
    with pytest.raises(ConfigError, match="no private key for PS256"):
        pull(agreed, {"s": json.dumps({"keys": [new.as_dict(private=False)]})})


def test_a_secret_that_was_changed_is_read_again(bank) -> None:
    class Changing(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            self.asked = getattr(self, "asked", 0) + 1
            return "T0" if self.asked == 1 else "T1"

    assert pull(options(bank, authentication={"kind": "bearer", "secret": "s"}), Changing())


def _certificate(folder: Path, name: str) -> tuple[str, str]:
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    return key.read_text(), cert.read_text()


def test_mutual_tls(tmp_path) -> None:
    _, cert = _certificate(tmp_path, "server")
    our_key, our_cert = _certificate(tmp_path, "client")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=our_cert)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    secrets = {"ca": cert, "us": our_key + our_cert, "bad": "no certificate"}
    with bank_api(Bank(payments=[{"id": "1"}]), context) as bank:
        agreed = options(bank, certificate_authorities_secret="ca", client_certificate_secret="us", tries=1)
        assert pull(agreed, secrets) == {"payouts.json": [{"id": "1"}]}
        for changes in ({"client_certificate_secret": None}, {"certificate_authorities_secret": None}):
            with pytest.raises((TransientError, OutsideError)):
                pull(agreed.model_copy(update=changes), secrets)
        with pytest.raises(ConfigError, match="PEM certificate"):
            pull(agreed.model_copy(update={"client_certificate_secret": "bad"}), secrets)


# ---------------------------------------------------------------------------------------------- what is pulled


@pytest.fixture
def open_bank(bank) -> Bank:
    bank.token = None
    return bank


def test_pages_are_followed_and_the_version_is_the_content(open_bank) -> None:
    with TRANSPORT.connect(options(open_bank), str) as remote:
        (first,), (second,) = list(remote.feedback()), list(remote.feedback())
        assert first == second
        assert [item["id"] for item in json.loads(remote.fetch(first))["items"]] == [f"po_{n}" for n in (4, 3, 2, 1, 0)]
        open_bank.payments[0]["status"] = "failed"
        (third,) = remote.feedback()
        assert third.version != first.version
        with pytest.raises(OutsideError, match="not listed"):
            remote.fetch(RemoteFile("other", 1, ""))


def test_pages_by_url_never_lead_elsewhere(open_bank) -> None:
    by_url = {"name": "a", "get": "/pages", "items": "data", "paging": {"next": "next"}}
    assert pull(options(open_bank, feedback=[by_url]), {}) == {"a": [{"id": "0"}, {"id": "1"}, {"id": "2"}]}
    with pytest.raises(OutsideError, match=r"lies elsewhere: 127\.0\.0\.2"):
        pull(options(open_bank, feedback=[{**by_url, "get": "/elsewhere"}]), {})
    few = {**by_url, "paging": {"next": "next", "pages_max": 2}}
    with pytest.raises(OutsideError, match="more than 2 pages"):
        pull(options(open_bank, feedback=[few]), {})


def test_one_listing_for_each_submission_that_waits(open_bank) -> None:
    each = {"name": "files.json", "get": "/files/{trace}"}
    waiting = (Sent("S1", "a/b"), Sent("S2", None), Sent("S3", "c"))
    found = pull(options(open_bank, feedback=[each]), {}, waiting)
    assert found == {
        "S1.files.json": [{"id": "a%2Fb", "status": "done"}],
        "S3.files.json": [{"id": "c", "status": "done"}],
    }


def test_the_pace_is_kept(open_bank) -> None:
    import time

    started = time.monotonic()
    pull(options(open_bank, rate_per_s=10), {})
    assert time.monotonic() - started >= 0.2  # three pages


# ---------------------------------------------------------------------------------------------- what a profile may not say


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"base_url": "ftp://x"}, "base_url"),
        ({"release": {"path": "/payouts/{iban}"}}, "nothing gives iban"),
        ({"release": {"path": "/x", "send": "file"}}, "belong to per: file"),
        ({"per": "file", "release": {"path": "/x/{consent}"}}, "nothing gives consent"),
        ({"authentication": {"kind": "bearer"}}, "needs the name of a secret"),
        ({"authentication": {"kind": "private_key_jwt", "secret": "s"}}, "needs token_url and client_id"),
        ({"idempotency": {"lifetime_s": 60}}, "must be longer"),
        ({"enquiry": {"get": "/x", "match": "id", "absent_after_s": 60}}, "must be longer"),
        ({"enquiry": {"get": "/x", "match": "id", "paging": {}}}, "either next, or parameter"),
        ({"password": "hunter2"}, "Extra inputs"),
    ],
)
def test_profiles_that_are_refused(bank, changes, why) -> None:
    with pytest.raises(ValidationError, match=why):
        options(bank, **changes)


def test_the_examples_on_the_page_are_profiles() -> None:
    text = (Path(__file__).parents[2] / "docs/transports/http-api.md").read_text(encoding="utf-8")
    examples = [YAML(typ="safe").load(part.partition("```")[0]) for part in text.split("```yaml\n")[1:]]
    assert len(examples) == 2
    for example in examples:
        assert example["transport"]["name"] == "http-api"
        HttpApiOptions.model_validate(example["transport"]["options"])
