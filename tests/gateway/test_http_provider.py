"""A provider behind an HTTP API: localstripe, which nobody here wrote and which deduplicates nothing, over a file's whole way."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import polars as pl
import pytest
from crash_worker import work
from workers import all_points, workers
from world import Clock, upload

from canonical.errors import TransientError
from gateway.composition import Gateway, open_gateway
from gateway.delivery.dispatch import dispatch, due
from gateway.delivery.submissions import submission_row
from gateway.feedback.follow import follow
from gateway.intake.receive import receive
from gateway.registry import tables as t
from gateway.settings import Settings
from gateway.stages import run_journey
from providers import _http_calls
from sandbox.day import salaries_pain001

PROVIDER = """
provider_id: euro_bank
name: Payouts API
export:
  name: json
  options:
    body:
      amount: "{amount_minor}"
      currency: "{currency_lower}"
      description: "{end_to_end_id}"
      destination: "{counterparty_account}"
      metadata: {reference: "{reference}"}
transport:
  name: http-api
  options:
    base_url: URL
    authentication: {kind: bearer, secret: payouts_key}
    per: payment
    release: {path: /v1/payouts, send: form}
    block: 3
    timeout_s: 3
    send_window_s: 5
    wait_max_s: 0.1
    meaning: {status: status, statuses: {paid: ACSC, pending: ACSP, failed: RJCT}}
    enquiry:
      get: /v1/payouts?limit=4
      items: data
      match: metadata.reference
      absent_after_s: 60
      paging: {parameter: starting_after, cursor: id, of_last_item: true, more: has_more}
    feedback:
      - name: payouts.json
        get: /v1/payouts?limit=4
        items: data
        paging: {parameter: starting_after, cursor: id, of_last_item: true, more: has_more}
accounts:
  - {account: DE32100100100123456789, currency: EUR, name: Bulkrail Clearing, agent: EUROBANKXXX}
rails:
  - {rail: payouts, currencies: [EUR], account: iban, cut_off: "18:00", time_zone: Europe/Berlin, calendar: target}
feedback:
  - pattern: payouts.json
    format: http-json
    options:
      reference: metadata.reference
      submission: null
      statuses: {paid: ACSC, pending: ACSP, failed: RJCT}
      reason: failure_code
      reasons: {could_not_process: MS03}
      reason_text: failure_message
      amount_minor: amount
      trace: id
