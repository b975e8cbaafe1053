"""Secrets: from a folder, from AWS Secrets Manager, rotated; and never in a log over a whole delivery."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import boto3
import pytest
import structlog
from s3 import s3_server
from world import Clock, upload

from canonical.errors import BulkrailError, ConfigError, NotFound, TransientError
from gateway.composition import open_gateway
from gateway.delivery.dispatch import dispatch, due
from gateway.feedback.follow import follow
from gateway.intake.receive import receive
from gateway.logs import mask_logs
from gateway.secrets import Secrets
from gateway.settings import Settings
from gateway.stages import run_journey
from sandbox._bank_home import BankWays
from sandbox.day import salaries_pain001
from sandbox.keys import make_key, public_key
from sandbox.sftp import SftpSandbox, User


def test_a_folder(tmp_path) -> None:
    (tmp_path / "key").write_text("value\n", encoding="utf-8")
    secrets = Secrets(f"file://{tmp_path}", 60)
    assert secrets.read("key") == "value\n"
    for name in ("other", "../key", "a/b", "", ".hidden"):
        with pytest.raises(NotFound, match="secret"):
            secrets.read(name)


def test_the_url_says_where(tmp_path, monkeypatch) -> None:
    assert Settings(home=tmp_path).secrets == f"file://{tmp_path.resolve()}/secrets"
    monkeypatch.setenv("BULKRAIL_SECRETS_URL", "awssm://bulkrail/prod")
    assert Settings().secrets == "awssm://bulkrail/prod"
    with pytest.raises(ConfigError, match="vault"):
        Secrets("vault://x", 60)


@pytest.fixture
def manager(monkeypatch):
    with s3_server(monkeypatch):
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield boto3.client("secretsmanager")


def test_secrets_manager(manager) -> None:
    manager.create_secret(Name="bulkrail/prod/bank_key", SecretString="first secret")
    manager.create_secret(Name="bulkrail/prod/binary", SecretBinary=b"bytes of it")
    secrets = Secrets("awssm://bulkrail/prod", 0.3)
    assert secrets.read("bank_key") == "first secret"
    assert secrets.read("binary") == "bytes of it"
    with pytest.raises(NotFound, match="no secret named 'other'"):
        secrets.read("other")
    manager.put_secret_value(SecretId="bulkrail/prod/bank_key", SecretString="second secret")
    assert secrets.read("bank_key") == "first secret"  # kept for a while
    time.sleep(0.35)
    assert secrets.read("bank_key") == "second secret"
    assert secrets.mask("first secret, second secret") == "***, ***"
    manager.delete_secret(SecretId="bulkrail/prod/bank_key", ForceDeleteWithoutRecovery=True)


def test_a_manager_out_of_reach_is_transient(monkeypatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(TransientError, match="cannot be reached for 'key'"):
        Secrets("awssm://bulkrail", 60).read("key")


PROVIDER = """
provider_id: euro_bank
name: Bank
export: {name: pain.001, options: {}}
transport:
  name: sftp
  options: {host: 127.0.0.1, port: PORT, username: bank, private_key_secret: bank_key, host_key: "HOSTKEY", inbox: /in,
            outbox: /out, timeout_s: 5}
accounts:
  - {account: DE32100100100123456789, currency: EUR, name: Bulkrail Clearing, agent: EUROBANKXXX}
rails:
  - {rail: sepa_credit_transfer, currencies: [EUR], account: iban, cut_off: "18:00", time_zone: Europe/Berlin, calendar: target}
feedback:
  - {pattern: "*.pain002.xml", format: pain.002}
"""


def _fail(words: str) -> None:
    raise BulkrailError(words)


def test_no_log_shows_a_secret_over_a_whole_delivery(tmp_path, config_dir, capfd) -> None:
    """Everything is logged as finely as it goes, our own words and those of every library, with the key planted in them."""
    key = make_key(tmp_path / "home/secrets", "bank_key")
    user = User(
        username="bank", kind="bank", home=str(tmp_path / "bank"), authorized_keys=public_key(key), ways=BankWays()
    )
    logging.basicConfig(level=logging.DEBUG, force=True)
    with SftpSandbox([user], tmp_path / "host") as server:
        text = PROVIDER.replace("PORT", str(server.port)).replace("HOSTKEY", server.host_key)
        (config_dir / "providers/euro_bank.yaml").write_text(text, encoding="utf-8")
        gateway = open_gateway(Settings(home=tmp_path / "home", config_dir=config_dir), Clock())
        upload(gateway, "alder", "a.xml", salaries_pain001(gateway.clock().date()))
        (found,) = receive(gateway)
        run_journey(gateway, str(found.file_id))
        (row,) = due(gateway)
        assert dispatch(gateway, row["submission_id"]) in {"DELIVERED", "UNKNOWN"}
        follow(gateway, "euro_bank")
    secret = key.read_text()
    line = secret.splitlines()[2]
    structlog.get_logger().info("planted", key=secret, part=f"x{line}x")
    logging.getLogger("paramiko").warning("planted %s", line)
    try:
        _fail(f"planted {line}")
    except BulkrailError:
        structlog.get_logger().exception("planted")
    logging.getLogger().handlers.clear()
    shown = "".join(capfd.readouterr())
    assert shown.count("planted") >= 3
    assert "***" in shown
    assert "paramiko" in shown  # the libraries did speak
    for piece in (secret, *(item for item in secret.splitlines() if not item.startswith("-----"))):
        assert piece not in shown
    written = [
        path.read_bytes()
        for path in Path(tmp_path / "home").rglob("*")
        if path.is_file() and "secrets" not in path.parts
    ]
    assert written
    assert not any(line.encode() in data for data in written)


def test_the_masks_are_what_keeps_it_out(tmp_path, capfd) -> None:
    (tmp_path / "key").write_text("correct horse battery", encoding="utf-8")
    secrets = Secrets(f"file://{tmp_path}", 60)
    assert "correct horse" in secrets.mask("correct horse battery")
    secrets.read("key")
    assert secrets.mask("it is correct horse battery!") == "it is ***!"


def test_no_traceback_of_a_library_shows_a_secret(tmp_path, capfd) -> None:
    (tmp_path / "key").write_text("correct horse battery", encoding="utf-8")
    secrets = Secrets(f"file://{tmp_path}", 60)
    secrets.read("key")
    logging.basicConfig(level=logging.DEBUG, force=True)
    mask_logs(secrets)
    try:
        _fail("planted correct horse battery")
    except BulkrailError:
        logging.getLogger("a.library").exception("it failed")
    logging.getLogger().handlers.clear()
    shown = "".join(capfd.readouterr())
    assert "planted ***" in shown
    assert "correct horse" not in shown
