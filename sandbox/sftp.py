"""The SFTP front of the sandbox: one asyncssh server, many users, keys only, each user in a home of its own.

In process: `with SftpSandbox(users, host_key) as server: server.port`. Alone: `python -m sandbox.sftp --config FILE`, where
FILE (YAML or JSON) keeps `SandboxConfig`; the port it got is written to `ready_file` when the server listens.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import asyncssh
from ruamel.yaml import YAML

from canonical.profiles import Model
from gateway.store import open_store
from sandbox._bank_home import BankHome, BankWays
from sandbox._client_home import ClientHome
from sandbox.keys import make_key, public_key


class User(Model):
    """Who may log in. `home`: the object store URL of a client (`file:///…`, `s3://bucket/prefix`), or a bank's folder.

    `authorized_keys`: public keys, one a line, as in OpenSSH.
    """

    username: str
    kind: Literal["client", "bank"]
    home: str
    authorized_keys: str
    ways: BankWays = BankWays()


class SandboxConfig(Model):
    """`host_key`: path of the server's private key, made where it is missing. `port` 0 takes any free one."""

    users: tuple[User, ...]
    host_key: Path
    host: str = "127.0.0.1"
    port: int = 0
    ready_file: Path | None = None


class _Login(asyncssh.SSHServer):
    """Public keys only; nobody is told whether a name is known."""

    def __init__(self, users: dict[str, User]) -> None:
        self._users = users
        self._connection: Any = None

    def connection_made(self, conn: Any) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        user = self._users.get(username)
        if user is not None:
            self._connection.set_authorized_keys(asyncssh.import_authorized_keys(user.authorized_keys))
        return True

    def password_auth_supported(self) -> bool:
        return False

    def kbdint_auth_supported(self) -> bool:
        return False


async def serve(users: Sequence[User], host_key: Path, port: int = 0, host: str = "127.0.0.1") -> Any:
    """Listen. Returns asyncssh's acceptor (`get_port()`, `close()`); sessions run in the loop that called."""
    known = {user.username: user for user in users}

    def home(channel: Any) -> asyncssh.SFTPServer:
        user = known[channel.get_extra_info("username")]
        if user.kind == "bank":
            return BankHome(channel, Path(user.home), user.ways)
        return ClientHome(channel, open_store(user.home))

    return await asyncssh.create_server(
        lambda: _Login(known),
        host,
        port,
        server_host_keys=[str(host_key)],
        sftp_factory=home,
        sftp_version=3,
        allow_scp=False,
        agent_forwarding=False,
        keepalive_interval=30,
    )


class SftpSandbox:
    """The server in a thread of its own. A context manager; `port` and `host_key` hold while it runs."""

    def __init__(self, users: Sequence[User], host_key: Path, port: int = 0) -> None:
        make_key(host_key.parent, host_key.name)
        self.host_key = public_key(host_key)
        self.port = port
        self._key_path = host_key
        self._users = users
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp-sandbox", daemon=True)
        self._acceptor: Any = None

    def start(self) -> Self:
        """Listen and return when logins are taken."""
        self._thread.start()
        listening = serve(self._users, self._key_path, self.port)
        self._acceptor = asyncio.run_coroutine_threadsafe(listening, self._loop).result(30)
        self.port = self._acceptor.get_port()
        return self

    def stop(self) -> None:
        """Close the port and every session, and end the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    async def _close(self) -> None:
        self._acceptor.close()
        await self._acceptor.wait_closed()
        # Sessions that were open end now; their partial uploads are stored before the loop stops.
        sessions = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.wait(sessions, timeout=5) if sessions else None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def read_config(path: Path) -> SandboxConfig:
    """The server's configuration from YAML or JSON (which is YAML, too)."""
    return SandboxConfig.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))


async def _run(config: SandboxConfig) -> None:
    make_key(config.host_key.parent, config.host_key.name)
    acceptor = await serve(config.users, config.host_key, config.port, config.host)
    if config.ready_file is not None:
        temporary = config.ready_file.with_name(f".{config.ready_file.name}")
        temporary.write_text(f"{acceptor.get_port()}\n", encoding="ascii")
        temporary.rename(config.ready_file)
    await acceptor.wait_closed()


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.sftp", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="YAML or JSON file")
    asyncio.run(_run(read_config(parser.parse_args().config)))


if __name__ == "__main__":
    main()
