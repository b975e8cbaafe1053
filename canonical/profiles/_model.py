"""What all models of profiles have in common."""

from __future__ import annotations

import zoneinfo
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from canonical.currencies import CURRENCIES


def _known_currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(f"{code} is not an ISO 4217 currency code")
    return code


def _known_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as fault:
        raise ValueError(f"{name} is not an IANA time zone") from fault
    return name


CurrencyCode = Annotated[str, AfterValidator(_known_currency)]
ZoneName = Annotated[str, AfterValidator(_known_zone)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{1,30}$")]
Minor = Annotated[int, Field(ge=0)]


class Model(BaseModel):
    """Frozen, and no key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class NoOptions(Model):
    """The options of a plug-in that needs none: any key is a fault."""


class Plugin(Model):
    """A plug-in by name with the options that the plug-in itself declares and checks."""

    name: str
    options: dict[str, Any] = {}
