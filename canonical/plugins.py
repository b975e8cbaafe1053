"""Find the plug-ins of a folder: each module holds one constant (FORMAT, RULE, EXPORT, TRANSPORT)."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from typing import Any

from canonical.errors import ConfigError, NotFound


def _modules(package: str) -> tuple[str, ...]:
    return _listed(*importlib.import_module(package).__path__)


@cache
def _listed(*folders: str) -> tuple[str, ...]:
    """By the folders, not by the package's name: a package that is given one more has its modules too."""
    names = sorted(module.name for module in pkgutil.iter_modules(folders))
    return tuple(name for name in names if not name.startswith("_"))


def _name_of(plugin: Any) -> str:
    return str(getattr(plugin, "name", None) or plugin.id)


@cache
def discover(package: str, constant: str) -> dict[str, Any]:
    """Name → plug-in of every module of `package` that holds `constant`, in the order of the modules' names.

    Modules whose name begins with an underscore are helpers and are passed over. A module that fails to import raises:
    to work without one of the rules is worse than not to work.

    Raises:
        ConfigError: two plug-ins of one name.
    """
    found: dict[str, Any] = {}
    for name in _modules(package):
        plugin = getattr(importlib.import_module(f"{package}.{name}"), constant, None)
        if plugin is None:
            continue
        key = _name_of(plugin)
        if key in found:
            raise ConfigError(f"{package}.{name}: a second {constant} named {key}")
        found[key] = plugin
    return found


def chosen(package: str, constant: str, names: Iterable[str]) -> dict[str, Any]:
    """Name → plug-in of those of `names` that there are, in the order of `discover`; "*" names them all."""
    asked = set(names)
    if "*" in asked:
        return discover(package, constant)
    by_module = dict(filter(None, (_find(package, constant, name) for name in asked)))
    return {_name_of(by_module[module]): by_module[module] for module in sorted(by_module)}


def find(package: str, constant: str, name: str | None) -> Any | None:
    """The plug-in of that name, None where there is none."""
    found = _find(package, constant, name) if name else None
    return found[1] if found else None


def lookup(package: str, constant: str, name: str) -> Any:
    """The plug-in of that name.

    Raises:
        NotFound: there is none; the message lists those there are.
    """
    found = find(package, constant, name)
    if found is None:
        there = ", ".join(discover(package, constant))
        raise NotFound(f"no {constant.lower()} named {name!r} in {package}/ (there are: {there})")
    return found


def _find(package: str, constant: str, name: str) -> tuple[str, Any] | None:
    """Its module and the plug-in. Where the module is named likewise (pain.001: pain001, csv: payments_csv), only that is loaded."""
    word, modules = name.replace(".", "").replace("-", "_"), _modules(package)
    likely = [module for module in modules if module == word or module.endswith(f"_{word}")]
    for module in (*likely, *modules):
        plugin = getattr(importlib.import_module(f"{package}.{module}"), constant, None)
        if plugin is not None and _name_of(plugin) == name:
            return module, plugin
    return None
