"""Find the plug-ins of a folder: each module holds one constant (FORMAT, RULE, EXPORT, TRANSPORT)."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from canonical.errors import ConfigError, NotFound


@cache
def discover(package: str, constant: str) -> dict[str, Any]:
    """Name → plug-in of every module of `package` that holds `constant`, in sorted order.

    Modules whose name begins with an underscore are helpers and are passed over. A module that fails to import stops
    the start: a gateway that runs without one of its rules is worse than one that does not run.

    Raises:
        ConfigError: a module without the constant or two plug-ins of one name.
    """
    home = importlib.import_module(package)
    found: dict[str, Any] = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(home.__path__)):
        if name.startswith("_"):
            continue
        module = importlib.import_module(f"{package}.{name}")
        plugin = getattr(module, constant, None)
        if plugin is None:
            continue
        key = getattr(plugin, "name", None) or plugin.id
        if key in found:
            raise ConfigError(f"{package}.{name}: a second {constant} named {key}")
        found[key] = plugin
    return found


def lookup(package: str, constant: str, name: str) -> Any:
    """The plug-in of that name.

    Raises:
        NotFound: there is none; the message lists those there are.
    """
    found = discover(package, constant)
    if name not in found:
        raise NotFound(f"no {constant.lower()} named {name!r} in {package}/ (there are: {', '.join(found)})")
    return found[name]
