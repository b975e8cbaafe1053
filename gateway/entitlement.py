"""Who may read payments as they are: names and accounts, of payrolls too, are masked for everybody else.

The role `payment_reader` is given to login names in the settings; whoever asks is the owner of the process, whom the
operating system vouches for, not a name from the environment. Each time somebody asks, granted or refused, stands in the
audit trail. What lies in the registry and the store is guarded where it lies: their folders are their owner's alone.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from canonical.errors import NotEntitled
from canonical.masking import mask, mask_of

if TYPE_CHECKING:
    from gateway.books.status import Status
    from gateway.composition import Gateway

_PERSONAL: Final = ("counterparty_name", "counterparty_account", "provider_message")
"""Columns that tell who is paid; a provider's free text may repeat it."""


def login_name() -> str:
    """Owner of this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a name
        return str(os.getuid())


def require_payment_reader(gateway: Gateway, subject: str) -> None:
    """Note that somebody wants to read payments of `subject` unmasked. Raises NotEntitled."""
    who = login_name()
    is_entitled = who in gateway.settings.roles.get("payment_reader", ())
    action = "payments_read_unmasked" if is_entitled else "payments_refused_unmasked"
    with gateway.registry.transaction() as connection:
        gateway.registry.audit(connection, who, action, subject)
    if not is_entitled:
        raise NotEntitled(f"{who} has not the role payment_reader; nothing is shown unmasked", subject=subject)


def masked(status: Status) -> Status:
    """A status that tells nobody who is paid."""
    frame = status.payments
    payment: dict[str, Any] | None = None
    if status.payment is not None:
        payment = {
            name: mask(value) if name in _PERSONAL and isinstance(value, str) else value
            for name, value in status.payment.items()
        }
    columns = [mask_of(pl.col(name)).alias(name) for name in _PERSONAL if name in frame.columns]
    return replace(status, payments=frame.with_columns(columns), payment=payment)
