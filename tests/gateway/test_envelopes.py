"""Files come packed: the envelopes are opened under caps, what is in them goes the same way as a plain file."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import gnupg
import pytest
from test_journey import TODAY, receive_one
from world import agree, upload

from canonical.errors import OutsideError
from canonical.profiles import ClientProfile, Pgp
from gateway.composition import Gateway
from gateway.intake import envelopes
from gateway.intake.envelopes import Rejected, peel
from gateway.intake.files import file_row, plain_key
from gateway.intake.pgp import PgpKeyring
from gateway.intake.receive import receive
from gateway.registry import tables as t
from gateway.stages import run_journey
from sandbox.day import salaries_pain001

SALARIES = salaries_pain001(TODAY)


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("|", "/"), data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.xml.gz", gzip.compress(SALARIES)),
        ("two-members.gz", gzip.compress(SALARIES[:999]) + gzip.compress(SALARIES[999:])),
        ("a.zip", zipped(**{"folder|salaries.xml": SALARIES, "__MACOSX|._salaries.xml": b"litter"})),
        ("both.zip", zipped(**{"a.xml.gz": gzip.compress(SALARIES)})),
    ],
)
def test_a_packed_file_is_read_as_the_plain_one(gateway: Gateway, name: str, data: bytes) -> None:
    file_id = receive_one(gateway, "alder", name, data)
    run_journey(gateway, file_id)
    assert gateway.store.get(plain_key(file_id)) == SALARIES
    assert gateway.lake.whole(file_id, "verdicts")["status"].value_counts().sort("status").rows() == [
        ("ACCP", 10),
        ("RJCT", 2),
    ]
    payments = gateway.lake.whole(file_id, "payments")
    offset, length = payments["offset"][0], payments["length"][0]
    assert SALARIES[offset : offset + length].startswith(b"<CdtTrfTxInf>")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(SALARIES)[:-20], "too early"),
        (gzip.compress(SALARIES)[:200] + b"\0" * 50 + gzip.compress(SALARIES)[250:], "damaged"),
        (zipped(**{"a.xml": SALARIES, "b.xml": SALARIES}), "holds 2 files"),
        (zipped(**{"folder|": b"", "__MACOSX|a": b""}), "holds 0 files"),
        (zipped(**{"a.xml": SALARIES})[:-30], "damaged"),
        (gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(SALARIES))))), "more than 4 envelopes"),
        (gzip.compress(b"\0" * (65 * 2**20)), "times its size"),
        (zipped(**{"a.xml": b" " * (65 * 2**20)}), "times its size"),
    ],
)
def test_what_is_wrong_with_an_envelope_is_told(gateway: Gateway, clock, data: bytes, words: str) -> None:
    upload(gateway, "alder", "a.packed", data)
    # A damaged envelope closes nothing: it is taken when the grace time is over.
    clock.now = gateway.store.head("clients/alder/inbox/a.packed").modified + dt.timedelta(days=1)
    found = receive(gateway)
    assert found[0].file_id is not None
    run_journey(gateway, found[0].file_id)
    findings = gateway.lake.whole(found[0].file_id, "findings", "validate")
    assert any(words in message for message in findings["message"]), findings["message"].to_list()
    assert gateway.registry.one(t.FILES, file_id=found[0].file_id)["state"] == "rejected"
    assert gateway.store.head(plain_key(found[0].file_id)) is None


def test_no_more_is_unpacked_than_a_file_may_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelopes, "FILE_BYTES_MAX", len(SALARIES) - 1)
    (tmp_path / "packed").write_bytes(gzip.compress(SALARIES))
    anybody = ClientProfile(client_id="anybody", name="A", formats=("*",))
    with pytest.raises(Rejected, match="larger than"):
        peel(tmp_path / "packed", "a.gz", anybody, None, tmp_path)


def locked(packed: bytes) -> bytes:
    """A zip whose member says, in both of its headers, that a password locks it."""
    data = bytearray(packed)
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + offset] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "agreed", "words"),
    [
        (locked(zipped(**{"a.xml": SALARIES})), {}, "password"),
        (zipped(**{"a.xml": SALARIES}), {"envelopes": ("gzip",)}, "zip, which was not agreed"),
        (gzip.compress(SALARIES), {"envelopes": ()}, "gzip, which was not agreed"),
        (b"-----BEGIN PGP MESSAGE-----", {}, "OpenPGP message, which was not agreed"),
    ],
)
def test_what_was_not_agreed_is_not_opened(tmp_path: Path, data: bytes, agreed: dict[str, object], words: str) -> None:
    (tmp_path / "packed").write_bytes(data)
    client = ClientProfile.model_validate({"client_id": "anybody", "name": "A", "formats": ("*",), **agreed})
    with pytest.raises(Rejected, match=words):
        peel(tmp_path / "packed", "a.gz", client, None, tmp_path)


def test_a_cut_envelope_waits_for_its_rest(gateway: Gateway, clock) -> None:
    upload(gateway, "alder", "a.xml.gz", gzip.compress(SALARIES)[:-20])
    clock.now = gateway.store.head("clients/alder/inbox/a.xml.gz").modified
    assert [item.outcome for item in receive(gateway)] == ["waiting"]


@pytest.mark.parametrize("name", ["..|..|evil.xml", "..\\..\\evil.xml", "C:\\evil.xml"])
def test_a_zip_never_writes_outside_its_folder(tmp_path: Path, name: str) -> None:
    packed = tmp_path / "packed"
    packed.write_bytes(zipped(**{name: SALARIES}))
    (tmp_path / "inside").mkdir()
    peeled = peel(
        packed, "a.zip", ClientProfile(client_id="anybody", name="A", formats=("*",)), None, tmp_path / "inside"
    )
    assert peeled.name == "evil.xml"
    assert peeled.path.parent == tmp_path / "inside"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inside", "packed"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str, str]]:
    """Name → fingerprint, public key, private key of people made up for the test."""
    if shutil.which("gpg") is None:
        pytest.skip("GnuPG is not installed")
    home = tmp_path_factory.mktemp("gpg")
    gpg = gnupg.GPG(gnupghome=str(home))
    made = {}
    for name in ("client", "client-next", "bulkrail", "stranger"):
        wanted = gpg.gen_key_input(
            key_type="eddsa", key_curve="ed25519", subkey_type="ecdh", subkey_curve="cv25519", name_real=name,
            name_email=f"{name}@example.com", no_protection=True,
        )  # fmt: skip
        fingerprint = gpg.gen_key(wanted).fingerprint
        made[name] = (
            fingerprint,
            gpg.export_keys(fingerprint),
            gpg.export_keys(fingerprint, secret=True, expect_passphrase=False),
        )
    _end_agent(home)
    return made


def _home(folder: Path) -> Path:
    # Short, whatever the test is called: the name of its agent's socket may have 107 bytes.
    folder.mkdir(mode=0o700)
    return folder


def _end_agent(home: Path) -> None:
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)


@pytest.fixture
def sealed(keys, tmp_path: Path) -> Iterator[Callable[..., bytes]]:
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    gpg = gnupg.GPG(gnupghome=str(home))
    for _, public, private in keys.values():
        gpg.import_keys(public)
        gpg.import_keys(private)

    def seal(
        data: bytes, signer: str | None = "client", to: str = "bulkrail", *, apart: bool = False, beside: str = ""
    ) -> bytes:
        """`apart`: signed first, and the signed message encrypted after. `beside`: a second signer."""
        if apart:
            data = bytes(gpg.sign(data, keyid=keys[signer][0], clearsign=False, binary=True).data)
            signer = None
            if not to:
                return data
        both = ["--local-user", keys[signer or ""][0], "--local-user", keys[beside][0]] if beside else None
        made = gpg.encrypt(
            data,
            keys[to][0],
            sign=keys[signer][0] if signer else None,
            always_trust=True,
            armor=False,
            extra_args=both,
        )
        assert made.ok, made.stderr
        return bytes(made.data)

    yield seal
    _end_agent(home)


@pytest.fixture
def pgp_gateway(gateway: Gateway, keys) -> Gateway:
    folder = gateway.secrets.folder
    folder.mkdir(parents=True)
    for name in ("client", "client-next"):
        (folder / f"{name}.pub").write_text(keys[name][1])
    (folder / "bulkrail.key").write_text(keys["bulkrail"][2])
    pgp = Pgp(
        signers=(keys["client"][0], keys["client-next"][0]), encrypt_to=keys["client"][0],
        public_keys=("client.pub", "client-next.pub"), private_keys=("bulkrail.key",),
    )  # fmt: skip
    agree(gateway, "alder", pgp=pgp.model_dump())
    return gateway


@pytest.mark.parametrize("signer", ["client", "client-next"])
def test_an_encrypted_and_signed_file_is_read_by_either_pinned_key(pgp_gateway, sealed, keys, signer) -> None:
    file_id = receive_one(pgp_gateway, "alder", "a.xml.pgp", sealed(SALARIES, signer))
    run_journey(pgp_gateway, file_id)
    assert pgp_gateway.store.get(plain_key(file_id)) == SALARIES
    answers = list(pgp_gateway.store.list("clients/alder/outbox"))
    assert [item.key.rpartition(".")[2] for item in answers] == ["pgp"]
    ring = PgpKeyring(
        Pgp(signers=(keys["bulkrail"][0],), public_keys=("ours",), private_keys=("theirs",)),
        lambda name: {"ours": keys["bulkrail"][1], "theirs": keys["client"][2]}[name],
    )
    folder = pgp_gateway.settings.home
    (folder / "answer.pgp").write_bytes(pgp_gateway.store.get(answers[0].key))
    ring.open(folder / "answer.pgp", folder / "answer.xml")
    assert b"pain.002" in (folder / "answer.xml").read_bytes()


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda seal: seal(SALARIES, "stranger"), "pgp-signature"),
        (lambda seal: seal(SALARIES, None), "pgp-signature"),
        (lambda seal: seal(SALARIES)[:-40], "pgp-signature"),
        (lambda seal: seal(SALARIES, "client", "stranger"), "pgp-key"),
        (lambda _seal: SALARIES, "pgp-required"),
    ],
)
def test_what_is_not_by_the_client_is_quarantined_and_never_parsed(pgp_gateway, clock, sealed, make, rule) -> None:
    upload(pgp_gateway, "alder", "a.xml.pgp", make(sealed))
    clock.now = pgp_gateway.store.head("clients/alder/inbox/a.xml.pgp").modified + dt.timedelta(days=1)
    file_id = receive(pgp_gateway)[0].file_id
    run_journey(pgp_gateway, file_id)
    assert rule in pgp_gateway.lake.whole(file_id, "findings", "validate")["rule"].to_list()
    assert pgp_gateway.lake.whole(file_id, "payments").is_empty()
    assert pgp_gateway.store.head(plain_key(file_id)) is None
    audited = [row["action"] for row in pgp_gateway.registry.rows(t.AUDIT, t.AUDIT.c.subject == file_id)]
    assert ("quarantined" in audited) == (rule == "pgp-signature")


def test_a_key_that_is_known_and_not_pinned_signs_nothing(keys, sealed, tmp_path: Path) -> None:
    """The ring may hold keys to encrypt to, or of others: good is only a signature by a pinned one."""
    held = {"ours": keys["bulkrail"][2], "pinned": keys["client"][1], "held": keys["client-next"][1]}
    agreed = Pgp(signers=(keys["client"][0],), public_keys=("pinned", "held"), private_keys=("ours",))
    ring, packed, plain = PgpKeyring(agreed, held.__getitem__), tmp_path / "packed", tmp_path / "plain"
    for apart in (False, True):
        packed.write_bytes(sealed(SALARIES, "client-next", apart=apart))
        with pytest.raises(Rejected, match="does not bear a good signature"):
            ring.open(packed, plain)
        assert not plain.exists()
    for signer, beside in (("client", "client-next"), ("client-next", "client")):
        packed.write_bytes(sealed(SALARIES, signer, beside=beside))
        with pytest.raises(Rejected, match="does not bear a good signature"):
            ring.open(packed, plain)
    packed.write_bytes(sealed(SALARIES, to="", apart=True))
    with pytest.raises(Rejected, match="signed and not encrypted"):
        ring.open(packed, plain)
    packed.write_bytes(sealed(SALARIES))
    ring.open(packed, plain)


def test_a_pinned_key_that_has_expired_signs_nothing_any_more(keys, sealed, tmp_path: Path) -> None:
    home = tmp_path / "of-2024"
    home.mkdir(mode=0o700)
    gpg = gnupg.GPG(gnupghome=str(home), options=["--faked-system-time", "20240101T000000!"])
    wanted = gpg.gen_key_input(
        key_type="eddsa", key_curve="ed25519", name_real="former", name_email="former@example.com", expire_date="1y",
        no_protection=True,
    )  # fmt: skip
    former = gpg.gen_key(wanted).fingerprint
    signed = bytes(gpg.sign(SALARIES, keyid=former, clearsign=False, binary=True).data)
    held = {"ours": keys["bulkrail"][2], "former": gpg.export_keys(former)}
    _end_agent(home)
    ring = PgpKeyring(Pgp(signers=(former,), public_keys=("former",), private_keys=("ours",)), held.__getitem__)
    (tmp_path / "packed").write_bytes(sealed(signed, None))
    with pytest.raises(Rejected, match="by a key that has expired"):
        ring.open(tmp_path / "packed", tmp_path / "plain")
    assert not (tmp_path / "plain").exists()


def test_a_signature_alone_and_a_damaged_message_are_called_that(
    keys, sealed, tmp_path: Path, tmp_path_factory
) -> None:
    held = {"pub": keys["client"][1], "key": keys["bulkrail"][2], "theirs": keys["client"][2]}
    agreed = Pgp(signers=(keys["client"][0],), public_keys=("pub",), private_keys=("key",))
    ring, packed = PgpKeyring(agreed, held.__getitem__), tmp_path / "packed"
    home = _home(tmp_path_factory.mktemp("g") / "h")
    gpg = gnupg.GPG(gnupghome=str(home))
    gpg.import_keys(held["theirs"])
    alone = bytes(gpg.sign(SALARIES, detach=True).data)
    _end_agent(home)
    for data, words in (
        (alone, "a signature without what it signs"),
        (sealed(SALARIES)[:-40], "damaged or incomplete"),
        (b"-----BEGIN PGP MESSAGE-----\n\naGVsbG8=\n", "damaged or incomplete"),
    ):
        packed.write_bytes(data)
        with pytest.raises(Rejected, match=words) as refused:
            ring.open(packed, tmp_path / "plain")
        assert refused.value.rule == "pgp-signature"
    assert not list(tmp_path.glob("plain*"))


def test_what_keeps_an_envelope_closed_is_told_alone(pgp_gateway, clock, sealed) -> None:
    """That nothing closes the file, too, would send the client looking at its upload."""
    upload(pgp_gateway, "alder", "a.xml.pgp", sealed(SALARIES, "stranger"))
    clock.now = pgp_gateway.store.head("clients/alder/inbox/a.xml.pgp").modified + dt.timedelta(days=1)
    file_id = receive(pgp_gateway)[0].file_id
    assert file_id is not None
    run_journey(pgp_gateway, file_id)
    assert pgp_gateway.lake.whole(file_id, "findings", "validate")["rule"].to_list() == ["pgp-signature"]
    assert file_row(pgp_gateway, file_id)["state"] == "rejected"


def test_a_key_that_seals_no_more_says_whose_it_is(keys, sealed, tmp_path: Path, tmp_path_factory) -> None:
    """GnuPG refuses a key without a part to encrypt to, as it refuses one that has expired."""
    home = _home(tmp_path_factory.mktemp("g") / "h")
    gpg = gnupg.GPG(gnupghome=str(home))
    wanted = gpg.gen_key_input(
        key_type="eddsa", key_curve="ed25519", name_real="client", name_email="client@example.com", no_protection=True
    )
    theirs = gpg.gen_key(wanted).fingerprint
    held = {"pub": gpg.export_keys(theirs), "key": keys["bulkrail"][2]}
    _end_agent(home)
    agreed = Pgp(signers=(theirs,), encrypt_to=theirs, public_keys=("pub",), private_keys=("key",))
    (tmp_path / "plain").write_bytes(SALARIES)
    with pytest.raises(OutsideError, match=f"{theirs}.*expired"):
        PgpKeyring(agreed, held.__getitem__).close(tmp_path / "plain", tmp_path / "out")


def test_a_message_signed_first_and_encrypted_after_is_read(keys, sealed, tmp_path: Path) -> None:
    ring = PgpKeyring(
        Pgp(signers=(keys["client"][0],), public_keys=("pub",), private_keys=("key",)),
        lambda name: {"pub": keys["client"][1], "key": keys["bulkrail"][2]}[name],
    )
    packed, plain = tmp_path / "packed", tmp_path / "plain"
    packed.write_bytes(sealed(SALARIES, apart=True))
    ring.open(packed, plain)
    assert plain.read_bytes() == SALARIES
    plain.unlink()
    for signer, words in (("stranger", "not agreed"), (None, "not signed")):
        packed.write_bytes(sealed(SALARIES, signer, apart=signer is not None))
        with pytest.raises(Rejected, match=words):
            ring.open(packed, plain)
    assert not list(tmp_path.glob("plain*"))


def test_a_forged_message_leaves_nothing_behind(keys, sealed, tmp_path: Path) -> None:
    ring = PgpKeyring(
        Pgp(signers=(keys["client"][0],), public_keys=("pub",), private_keys=("key",)),
        lambda name: {"pub": keys["client"][1], "key": keys["bulkrail"][2]}[name],
    )
    (tmp_path / "packed").write_bytes(sealed(SALARIES, "stranger"))
    with pytest.raises(Rejected):
        ring.open(tmp_path / "packed", tmp_path / "plain")
    assert not list(tmp_path.glob("plain*"))
