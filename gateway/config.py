"""Read client and provider profiles: one YAML file each, every fault with file and line.

`${NAME}` and `${NAME:-default}` are taken from the environment before the YAML is read, so that hosts, ports and pinned
keys can differ between installations. Secrets are never written here: profiles name them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from canonical.errors import BulkrailError, ConfigError, NotFound
from canonical.matching import ReconciliationRules, RungRule
from canonical.plugins import chosen, discover, find, lookup
from canonical.profiles import ClientProfile, Model, Plugin, ProviderProfile
from gateway.intake.reading import agreed_formats

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}")
_FROM_CLIENTS = ("payment", "cancellation")
_TELL_NOT_ALL = frozenset({"corrected-rows", "answer-nacha", "answer-corrections", "camt.054"})
_TREES_MAX = 64
Profile = TypeVar("Profile", ClientProfile, ProviderProfile)


@dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles, by id."""

    clients: Mapping[str, ClientProfile]
    providers: Mapping[str, ProviderProfile]

    def client(self, client_id: str) -> ClientProfile:
        """Raises NotFound, naming those there are."""
        return _known("client", client_id, self.clients)

    def provider(self, provider_id: str) -> ProviderProfile:
        """Raises NotFound, naming those there are."""
        return _known("provider", provider_id, self.providers)


def _known(kind: str, key: str, table: Mapping[str, Profile]) -> Profile:
    if key not in table:
        raise NotFound(f"no {kind} named {key!r} (there are: {', '.join(table) or 'none'})")
    return table[key]


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One thing wrong in one profile."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def load_profiles(config_dir: Path) -> Profiles:
    """Read all profiles.

    Raises:
        ConfigError: with every fault of every file, one a line.
    """
    profiles, faults = check_profiles(config_dir)
    if faults:
        raise ConfigError("the configuration has faults:\n" + "\n".join(str(fault) for fault in faults))
    return profiles


def check_profiles(config_dir: Path) -> tuple[Profiles, list[ConfigFault]]:
    """Read all profiles and list every fault; the profiles are those that have none."""
    missing = [config_dir / folder for folder in ("clients", "providers") if not (config_dir / folder).is_dir()]
    faults = [ConfigFault(folder, 1, "folder not found; set BULKRAIL_CONFIG_DIR") for folder in missing]
    clients = _read_folder(config_dir / "clients", ClientProfile, "client_id", _check_client, faults)
    providers = _read_folder(config_dir / "providers", ProviderProfile, "provider_id", _check_provider, faults)
    return Profiles(clients, providers), faults


def read_rules(path: Path) -> ReconciliationRules:
    """A `reconciliation` section of a provider's profile, in a file of its own.

    Raises:
        NotFound: no such file.
        ConfigError: with every fault, file and line.
    """
    if not path.is_file():
        raise NotFound(f"no file {path}")
    try:
        tree = _tree(_expand(path.read_text(encoding="utf-8")))
        rules = ReconciliationRules.model_validate(_plain(tree) or {})
        faults = [ConfigFault(path, _line(tree, where), message) for where, message in _check_rungs(rules)]
    except MarkedYAMLError as fault:
        mark = fault.problem_mark
        faults = [ConfigFault(path, mark.line + 1 if mark else 1, f"no YAML: {fault.problem}")]
    except ValidationError as fault:
        faults = [ConfigFault(path, _line(tree, item["loc"]), _words(item)) for item in fault.errors()]
    if faults:
        raise ConfigError("the rules have faults:\n" + "\n".join(str(fault) for fault in faults))
    return rules


def _read_folder(
    folder: Path,
    model: type[Profile],
    id_field: str,
    check: Callable[[Profile], list[tuple[tuple[str | int, ...], str]]],
    faults: list[ConfigFault],
) -> dict[str, Profile]:
    found: dict[str, Profile] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            tree = _tree(_expand(path.read_text(encoding="utf-8")))
        except MarkedYAMLError as fault:
            mark = fault.problem_mark
            faults.append(ConfigFault(path, mark.line + 1 if mark else 1, f"no YAML: {fault.problem}"))
            continue
        except KeyError as fault:
            faults.append(ConfigFault(path, 1, f"environment variable {fault.args[0]} is not set and has no default"))
            continue
        try:
            profile = model.model_validate(_plain(tree))
        except ValidationError as fault:
            faults += [ConfigFault(path, _line(tree, item["loc"]), _words(item)) for item in fault.errors()]
            continue
        problems = check(profile)
        key = str(getattr(profile, id_field))
        if key != path.stem:
            problems.append(((id_field,), f"{id_field} is {key!r} but the file is named {path.stem!r}"))
        faults += [ConfigFault(path, _line(tree, where), message) for where, message in problems]
        if not problems:
            found[key] = profile
    return found


@lru_cache(maxsize=_TREES_MAX)
def _tree(text: str) -> Any:
    """YAML as nodes that know their lines. They are only read: what opens gateways again and again reads the same texts."""
    return YAML(typ="rt").load(text)


