"""A town for the DAGs: S3 (moto's server), the SFTP front over it, two banks with books, a gateway in the environment.

The profiles are the shipped ones of `examples/config`. Clients upload by SFTP; what the banks got is read from their books.
"""

from __future__ import annotations

import datetime as dt
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
import pytest
from s3 import s3_server
from world import REPOSITORY

from gateway.composition import Gateway, open_gateway
from gateway.registry import tables as t
from sandbox.banks import Bank, BankConfig
from sandbox.keys import make_key, public_key
from sandbox.sftp import SftpSandbox, User

CLIENTS = ("alder", "birch", "cedar")
BANKS = ("euro_bank", "us_bank")


@dataclass
class Town:
    """Where things are. `sftp` can be stopped and started again on its port."""

    root: Path
    store_url: str
    config: Path
    sftp: SftpSandbox
    banks: dict[str, Bank]

    def gateway(self) -> Gateway:
        return open_gateway()

    def upload(self, client_id: str, name: str, data: bytes) -> None:
        """As a client does: by SFTP, under a temporary name, then renamed."""
        with self._session(client_id) as session:
            session.putfo(io.BytesIO(data), f"inbox/{name}.part")
            session.rename(f"inbox/{name}.part", f"inbox/{name}")

    def outbox(self, client_id: str) -> dict[str, bytes]:
        """Name → bytes of what the client finds."""
        with self._session(client_id) as session:
            return {name: session.open(f"outbox/{name}").read() for name in sorted(session.listdir("outbox"))}

    def inbox(self, client_id: str) -> list[str]:
        with self._session(client_id) as session:
            return sorted(session.listdir("inbox"))

    def profile(self, kind: str, name: str, before: str, after: str) -> None:
        """Change a profile of this town."""
        path = self.config / kind / f"{name}.yaml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    def tick(self) -> None:
        """The banks take what was released, book it and answer."""
        for bank in self.banks.values():
            bank.tick(dt.datetime.now(dt.UTC))

    def close_day(self, day: dt.date) -> None:
        """The banks write their statements."""
        for bank in self.banks.values():
            bank.close_day(day)

    def booked(self) -> list[str]:
        """End-to-end ids (or what stands for them) of everything the banks were told to pay, as often as they were told."""
        return sorted(
            row["end_to_end_id"] for bank in self.banks.values() for row in bank.books.rows("SELECT * FROM payments")
        )

    def rows(self, table: Any, **where: Any) -> list[dict[str, Any]]:
        """Registry rows."""
        found = self.gateway().registry.rows(table)
        return [dict(row) for row in found if all(row[name] == value for name, value in where.items())]

    def states(self) -> dict[str, str]:
        """File name → state, as the registry has them."""
        return {row["name"]: row["state"] for row in self.rows(t.FILES)}

    @contextmanager
    def _session(self, client_id: str) -> Iterator[paramiko.SFTPClient]:
        with paramiko.SSHClient() as ssh:
            ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            ssh.connect(
                "127.0.0.1", self.sftp.port, username=client_id, key_filename=str(self.root / "keys" / client_id),
                allow_agent=False, look_for_keys=False,
            )  # fmt: skip
            yield ssh.open_sftp()


@contextmanager
def open_town(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """Build it, point the environment at it, and stop the SFTP front at the end."""
    with s3_server(monkeypatch) as bucket:
        store_url = f"s3://{bucket}/bulkrail"
        config = shutil.copytree(REPOSITORY / "examples/config", root / "config")
        users = [
            User(username=name, kind="client", home=f"{store_url}/clients/{name}",
                 authorized_keys=public_key(make_key(root / "keys", name)))
            for name in CLIENTS
        ] + [
            User(username=f"{name}_bulkrail", kind="bank", home=str(root / "banks" / name),
                 authorized_keys=public_key(make_key(root / "home/secrets", f"{name}_key")))
            for name in BANKS
        ]  # fmt: skip
        banks = {
            name: BankConfig(home=root / "banks" / name, books=root / "books" / f"{name}.sqlite", example=name).open()
            for name in BANKS
        }
        with SftpSandbox(users, root / "keys/server") as sftp:
            for name, value in {
                "BULKRAIL_HOME": str(root / "home"),
                "BULKRAIL_STORE_URL": store_url,
                "BULKRAIL_CONFIG_DIR": str(config),
                "BULKRAIL_SFTP_PORT": str(sftp.port),
                "BULKRAIL_SFTP_HOST_KEY": sftp.host_key,
            }.items():
                monkeypatch.setenv(name, value)
            yield Town(root, store_url, config, sftp, banks)
