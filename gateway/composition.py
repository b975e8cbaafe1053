"""The one place where the parts are put together: everything else is handed a `Gateway`."""

from __future__ import annotations

import datetime as dt
import gc
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Final

from canonical.errors import ConfigError
from canonical.frames import refuse_if_pandera_is_off
from gateway.config import Profiles, load_profiles
from gateway.lake import Lake
from gateway.logs import mask_logs
from gateway.registry.engine import Clock, Registry, open_registry
from gateway.secrets import Secrets
from gateway.settings import Settings
from gateway.store import ObjectStore, open_store

OUR_PACKAGES: Final = (
    "bulkrail_airflow", "canonical", "exporters", "gateway", "parsers", "providers", "reconciliation", "sandbox", "validators",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gateway:
    """What a stage works with."""

    settings: Settings
    profiles: Profiles
    registry: Registry
    store: ObjectStore
    lake: Lake
    clock: Clock
    secrets: Secrets

    def secret(self, name: str) -> str:
        """Text of a secret. Raises NotFound, TransientError, OutsideError."""
        return self.secrets.read(name)


def utc_now() -> dt.datetime:
    """The clock of production."""
    return dt.datetime.now(dt.UTC)


def open_gateway(settings: Settings | None = None, clock: Clock = utc_now) -> Gateway:
    """Read the settings and profiles, check the installation, open registry and store.

    Raises:
        ConfigError: settings, profiles or installation are wrong; every fault is listed.
        TransientError, OutsideError: registry or store cannot be reached.
    """
    settings = settings or Settings()
    refuse_if_pandera_is_off()
    refuse_foreign_packages()
    registry = open_registry(settings.registry, clock)
    store = open_store(settings.store)
    secrets = Secrets(settings.secrets, settings.secrets_life_s)
    mask_logs(secrets)
    profiles = load_profiles(settings.config_dir)
    if not gc.get_freeze_count():
        # What was loaded lives as long as the process: no collection has to look at it again, nor has the last one at exit.
        # Only at the first gateway: a process that opens one after the other would never be rid of what they left.
        gc.freeze()
    return Gateway(settings, profiles, registry, store, Lake(store, registry), clock, secrets)


def refuse_foreign_packages() -> None:
    """Our package names are also names of foreign distributions: make sure that each is ours alone.

    Raises:
        ConfigError: another installed distribution claims one of them.
    """
    for distribution in distributions():
        # The list of a distribution's files, as text: reading it as paths takes ten times as long.
        files = distribution.read_text("RECORD") or ""
        claimed = [name for name in OUR_PACKAGES if f"\n{name}/" in files or files.startswith(f"{name}/")]
        if claimed and distribution.name != "bulkrail":
            raise ConfigError(f"package {claimed[0]} is also installed by {distribution.name}; uninstall it")
