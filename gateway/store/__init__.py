"""The object store: one small port, two adapters (local folder, S3), chosen by URL.

Keys are relative, with forward slashes. `create` is atomic in both: who comes second gets `Conflict`. Local objects are
fsynced before the call returns, because a registry commit may rest on them.
The names are taken from here.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from canonical.errors import ConfigError
from gateway.store._bucket import S3ObjectStore
from gateway.store._folder import CLIENTS, LocalObjectStore
from gateway.store._port import ObjectStore, StoredObject

__all__ = ["CLIENTS", "LocalObjectStore", "ObjectStore", "S3ObjectStore", "StoredObject", "open_store"]


def open_store(url: str) -> ObjectStore:
    """The adapter of a URL.

    Raises:
        ConfigError: the scheme is neither file nor s3.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        return LocalObjectStore(url)
    if scheme == "s3":
        return S3ObjectStore(url)
    raise ConfigError(f"the object store URL must begin with file:// or s3://, not {scheme or 'nothing'}://")
