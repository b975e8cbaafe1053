"""The SFTP front: keys only, homes that cannot be left, object-store ways for clients, real renames for banks."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest

from sandbox._bank_home import BankWays
from sandbox.keys import make_key, public_key
from sandbox.sftp import SftpSandbox, User

WAYS = {
    "bank": BankWays(),
    "copying": BankWays(rename="copy"),
    "clearing": BankWays(clear_temporaries_s=0),
    "refusing": BankWays(refuse={"write", "rename"}),
    "full": BankWays(quota_bytes=1000),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("sftp")


@pytest.fixture(scope="module")
def server(root) -> Iterator[SftpSandbox]:
    users = [
        User(username=name, kind="client", home=f"file://{root}/homes/{name}", authorized_keys=_public(root, name))
        for name in ("alder", "birch")
    ]
    users += [
        User(
            username=name, kind="bank", home=str(root / "homes" / name), authorized_keys=_public(root, name), ways=ways
        )
        for name, ways in WAYS.items()
    ]
    for user in users:
        (root / "homes" / user.username).mkdir(parents=True)
    with SftpSandbox(users, root / "keys" / "server") as sandbox:
        yield sandbox


def _public(root: Path, name: str) -> str:
    return public_key(make_key(root / "keys", name))


@contextmanager
def session(server: SftpSandbox, root: Path, username: str, key: str | None = None) -> Iterator[paramiko.SFTPClient]:
    transport = paramiko.Transport(("127.0.0.1", server.port))
    try:
        transport.connect(
            username=username, pkey=paramiko.Ed25519Key.from_private_key_file(str(root / "keys" / (key or username)))
        )
        client = transport.open_sftp_client()
        assert client is not None
        client.get_channel().settimeout(10)
        yield client
    finally:
        transport.close()


@pytest.fixture
def log_in(server, root):
    return lambda username, key=None: session(server, root, username, key)


def test_only_the_right_key_gets_in(server, log_in) -> None:
    for username, key in (("alder", "birch"), ("nobody", "alder")):
        with pytest.raises(paramiko.AuthenticationException), log_in(username, key):
            pass
    transport = paramiko.Transport(("127.0.0.1", server.port))
    transport.start_client(timeout=10)
    with pytest.raises(paramiko.BadAuthenticationType) as fault:
        transport.auth_password("alder", "secret", fallback=False)
    transport.close()
    assert fault.value.allowed_types == ["publickey"]


def test_no_shell_and_no_forwarding(root, server) -> None:
    transport = paramiko.Transport(("127.0.0.1", server.port))
    transport.connect(username="alder", pkey=paramiko.Ed25519Key.from_private_key_file(str(root / "keys" / "alder")))
    with pytest.raises(paramiko.SSHException):
        transport.open_session(timeout=10).exec_command("id")
    with pytest.raises(paramiko.ChannelException):
        transport.open_channel("direct-tcpip", ("127.0.0.1", server.port), ("127.0.0.1", 1), timeout=10)
    transport.close()


@pytest.mark.parametrize("username", ["alder", "bank"])
@pytest.mark.parametrize(
    "path",
    ["../birch/inbox/secret.txt", "/../birch/inbox/secret.txt", "inbox/../../birch/inbox/secret.txt",
     "/inbox/%2e%2e/birch/inbox/secret.txt", "//birch/inbox/secret.txt", "link/inbox/secret.txt", "in/link/inbox/secret.txt"],
)  # fmt: skip
def test_no_path_leads_into_another_home(root, log_in, username: str, path: str) -> None:
    secret = root / "homes" / "birch" / "inbox" / "secret.txt"
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_bytes(b"payroll")
    home = root / "homes" / username
    (home / "in").mkdir(exist_ok=True)
    for link in (home / "link", home / "in" / "link"):
        if not link.is_symlink():
            link.symlink_to(root / "homes" / "birch")
    with log_in(username) as sftp:
        for attempt in (
            lambda: sftp.open(path, "r"), lambda: sftp.stat(path), lambda: sftp.open(path, "w"), lambda: sftp.remove(path),
            lambda: sftp.listdir(path.rpartition("/")[0] or "/"),
        ):  # fmt: skip
            try:
                found = attempt()
            except OSError:
                continue
            assert isinstance(found, list), f"{path} opened something"
            assert "secret.txt" not in found
    assert secret.read_bytes() == b"payroll"


@pytest.mark.parametrize("username", ["alder", "bank"])
def test_links_are_refused(log_in, username: str) -> None:
    with log_in(username) as sftp:
        with pytest.raises(OSError, match="links"):
            sftp.symlink("/etc/passwd", "in/passwd")
        with pytest.raises(OSError, match="links"):
            sftp.readlink("in")
        assert sftp.normalize("../../etc") == "/etc"


@pytest.mark.parametrize(("username", "folder"), [("bank", "in"), ("alder", "inbox")])
def test_a_planted_link_is_not_followed(root, log_in, username: str, folder: str) -> None:
    target = root / "outside.txt"
    target.write_bytes(b"outside")
    link = root / "homes" / username / folder / "planted"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(target)
    with log_in(username) as sftp:
        for mode in ("r", "w"):
            with pytest.raises(OSError, match=r"(?i)no such file|symbolic links"):
                sftp.open(f"{folder}/planted", mode)
    link.unlink()
    assert target.read_bytes() == b"outside"


# -------------------------------------------------------------------------------------------- client homes


def test_client_uploads_lists_renames_and_removes(root, log_in) -> None:
    with log_in("alder") as sftp:
        assert {"inbox", "outbox"} <= set(sftp.listdir("/"))
        assert sftp.listdir("/outbox") == []
        sftp.putfo(io.BytesIO(b"x" * 100_000), "/inbox/pay.xml.part")
        sftp.rename("/inbox/pay.xml.part", "/inbox/pay.xml")
        assert sftp.listdir("/inbox") == ["pay.xml"]
        assert sftp.stat("/inbox/pay.xml").st_size == 100_000
        assert (root / "homes" / "alder" / "inbox" / "pay.xml").stat().st_size == 100_000
        with sftp.open("/inbox/pay.xml") as file:
            file.seek(99_990)
            assert file.read() == b"x" * 10
        sftp.putfo(io.BytesIO(b"new"), "/inbox/pay.xml")
        assert sftp.stat("/inbox/pay.xml").st_size == 3
        sftp.mkdir("/inbox/sub")
        sftp.remove("/inbox/pay.xml")
        assert sftp.listdir("/inbox") == []


def test_client_may_not_append_nor_write_into_an_object(log_in) -> None:
    with log_in("alder") as sftp:
        sftp.putfo(io.BytesIO(b"first"), "/inbox/a.txt")
        for mode in ("a", "r+"):
            with pytest.raises(OSError, match="not supported"):
                sftp.open("/inbox/a.txt", mode)
        with pytest.raises(OSError, match="exists"):
            sftp.open("/inbox/a.txt", "wx")
        sftp.putfo(io.BytesIO(b"second"), "/inbox/b.txt")
        with pytest.raises(OSError, match="exists"):
            sftp.rename("/inbox/a.txt", "/inbox/b.txt")
        sftp.posix_rename("/inbox/a.txt", "/inbox/b.txt")
        assert sftp.open("/inbox/b.txt").read() == b"first"
        sftp.remove("/inbox/b.txt")


@pytest.mark.parametrize("path", ["/a.txt", "/outbox/a.txt", "/inbox/sub/a.txt", "/inbox", "/"])
def test_client_uploads_into_the_inbox_only(log_in, path: str) -> None:
    with log_in("alder") as sftp, pytest.raises(OSError, match="not allowed"):
        sftp.open(path, "w")


def test_client_takes_answers_and_removes_them(root, log_in) -> None:
    answer = root / "homes" / "alder" / "outbox" / "answer.xml"
    answer.parent.mkdir(exist_ok=True)
    answer.write_bytes(b"<Document/>")
    with log_in("alder") as sftp:
        assert sftp.open("/outbox/answer.xml").read() == b"<Document/>"
        sftp.remove("/outbox/answer.xml")
        with pytest.raises(FileNotFoundError):
            sftp.remove("/outbox/answer.xml")
    assert not answer.exists()


def test_an_upload_that_breaks_leaves_a_partial_object(root, server) -> None:
    transport = paramiko.Transport(("127.0.0.1", server.port))
    transport.connect(username="alder", pkey=paramiko.Ed25519Key.from_private_key_file(str(root / "keys" / "alder")))
    file = transport.open_sftp_client().open("/inbox/broken.xml", "w")
    file.write(b"<Document>")
    file.flush()
    transport.close()
    partial = root / "homes" / "alder" / "inbox" / "broken.xml"
    deadline = time.monotonic() + 10
    while not partial.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert partial.read_bytes() == b"<Document>"
    partial.unlink()


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    import boto3
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():  # fmt: skip
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="clients")
        yield "clients"
    moto.stop()


def test_client_home_in_a_bucket(bucket, tmp_path) -> None:
    import boto3

    make_key(tmp_path / "keys", "cedar")
    user = User(
        username="cedar", kind="client", home=f"s3://{bucket}/cedar", authorized_keys=_public(tmp_path, "cedar")
    )
    with SftpSandbox([user], tmp_path / "keys" / "server") as sandbox, session(sandbox, tmp_path, "cedar") as sftp:
        assert sorted(sftp.listdir("/")) == ["inbox", "outbox"]
        sftp.putfo(io.BytesIO(b"1234"), "/inbox/a.csv.part")
        sftp.rename("/inbox/a.csv.part", "/inbox/a.csv")
        assert sftp.listdir("/inbox") == ["a.csv"]
        assert boto3.client("s3").get_object(Bucket=bucket, Key="cedar/inbox/a.csv")["Body"].read() == b"1234"
        sftp.remove("/inbox/a.csv")
        assert sftp.listdir("/inbox") == []


# -------------------------------------------------------------------------------------------- bank homes


def test_bank_renames_in_one_step_and_never_over_a_file(root, log_in) -> None:
    with log_in("bank") as sftp:
        sftp.putfo(io.BytesIO(b"1"), "in/.a.part")
        inode = (root / "homes" / "bank" / "in" / ".a.part").stat().st_ino
        sftp.rename("in/.a.part", "in/a.xml")
        assert (root / "homes" / "bank" / "in" / "a.xml").stat().st_ino == inode
        sftp.putfo(io.BytesIO(b"2"), "in/.b.part")
        with pytest.raises(OSError, match="exists"):
            sftp.rename("in/.b.part", "in/a.xml")
        assert sftp.open("in/a.xml").read() == b"1"


def test_bank_faults_on_request(root, log_in) -> None:
    with log_in("copying") as sftp:
        sftp.putfo(io.BytesIO(b"1"), "in/.a.part")
        inode = (root / "homes" / "copying" / "in" / ".a.part").stat().st_ino
        sftp.rename("in/.a.part", "in/a.xml")
        assert (root / "homes" / "copying" / "in" / "a.xml").stat().st_ino != inode
        assert not (root / "homes" / "copying" / "in" / ".a.part").exists()
    with log_in("refusing") as sftp:
        with pytest.raises(PermissionError):
            sftp.open("in/a", "w")
        with pytest.raises(PermissionError):
            sftp.rename("in/a", "in/b")
    with log_in("full") as sftp, pytest.raises(OSError, match="No space left"), sftp.open("in/a", "w") as file:
        file.write(b"x" * 2000)
    (root / "homes" / "clearing" / "in").mkdir()
    (root / "homes" / "clearing" / "in" / ".a.part").write_bytes(b"x")
    (root / "homes" / "clearing" / "in" / "a.xml").write_bytes(b"x")
    with log_in("clearing") as sftp:
        assert sftp.listdir("in") == ["a.xml"]


def test_serves_as_a_process(tmp_path) -> None:
    make_key(tmp_path / "keys", "alder")
    ready = tmp_path / "ready"
    config = {
        "users": [{"username": "alder", "kind": "client", "home": f"file://{tmp_path}/home",
                   "authorized_keys": _public(tmp_path, "alder")}],
        "host_key": str(tmp_path / "keys" / "server"), "ready_file": str(ready),
    }  # fmt: skip
    (tmp_path / "sftp.json").write_text(json.dumps(config))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "sandbox.sftp", "--config", str(tmp_path / "sftp.json")]
    with subprocess.Popen(command, env=environment) as process:
        try:
            deadline = time.monotonic() + 30
            while not ready.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            transport = paramiko.Transport(("127.0.0.1", int(ready.read_text())))
            transport.connect(
                username="alder", pkey=paramiko.Ed25519Key.from_private_key_file(str(tmp_path / "keys" / "alder"))
            )
            assert sorted(transport.open_sftp_client().listdir("/")) == ["inbox", "outbox"]
            shown = transport.get_remote_server_key()
            transport.close()
            assert f"{shown.get_name()} {shown.get_base64()}" == public_key(tmp_path / "keys" / "server")
        finally:
            process.send_signal(signal.SIGTERM)


def test_keys_are_made_once_and_kept_private(tmp_path) -> None:
    first = make_key(tmp_path, "gateway")
    text = first.read_bytes()
    assert make_key(tmp_path, "gateway").read_bytes() == text
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert public_key(first).startswith("ssh-ed25519 AAAA")
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.keys", str(tmp_path), "gateway"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout == f"{first} {public_key(first)}\n"
