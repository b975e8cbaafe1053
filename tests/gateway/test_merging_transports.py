"""A merged file over the lines that banks really have: out once, and followed back to each of its clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from api_world import Bank, bank_api
from test_cancel import accepted, sent
from test_http_provider import PROVIDER
from test_merging import AFTERNOON, TERMS, answered, both, merged, run_due, second_client, state_of
from world import EURO_BANK, Clock

from gateway.answers.answer import files_with_news
from gateway.composition import Gateway, open_gateway
from gateway.feedback.follow import follow
from gateway.planning.plans import live_routes
from gateway.settings import Settings
from sandbox.keys import make_key, public_key
from sandbox.sftp import SftpSandbox, User

SFTP = """{name: sftp, options: {host: 127.0.0.1, port: PORT, username: bank, private_key_secret: bank_key, host_key: "HOST_KEY",
             inbox: /in, outbox: /out, rename_atomic: true, temporaries_cleared: false, timeout_s: 5, stable_s: 0.05}}"""

Opened = Callable[[str], Gateway]


@pytest.fixture
def opened(tmp_path: Path, config_dir: Path, clock: Clock) -> Iterator[Opened]:
    """A gateway of two clients whose bank has this profile."""
    with ExitStack() as stack:

        def of(profile: str) -> Gateway:
            second_client(config_dir)
            (config_dir / "providers/euro_bank.yaml").write_text(profile + TERMS, encoding="utf-8")
            found = open_gateway(Settings(home=tmp_path / "home", config_dir=config_dir), clock)
            stack.callback(found.registry.engine.dispose)
            return found

        yield of


def test_by_sftp(opened: Opened, tmp_path: Path, clock: Clock) -> None:
    key = public_key(make_key(tmp_path / "home/secrets", "bank_key"))
    user = User(username="bank", kind="bank", home=str(tmp_path / "euro"), authorized_keys=key)
    with SftpSandbox([user], tmp_path / "keys/server") as server:
        line = SFTP.replace("PORT", str(server.port)).replace("HOST_KEY", server.host_key)
        profile = "\n".join(
            f"transport: {line}" if told.startswith("transport:") else told for told in EURO_BANK.splitlines()
        )
        gateway = opened(f"{profile}\n")
        files = both(gateway)
        clock.now = AFTERNOON
        assert run_due(gateway) == ["DELIVERED", "DELIVERED"]
        assert [path.name for path in (tmp_path / "euro/in").iterdir()] == [merged(gateway)["name"]]
        assert sent(tmp_path) == sorted(accepted(gateway, files[0]) + accepted(gateway, files[1]))
        assert answered(gateway, tmp_path) == {"alder", "dogwood"}
    for file_id in files:
        assert set(state_of(gateway, file_id)) == {"rejected", "provider_rejected", "settled"}


def test_by_an_api_with_a_request_for_each_payment(opened: Opened, tmp_path: Path, clock: Clock) -> None:
    with bank_api(Bank(keys=False, page=100)) as api:
        (tmp_path / "home/secrets").mkdir(parents=True)
        (tmp_path / "home/secrets/payouts_key").write_text("secret", encoding="ascii")
        told = PROVIDER.replace("URL", api.url).replace("/v1/payouts", "/payouts").replace("send: form", "send: json")
        gateway = opened(told.replace("block: 3", "block: 15"))
        files = both(gateway)
        clock.now = AFTERNOON
        assert run_due(gateway) == ["DELIVERED", "DELIVERED"]
        references = [live_routes(gateway, file_id)["reference"].to_list() for file_id in files]
        assert sorted(api.references()) == sorted(references[0] + references[1])
        assert len(api.payments) == merged(gateway)["payments"] == 20
        follow(gateway, "euro_bank")
        assert merged(gateway)["state"] == "ACKNOWLEDGED"
        files_with_news(gateway)
        for item in api.payments:  # one of each client fails
            failed = item["metadata"]["reference"] in {told[0] for told in references}
            item.update({"status": "failed", "failure_code": "could_not_process"} if failed else {"status": "paid"})
        (news,) = follow(gateway, "euro_bank")
        assert set(news.files) == set(files)
    assert [state_of(gateway, file_id)["provider_rejected"] for file_id in files] == [1, 1]
    assert set(files_with_news(gateway)) == set(files)
