"""Settings from the environment (`BULKRAIL_*`): where things are. What clients and providers agreed stands in their YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every default works on one machine with nothing installed.

    `store_url`: file:///folder or s3://bucket/prefix. `registry_url`: SQLAlchemy URL (sqlite or postgresql+psycopg).
    `config_dir`: holds clients/*.yaml and providers/*.yaml. `secrets_url`: see `gateway.secrets`; `secrets_life_s`:
    so long a value is kept, so that a rotated one is seen after it.
    `incomplete_grace_s`: seconds after which a file that does not close itself is taken and refused.
    `poll_interval_s`, `provider_poll_interval_s`: pauses between looks at our own inboxes and at the providers' offers;
    each look at a provider is a login there.
    `roles`: role → login names; `payment_reader` may read payments unmasked (`bulkrail status --unmasked`). Nobody by default.
    `resolve_four_eyes`: two persons must say the same of a submission of unknown outcome before it counts.
    `unmatched_after_days`: weekdays after which a payment without a statement entry becomes a break.
    """

    model_config = SettingsConfigDict(env_prefix="BULKRAIL_", extra="forbid", frozen=True)

    home: Path = Path("var/bulkrail")
    store_url: str = ""
    registry_url: str = ""
    config_dir: Path = Path("examples/config")
    secrets_url: str = ""
    secrets_life_s: float = Field(default=60.0, ge=0)
    incomplete_grace_s: float = Field(default=120.0, ge=0)
    unmatched_after_days: int = Field(default=3, ge=0)
    poll_interval_s: float = Field(default=2.0, gt=0)
    roles: dict[Literal["payment_reader"], tuple[str, ...]] = {}
    resolve_four_eyes: bool = False
    provider_poll_interval_s: float = Field(default=60.0, gt=0)

    @property
    def store(self) -> str:
        """Object store URL; by default a folder below `home`."""
        return self.store_url or f"file://{(self.home / 'store').resolve()}"

    @property
    def registry(self) -> str:
        """Registry URL; by default a SQLite file below `home`."""
        return self.registry_url or f"sqlite:///{(self.home / 'registry.sqlite').resolve()}"

    @property
    def secrets(self) -> str:
        """URL of the secrets; by default a folder below `home`."""
        return self.secrets_url or f"file://{(self.home / 'secrets').resolve()}"
