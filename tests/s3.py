"""moto's S3 as a server: real HTTP, real signatures, nothing outside this machine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import boto3
import pytest
from moto.server import ThreadedMotoServer
from world import AWS


@lru_cache
def _endpoint() -> str:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _host, port = server.get_host_and_port()
    return f"http://127.0.0.1:{port}"


@contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name of a new empty bucket; the environment points every AWS client at the server."""
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", _endpoint())
    bucket = f"bulkrail-{uuid.uuid4().hex[:12]}"
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=bucket)
    yield bucket
