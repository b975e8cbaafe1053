"""The S3 transport against moto as a server: delivery once, doubt, feedback, and what it puts aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from delivery_world import DATA, Log, S, make_parcel
from s3 import s3_server

from canonical.contracts import RemoteFile
from canonical.errors import OutcomeUnknown, OutsideError, TransientError
from providers._s3_options import S3Options
from providers._s3_remote import S3Remote, _S3Place
from providers.s3 import TRANSPORT

STAY = {"finals_stay": True, "temporaries_cleared": False}


@pytest.fixture
def bucket(monkeypatch) -> Iterator[Any]:
    with s3_server(monkeypatch) as name:
        yield boto3.resource("s3").Bucket(name)


@pytest.fixture
def parcel(tmp_path):
    return make_parcel(tmp_path)


def options(bucket: Any, **changes: Any) -> S3Options:
    return S3Options.model_validate(
        {"bucket": bucket.name, "inbox": "in/", "outbox": "out/", "timeout_s": 5, **changes}
    )


def deliver(bucket: Any, parcel: Any, log: Log, **changes: Any) -> None:
    with TRANSPORT.connect(options(bucket, **changes), str) as remote:
        remote.deliver(parcel, log)


def keys(bucket: Any) -> dict[str, bytes]:
    return {item.key: item.get()["Body"].read() for item in bucket.objects.all()}


@pytest.mark.parametrize("release", ["direct", "marker"])
def test_delivers(tmp_path, bucket, parcel, release) -> None:
    log = Log(tmp_path / "log.db")
    deliver(bucket, parcel, log, release=release, server_side_encryption="AES256")
    assert log.state is S.DELIVERED
    marker = {f"in/{parcel.name}.done": b""} if release == "marker" else {}
    assert keys(bucket) == {f"in/{parcel.name}": DATA, **marker}
    assert bucket.Object(f"in/{parcel.name}").server_side_encryption == "AES256"


def test_a_taken_key_is_never_written_over(tmp_path, bucket, parcel) -> None:
    bucket.put_object(Key=f"in/{parcel.name}", Body=b"somebody else's")
    log = Log(tmp_path / "log.db")
    with pytest.raises(OutsideError, match="already holds"):
        deliver(bucket, parcel, log)
    with (
        TRANSPORT.connect(options(bucket), str) as remote,
        pytest.raises(OutsideError, match="the key is taken"),
    ):
        _S3Place(remote._client, options(bucket)).put(parcel.name, parcel.path)
    assert keys(bucket) == {f"in/{parcel.name}": b"somebody else's"}


@pytest.mark.parametrize(
    ("there", "terms", "expected"),
    [
        (DATA, {}, S.DELIVERED),
        (DATA[:-1] + b"!", {}, S.UNKNOWN),
        (DATA[:-1], STAY, S.UNKNOWN),
        (None, {}, S.UNKNOWN),
        (None, STAY, S.DELIVERED),
    ],
)
def test_recovery(tmp_path, bucket, parcel, there, terms, expected) -> None:
    if there is not None:
        bucket.put_object(Key=f"in/{parcel.name}", Body=there, ChecksumAlgorithm="SHA256")
    log = Log(tmp_path / "log.db").force(S.RELEASING)
    deliver(bucket, parcel, log, **terms)
    assert log.state is expected, log.detail


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("terms", [{}, STAY])
def test_a_put_whose_answer_is_lost(tmp_path, bucket, parcel, monkeypatch, acts, terms) -> None:
    whole = _S3Place.put

    def breaks(self: _S3Place, *args: Any) -> None:
        if acts:
            whole(self, *args)
        raise TransientError("the line broke")

    log = Log(tmp_path / "log.db")
    with monkeypatch.context() as patch:
        patch.setattr(_S3Place, "put", breaks)
        if terms:
            with pytest.raises(OutcomeUnknown):
                deliver(bucket, parcel, log, **terms)
        else:
            deliver(bucket, parcel, log)
            assert log.state is S.UNKNOWN
            with TRANSPORT.connect(options(bucket), str) as remote:
                remote.enquire(parcel, log)
            assert log.state is (S.DELIVERED if acts else S.UNKNOWN)
            return
    deliver(bucket, parcel, again := Log(tmp_path / "log.db"), **terms)
    assert again.state is S.DELIVERED
    assert keys(bucket) == {f"in/{parcel.name}": DATA}


def test_what_may_not_go_any_more_and_cannot_be_withdrawn_is_for_a_person(tmp_path, bucket, parcel) -> None:
    (tmp_path / "log.over").touch()
    log = Log(tmp_path / "log.db").force(S.RELEASING)
    deliver(bucket, parcel, log, **STAY)
    assert log.state is S.UNKNOWN
    assert "cannot be withdrawn" in log.detail
    assert keys(bucket) == {}


def test_faults_are_no_success(tmp_path, bucket, parcel) -> None:
    nowhere = options(bucket).model_copy(update={"bucket": "nowhere-at-all"})
    with TRANSPORT.connect(nowhere, str) as remote, pytest.raises(OutsideError, match=r"write .*NoSuchBucket"):
        _S3Place(remote._client, nowhere).put(parcel.name, parcel.path)
    with pytest.raises(TransientError, match="the line broke"):
        deliver(bucket, parcel, Log(tmp_path / "b.db"), endpoint_url="http://127.0.0.1:1")


def test_feedback_is_listed_fetched_and_put_aside(bucket) -> None:
    for key, data in {
        "out/b.xml": b"b",
        "out/a.xml": b"a",
        "out/deeper/c.xml": b"c",
        "out/": b"",
        "out/.d": b"d",
        "in/x": b"x",
    }.items():
        bucket.put_object(Key=key, Body=data)
    with TRANSPORT.connect(options(bucket, archive="done/"), str) as remote:
        found = list(remote.feedback())
        assert [file.name for file in found] == ["a.xml", "b.xml"]
        assert [remote.fetch(file) for file in found] == [b"a", b"b"]
        bucket.put_object(Key="out/b.xml", Body=b"written anew")
        with pytest.raises(TransientError, match="written anew"):
            remote.fetch(found[1])
        for file in found * 2:
            remote.archive(file)
        assert [file.name for file in remote.feedback()] == ["b.xml"]
        assert keys(bucket)[f"done/{found[0].version}-a.xml"] == b"a"
        with pytest.raises(OutsideError, match="plain file name"):
            remote.fetch(RemoteFile("../in/x", 1, "v"))
        with pytest.raises(OutsideError, match="NoSuchKey"):
            remote.fetch(replace(found[0], name="gone.xml"))


def test_without_an_outbox_there_is_no_feedback(bucket) -> None:
    with TRANSPORT.connect(options(bucket, outbox=None), str) as remote:
        assert isinstance(remote, S3Remote)
        assert list(remote.feedback()) == []
