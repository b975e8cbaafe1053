"""Find the plug-ins of a folder: each module holds one constant (FORMAT, RULE, EXPORT, TRANSPORT)."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from canonical.errors import ConfigError, NotFound


def _modules(package: str) -> list[str]:
    home = importlib.import_module(package)
    names = sorted(module.name for module in pkgutil.iter_modules(home.__path__))
    return [name for name in names if not name.startswith("_")]


def _name_of(plugin: Any) -> str:
    return str(getattr(plugin, "name", None) or plugin.id)


@cache
def discover(package: str, constant: str) -> dict[str, Any]:
    """Name → plug-in of every module of `package` that holds `constant`, in sorted order.

    Modules whose name begins with an underscore are helpers and are passed over. A module that fails to import stops
    the start: a gateway that runs without one of its rules is worse than one that does not run.

    Raises:
        ConfigError: a module without the constant or two plug-ins of one name.
    """
    found: dict[str, Any] = {}
    for name in _modules(package):
        module = importlib.import_module(f"{package}.{name}")
        plugin = getattr(module, constant, None)
        if plugin is None:
            continue
        key = _name_of(plugin)
        if key in found:
            raise ConfigError(f"{package}.{name}: a second {constant} named {key}")
        found[key] = plugin
    return found


def lookup(package: str, constant: str, name: str) -> Any:
    """The plug-in of that name. Where its module is named likewise (pain.001: pain001, csv: payments_csv), only that is loaded.

    Raises:
        NotFound: there is none; the message lists those there are.
    """
    word = name.replace(".", "").replace("-", "_")
    for module in _modules(package):
        if module == word or module.endswith(f"_{word}"):
            plugin = getattr(importlib.import_module(f"{package}.{module}"), constant, None)
            if plugin is not None and _name_of(plugin) == name:
                return plugin
    found = discover(package, constant)
    if name not in found:
        raise NotFound(f"no {constant.lower()} named {name!r} in {package}/ (there are: {', '.join(found)})")
    return found[name]