def _expand(text: str) -> str:
    def value(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        if name in os.environ:
            return os.environ[name]
        if default is None:
            raise KeyError(name)
        return default

    return _VARIABLE.sub(value, text)


def _plain(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {str(key): _plain(item) for key, item in tree.items()}
    if isinstance(tree, list):
        return [_plain(item) for item in tree]
    return tree


def _line(tree: Any, where: tuple[str | int, ...]) -> int:
    """Line of the deepest node of the path that the file has."""
    line = 1
    for step in where:
        if not isinstance(tree, CommentedMap | CommentedSeq):
            break
        try:
            position = tree.lc.key(step) if isinstance(tree, CommentedMap) else tree.lc.item(step)
            line, tree = position[0] + 1, tree[step]
        except (KeyError, IndexError, TypeError):
            break
    return line


def _words(fault: Any) -> str:
    return f"{'.'.join(str(step) for step in fault['loc']) or 'the file'}: {fault['msg']}"


def plugin_options(package: str, constant: str, plugin: Plugin) -> Model:
    """The plug-in's own options, checked by the plug-in's model. Raises NotFound or pydantic's ValidationError."""
    model: type[Model] = lookup(package, constant, plugin.name).options
    return model.model_validate(plugin.options)


def _check_plugin(
    package: str, constant: str, kinds: tuple[str, ...], plugin: Plugin, where: tuple[str | int, ...]
) -> list[tuple[tuple[str | int, ...], str]]:
    try:
        found = lookup(package, constant, plugin.name)
        if kinds and found.kind not in kinds:
            return [((*where, "name"), f"{plugin.name} is no {kinds[0]} {constant.lower()}")]
        found.options.model_validate(plugin.options)
    except BulkrailError as fault:
        return [((*where, "name"), fault.message)]
    except ValidationError as fault:
        return [((*where, "options", *item["loc"]), _words(item)) for item in fault.errors()]
    return []


def _check_client(client: ClientProfile) -> list[tuple[tuple[str | int, ...], str]]:
    problems = []
    for position, answer in enumerate(client.answers):
        problems += _check_plugin("exporters", "EXPORT", ("answer",), answer, ("answers", position))
    for position, name in enumerate(client.formats):
        options = Plugin(name=name, options=client.format_options.get(name, {}))
        found = _check_plugin("parsers", "FORMAT", _FROM_CLIENTS, options, ("formats", position))
        # What is wrong with an option stands where the options stand.
        problems += [
            (("format_options", name, *where[3:]) if "options" in where else where, told) for where, told in found
        ]
    if {answer.name for answer in client.answers if "validated" in answer.at} <= _TELL_NOT_ALL:
        told = "none of these answers tells at `validated` of every payment, rejected or not; add pain.002 or a table"
        problems.append((("answers",), told))
    layouts = {name for name, item in chosen("exporters", "EXPORT", client.reports).items() if _tells_a_day(item)}
    if not layouts.issuperset(client.reports):
        known = ", ".join(sorted(name for name, item in discover("exporters", "EXPORT").items() if _tells_a_day(item)))
    problems += [
        (("reports", position), f"no report format named {name!r}; there are: {known}")
        for position, name in enumerate(client.reports)
        if name not in layouts
    ]
    rules = {rule for item in agreed_formats(client).values() for rule in item.facts.rules}
    rules |= set(chosen("validators", "RULE", set(client.rules) - rules))
    problems += [(("rules", rule), f"no rule named {rule!r}") for rule in client.rules if rule not in rules]
    return problems


def _tells_a_day(export: Any) -> bool:
    """A report format, or the answer that tells of bookings, each once."""
    return bool(export.kind == "report" or export.name == "camt.054")


def _check_provider(provider: ProviderProfile) -> list[tuple[tuple[str | int, ...], str]]:
    problems = _check_plugin("exporters", "EXPORT", ("provider",), provider.export, ("export",))
    problems += _check_plugin("providers", "TRANSPORT", (), provider.transport, ("transport",))
    if provider.verification is not None:
        place: tuple[str | int, ...] = ("verification", "transport")
        problems += _check_plugin("providers", "TRANSPORT", (), provider.verification.transport, place)
    for position, source in enumerate(provider.feedback):
        found = find("parsers", "FORMAT", source.format)
        where = ("feedback", position)
        if found is None or found.kind != "feedback":
            problems.append(((*where, "format"), f"no feedback format named {source.format!r}"))
        else:
            problems += _check_plugin("parsers", "FORMAT", ("feedback",), source.plugin, where)
    return problems + [(("reconciliation", *where), told) for where, told in _check_rungs(provider.reconciliation)]


def _check_rungs(rules: ReconciliationRules) -> list[tuple[tuple[str | int, ...], str]]:
    known = discover("reconciliation.rungs", "RUNG")
    orders: list[tuple[tuple[str | int, ...], tuple[RungRule, ...]]] = [(("rungs",), rules.rungs)]
    orders += [(("accounts", name, "rungs"), own.rungs) for name, own in rules.accounts.items()]
    return [
        ((*where, position, "rung"), f"no rung named {rule.rung!r} (there are: {', '.join(known)})")
        for where, order in orders
        for position, rule in enumerate(order)
        if rule.rung not in known
    ]