"""


@pytest.fixture(scope="module")
def stripe() -> Iterator[str]:
    if importlib.util.find_spec("localstripe") is None:
        pytest.skip("localstripe is not installed here")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "localstripe", "--from-scratch", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, "localstripe ended"
            time.sleep(0.05)
        yield url
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def home(tmp_path: Path, stripe: str, config_dir: Path) -> Path:
    httpx2.delete(f"{stripe}/_config/data")
    (config_dir / "providers/euro_bank.yaml").write_text(PROVIDER.replace("URL", stripe), encoding="utf-8")
    (tmp_path / "home/secrets").mkdir(parents=True)
    (tmp_path / "home/secrets/payouts_key").write_text("sk_test_12345\n", encoding="ascii")
    return tmp_path


def opened(home: Path, clock: Clock | None = None) -> Gateway:
    return open_gateway(Settings(home=home / "home", config_dir=home / "config"), clock or Clock())


def payouts(stripe: str) -> list[dict[str, Any]]:
    answer = httpx2.get(f"{stripe}/v1/payouts?limit=100", headers={"Authorization": "Bearer sk_test_12345"})
    return list(answer.json()["data"])


def planned(home: Path) -> tuple[str, str]:
    """A file with ten payments for the API, routed; file and submission."""
    gateway = opened(home)
    upload(gateway, "alder", "a.xml", salaries_pain001(gateway.clock().date()))
    (found,) = receive(gateway)
    run_journey(gateway, str(found.file_id))
    (row,) = due(gateway)
    return str(found.file_id), row["submission_id"]


def paid_once(gateway: Gateway, file_id: str, stripe: str) -> None:
    """Each accepted payment is one payout, of its amount."""
    routes = gateway.lake.whole(file_id, "routes").select("payment_id", "reference", "amount_minor")
    made = [(item["metadata"]["reference"], item["amount"]) for item in payouts(stripe)]
    assert routes.height == 10
    assert sorted(made) == sorted(routes.select("reference", "amount_minor").rows())


def test_a_file_becomes_payouts_and_their_statuses_come_back(home, stripe) -> None:
    file_id, submission_id = planned(home)
    gateway = opened(home)
    assert dispatch(gateway, submission_id) == "DELIVERED"
    paid_once(gateway, file_id, stripe)
    assert [item.name for item in follow(gateway, "euro_bank")] == [f"{submission_id}.replies.json", "payouts.json"]
    assert submission_row(gateway, submission_id)["state"] == "ACKNOWLEDGED"
    one = payouts(stripe)[0]
    change = {"status": "failed", "failure_code": "could_not_process", "failure_message": "no such account"}
    headers = {"Authorization": "Bearer sk_test_12345"}
    httpx2.post(f"{stripe}/v1/payouts/{one['id']}", data=change, headers=headers).raise_for_status()
    (news,) = follow(gateway, "euro_bank")
    assert news.files == (file_id,)
    assert follow(gateway, "euro_bank") == []
    statuses = gateway.lake.whole(news.feedback_id, "statuses")
    assert statuses.height == 10
    (failed,) = statuses.filter(pl.col("status") == "RJCT").to_dicts()
    assert (failed["original_instruction_id"], failed["reason"]) == (one["metadata"]["reference"], "MS03")


def test_a_refused_payout_is_told_and_the_others_go(home, stripe) -> None:
    # This API takes descriptors of up to 22 characters and refuses longer ones with 400.
    path = home / "config/providers/euro_bank.yaml"
    described = 'statement_descriptor: "{counterparty_name}, in 2026"'
    path.write_text(path.read_text().replace('destination: "{counterparty_account}"', described), encoding="utf-8")
    file_id, submission_id = planned(home)
    gateway = opened(home)
    routes = gateway.lake.whole(file_id, "routes").select("payment_id", "reference")
    names = gateway.lake.whole(file_id, "payments").join(routes, on="payment_id").select("reference", "creditor_name")
    taken = names.filter(pl.col("creditor_name").str.len_chars() <= 22 - len(", in 2026"))["reference"].to_list()
    assert 0 < len(taken) < 10
    assert dispatch(gateway, submission_id) == "DELIVERED"
    assert sorted(item["metadata"]["reference"] for item in payouts(stripe)) == sorted(taken)
    follow(gateway, "euro_bank")
    told = gateway.lake.whole(follow_id(gateway), "statuses").filter(pl.col("status") == "RJCT")
    assert sorted([*told["original_instruction_id"], *taken]) == sorted(names["reference"])
    assert set(told["reason"]) == {"NARR"}
    assert set(told["reason_text"]) == {"Bad request"}


def follow_id(gateway: Gateway) -> str:
    """The feedback file that holds the replies."""
    (row,) = gateway.registry.rows(t.FEEDBACK, t.FEEDBACK.c.name.like("%.replies.json"))
    return str(row["feedback_id"])


def test_what_is_in_doubt_is_asked_for(home, stripe, monkeypatch) -> None:
    from providers._http_calls import Guarded

    whole = Guarded.handle_request

    def breaks(self: Guarded, request: httpx2.Request) -> httpx2.Response:
        answer = whole(self, request)
        if request.method == "POST":
            raise httpx2.ReadTimeout("no answer came")
        return answer

    file_id, submission_id = planned(home)
    with monkeypatch.context() as patch:
        patch.setattr(Guarded, "handle_request", breaks)
        assert dispatch(opened(home), submission_id) == "DELIVERED"
    paid_once(opened(home), file_id, stripe)


def test_an_unknown_submission_is_resolved_by_enquiry_alone(home, stripe, monkeypatch) -> None:
    path = home / "config/providers/euro_bank.yaml"
    path.write_text(path.read_text().replace("      absent_after_s: 60\n", ""), encoding="utf-8")
    file_id, submission_id = planned(home)
    gateway = opened(home)
    from providers._http_remote import _ParcelApi

    with monkeypatch.context() as patch:
        patch.setattr(_ParcelApi, "send", lambda *_: (_ for _ in ()).throw(TransientError("stopped")))
        with pytest.raises(TransientError):
            dispatch(gateway, submission_id)
    assert dispatch(opened(home), submission_id) == "UNKNOWN"
    assert dispatch(gateway, submission_id) == "UNKNOWN"
    follow(gateway, "euro_bank")
    assert submission_row(gateway, submission_id)["state"] == "UNKNOWN"  # words on others do not resolve it
    missing = set(gateway.lake.whole(file_id, "routes")["reference"]) - {
        item["metadata"]["reference"] for item in payouts(stripe)
    }
    assert len(missing) == 3
    headers = {"Authorization": "Bearer sk_test_12345"}
    amounts = dict(gateway.lake.whole(file_id, "routes").select("reference", "amount_minor").iter_rows())
    for reference in missing:
        data = {"amount": amounts[reference], "currency": "eur", "metadata[reference]": reference}
        httpx2.post(f"{stripe}/v1/payouts", data=data, headers=headers).raise_for_status()
    assert dispatch(gateway, submission_id) == "DELIVERED"
    paid_once(gateway, file_id, stripe)


POINTS = 66


@pytest.mark.crash
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_payouts_are_made_once_wherever_the_worker_is_stopped(home, stripe, how, monkeypatch) -> None:
    """This API knows no keys: what saves us is that everything is begun before it is sent, and that it shows what it has."""
    every = range(POINTS) if all_points() else (17, 26, 35)
    for at in every:
        httpx2.delete(f"{stripe}/_config/data")
        fresh = home / f"at{at}"
        (fresh / "home").mkdir(parents=True)
        (fresh / "config").symlink_to(home / "config")
        (fresh / "home/secrets").symlink_to(home / "home/secrets")
        file_id, submission_id = planned(fresh)
        worker = workers().Process(target=work, args=(str(fresh), "deliver", at, how, ""))
        worker.start()
        if how == signal.SIGKILL:
            worker.join(60)
            assert worker.exitcode == -signal.SIGKILL, at
        else:
            _until_stopped(worker.pid)
        if not _is_locked(fresh / "home/registry.sqlite"):  # who is stopped in a commit lets nobody act
            _carried_on(fresh, submission_id, monkeypatch)
        if how == signal.SIGSTOP:
            (fresh / "minutes").write_text("2", encoding="ascii")
            os.kill(worker.pid, signal.SIGCONT)
            worker.join(60)
            assert worker.exitcode is not None
        assert _carried_on(fresh, submission_id, monkeypatch) == "DELIVERED", at
        paid_once(opened(fresh), file_id, stripe)


def _carried_on(home: Path, submission_id: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Another worker, two minutes later by its clock and by that of the provider."""
    clock = Clock()
    monkeypatch.setattr(_http_calls, "_told_at", lambda _: clock())
    try:
        state = dispatch(opened(home, clock), submission_id)
    except TransientError:
        state = ""
    clock.move(minutes=2)
    for _ in range(3):
        if state in {"DELIVERED", "UNKNOWN"}:
            break
        state = dispatch(opened(home, clock), submission_id)
    return state


def _is_locked(path: Path) -> bool:
    with closing(sqlite3.connect(path, timeout=0.1, isolation_level=None)) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


def _until_stopped(pid: int) -> None:
    for _ in range(3000):
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
            return
        time.sleep(0.01)
    raise AssertionError("the worker did not stop")
