"""The house rules that a machine can hold: who imports whom, what a folder may contain, what is shipped."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tokenize
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from canonical.plugins import discover
from gateway.composition import OUR_PACKAGES
from gateway.sweep import TEMPORARY_PREFIX

ROOT = Path(__file__).resolve().parents[1]
PARTS = {"parsers", "validators", "exporters", "providers", "reconciliation"}
MAY_IMPORT = {
    "canonical": set(),
    **{part: {"canonical"} for part in PARTS},
    "gateway": PARTS | {"canonical"},
    "sandbox": PARTS | {"canonical", "gateway"},
    "bulkrail_airflow": {"canonical", "gateway"},
    "dags": {"bulkrail_airflow"},
}
"""Package → packages of ours that it may import."""
ONLY_IN = {
    "airflow": {"dags", "bulkrail_airflow"},
    "boto3": {"gateway", "providers"},
    "botocore": {"gateway", "providers"},
    "obstore": {"gateway", "providers"},
    "paramiko": {"providers", "sandbox"},
    "sqlalchemy": {"gateway"},
    "asyncssh": {"sandbox"},
    "httpx2": {"providers"},
}
"""Foreign package → packages of ours that may import it."""
PLUGINS = {
    "parsers": ("FORMAT", "formats"),
    "validators": ("RULE", "rules"),
    "exporters": ("EXPORT", "exports"),
    "providers": ("TRANSPORT", "transports"),
}
"""Folder → its constant, and the folder of its pages in docs/."""

FUNCTION_LINES_MAX = 50
DAG_LINES_MAX = 120
FILE_BYTES_MAX = 500_000

ENGINES = {"validators/engine.py", "exporters/break_workbook.py", "parsers/break_workbook.py"}
"""Public modules in a plug-in folder that are no plug-in."""
CLOCKS = {"gateway/composition.py", "gateway/cli/app.py", "providers/_http_auth.py"}
"""Where the time of day may be read: the one clock, the day of a check at the client's desk, the life of a signed assertion."""
MONEY = (*sorted(PARTS - {"providers"}), "canonical", "gateway")
INEXACT = {
    # A cell of a spreadsheet is a double. The module writes amounts as numbers up to 15 digits, larger ones as text.
    "exporters/_sheets.py",
}


@dataclass(frozen=True, slots=True)
class Module:
    path: Path
    package: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    def at(self, node: ast.AST) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 1)}"

    def walk(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))

    def imports(self) -> Iterator[tuple[ast.AST, str]]:
        for node in self.walk(ast.Import, ast.ImportFrom):
            if isinstance(node, ast.Import):
                yield from ((node, item.name.partition(".")[0]) for item in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node, "." if node.level else str(node.module).partition(".")[0]


@cache
def modules() -> tuple[Module, ...]:
    found = tuple(
        Module(path, package, ast.parse(path.read_text(encoding="utf-8")))
        for package in MAY_IMPORT
        for path in sorted((ROOT / package).rglob("*.py"))
    )
    assert len(found) > len(MAY_IMPORT), "no source found"
    return found


def plugin_modules(package: str) -> list[Module]:
    found = [
        module
        for module in modules()
        if module.package == package and not module.path.name.startswith("_") and module.name not in ENGINES
    ]
    assert found, f"{package}/ has no plug-in"
    return found


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return tuple(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())


# ---------------------------------------------------------------------------------------------- who imports whom


def test_imports_run_one_way() -> None:
    wrong = [
        f"{module.at(node)} imports {name}"
        for module in modules()
        for node, name in module.imports()
        if name in MAY_IMPORT and name != module.package and name not in MAY_IMPORT[module.package]
    ]
    assert not wrong, "\n".join(wrong)


def test_foreign_packages_stay_where_they_belong() -> None:
    wrong = [
        f"{module.at(node)} imports {name}"
        for module in modules()
        for node, name in module.imports()
        if name in ONLY_IN and module.package not in ONLY_IN[name]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc, which is not here")
def test_importing_runs_no_polars() -> None:
    """A fork of a process whose Polars has worked hangs: Airflow forks its tasks from one that has imported us."""
    code = (
        "from pathlib import Path\n"
        "from canonical.plugins import discover\n"
        "import gateway.stages, gateway.books.settle, gateway.feedback.watch\n"
        f"[discover(*plugin) for plugin in {[(package, constant) for package, (constant, _) in PLUGINS.items()]}]\n"
        "names = [(task / 'comm').read_text().strip() for task in Path('/proc/self/task').iterdir()]\n"
        "assert not [name for name in names if name in {'polars-0', 'polars-1'}], names"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_no_import_is_relative() -> None:
    wrong = [module.at(node) for module in modules() for node, name in module.imports() if name == "."]
    assert not wrong, "\n".join(wrong)


def test_dags_carry_no_frames() -> None:
    wrong = [
        module.at(node)
        for module in modules()
        if module.package in {"dags", "bulkrail_airflow"}
        for node, name in module.imports()
        if name == "polars"
    ]
    assert not wrong, "\n".join(wrong)


def test_every_foreign_import_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    declared = {_normal(re.split(r"[\s\[<>=~!;]", line)[0]) for line in [*project["dependencies"], *extras]}
    declared |= {"botocore", "apache-airflow-core", "apache-airflow-task-sdk"}  # parts of boto3 and apache-airflow
    owners = packages_distributions()
    wrong = [
        f"{module.at(node)} imports {name}"
        for module in modules()
        for node, name in module.imports()
        if name not in MAY_IMPORT
        and name not in sys.stdlib_module_names
        and not declared & {_normal(owner) for owner in owners.get(name, ())}
    ]
    assert not wrong, "\n".join(wrong)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# ---------------------------------------------------------------------------------------------- source


def test_money_is_never_a_float() -> None:
    wrong = [
        f"{module.at(node)}: {ast.unparse(node)[:60]}"
        for module in modules()
        if module.package in MONEY and module.name not in INEXACT
        for node in module.walk(ast.Name, ast.Attribute, ast.Constant, ast.BinOp)
        if _is_inexact(node) and not _is_seconds(module, node)
    ]
    assert not wrong, "\n".join(wrong)
    assert all((ROOT / name).is_file() for name in INEXACT)


def _is_inexact(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    if isinstance(node, ast.Name):
        return node.id in {"float", "Decimal"}
    if isinstance(node, ast.Attribute):
        return node.attr in {"Float32", "Float64", "Decimal", "mean", "truediv"}
    assert isinstance(node, ast.BinOp)
    # A path is joined by the same sign; of what is divided, numbers and names of amounts give themselves away.
    return isinstance(node.op, ast.Div) and bool(re.search(r"10 ?\*\*|minor|amount|\bsum\b|\b\d+$", ast.unparse(node)))


def _is_seconds(module: Module, node: ast.AST) -> bool:
    """A duration: its field is named after its unit."""
    line = module.path.read_text(encoding="utf-8").splitlines()[node.lineno - 1]  # type: ignore[attr-defined]
    return re.match(r"\s*\w+_s: ", line) is not None


def test_whoever_catches_everything_says_why() -> None:
    wrong = []
    for module in modules():
        comments = _comments(module.path)
        for node in module.walk(ast.ExceptHandler):
            assert isinstance(node, ast.ExceptHandler)
            wide = node.type is None or re.search(r"\b(Base)?Exception\b", ast.unparse(node.type))
            lines = range(node.lineno, node.body[0].lineno + 1)
            if wide and (node.type is None or not any(len(comments.get(line, "").split()) > 2 for line in lines)):
                wrong.append(module.at(node))
    assert not wrong, "\n".join(wrong)


def _comments(path: Path) -> dict[int, str]:
    """Line → its comment without the linters' codes."""
    with path.open("rb") as file:
        return {
            token.start[0]: re.sub(r"#\s*(noqa|type):\s*\S+", "", token.string)
            for token in tokenize.tokenize(file.readline)
            if token.type == tokenize.COMMENT
        }


def test_the_clock_is_read_in_one_place() -> None:
    wrong = [
        module.at(node)
        for module in modules()
        if module.package != "sandbox" and module.name not in CLOCKS
        for node in module.walk(ast.Attribute)
        if re.fullmatch(r"(\w+\.)?(datetime\.(now|utcnow|today)|date\.today)|time\.(time|time_ns)", ast.unparse(node))
    ]
    assert not wrong, "\n".join(wrong)


def test_temporary_files_can_be_told_from_foreign_ones() -> None:
    """What is left of them is swept, by their names alone."""
    named = [
        (module, node)
        for module in modules()
        if module.package != "sandbox"
        for node in module.walk(ast.Call)
        if re.search(r"\b(NamedTemporaryFile|TemporaryDirectory|mkstemp|mkdtemp)$", ast.unparse(node.func))  # type: ignore[attr-defined]
    ]
    assert named
    wrong = [module.at(node) for module, node in named if TEMPORARY_PREFIX not in ast.unparse(node)]
    assert not wrong, "\n".join(wrong)


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{module.at(node)} {node.name}: {lines} lines"
        for module in modules()
        if "versions" not in module.path.parts
        for node in module.walk(ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not long, "\n".join(long)


# ---------------------------------------------------------------------------------------------- folders


@pytest.mark.parametrize("package", PLUGINS)
def test_a_plugin_module_holds_its_one_constant(package) -> None:
    constants = {constant for constant, _ in PLUGINS.values()}
    for module in plugin_modules(package):
        held = [
            target.id
            for node in module.tree.body
            for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
            if isinstance(target, ast.Name) and target.id in constants
        ]
        assert held == [PLUGINS[package][0]], module.name


@pytest.mark.parametrize("package", PLUGINS)
def test_a_plugin_has_a_page_and_a_test(package) -> None:
    constant, folder = PLUGINS[package]
    tests = sorted((ROOT / "tests" / package).glob("test_*.py"))
    assert tests, f"no tests in tests/{package}/"
    text = "\n".join(path.read_text(encoding="utf-8") for path in tests)
    missing = []
    for module in plugin_modules(package):
        plugin = getattr(importlib.import_module(f"{package}.{module.path.stem}"), constant)
        name = getattr(plugin, "name", None) or plugin.id
        if not (ROOT / "docs" / folder / f"{name}.md").is_file():
            missing.append(f"docs/{folder}/{name}.md")
        golden = (ROOT / "tests" / package / "golden" / name).is_dir()
        if not golden and not re.search(rf"\b{package}\.{module.path.stem}\b|[\"']{re.escape(name)}[\"']", text):
            missing.append(f"a test of {name} in tests/{package}/")
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("package", PLUGINS)
def test_no_page_describes_what_is_gone(package) -> None:
    constant, folder = PLUGINS[package]
    pages = {path.stem for path in (ROOT / "docs" / folder).glob("*.md")} - {"index"}
    assert pages - set(discover(package, constant)) == set()


def test_a_file_whose_batches_are_named_can_be_read_again() -> None:
    """`gateway.delivery.batches` reads it by the payment format of the same name."""
    exports = discover("exporters", "EXPORT")
    batched = {name for name, export in exports.items() if export.kind == "provider" and export.batches}
    assert batched
    formats = discover("parsers", "FORMAT")
    assert {formats[name].kind for name in batched} == {"payment"}


def test_dag_files_are_wiring_and_a_runbook() -> None:
    files = sorted((ROOT / "dags").rglob("*.py"))
    assert files
    assert not list((ROOT / "dags").rglob("__init__.py")), "Airflow puts dags/ on sys.path: it is no package"
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= DAG_LINES_MAX, path.name
        assert "doc_md=__doc__" in text, path.name
        # The folder is on sys.path: a file's name must collide with nothing.
        assert path.stem.startswith("bulkrail_"), path.name


def test_test_files_have_names_of_their_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert names
    assert sorted(names) == sorted(set(names))


# ---------------------------------------------------------------------------------------------- what is shipped


def test_no_file_is_large() -> None:
    wrong = [path.name for path in tracked() if path.stat().st_size > FILE_BYTES_MAX]
    assert not wrong, "samples and what a benchmark writes are made, not kept: " + ", ".join(wrong)


def test_no_file_names_a_machine_or_a_package_index() -> None:
    place = re.compile(r"(?<![\w.])/(?:root|home|Users|work)/\w|\b[A-Z]:\\Users\\")
    index = re.compile(r"\b(?:pypi\.org|pythonhosted\.org|(?:extra-)?index-url|find-links)\b")
    wrong = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        if path != Path(__file__).resolve() and (place.search(text) or index.search(text)):
            wrong.append(path.relative_to(ROOT).as_posix())
    assert not wrong, "\n".join(wrong)


def test_the_lock_names_no_host_and_hashes_everything() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    pins = re.split(r"\n(?=\S)", text.strip())
    assert len(pins) > 100
    wrong = [pin for pin in pins if not re.match(r"[a-z0-9-]+==\S.*\\\n\s+--hash=sha256:", pin)]
    assert not wrong, "\n".join(wrong)
    assert not {pin.partition("==")[0].replace("-", "_") for pin in pins} & set(OUR_PACKAGES)


def test_our_package_names_are_ours_alone() -> None:
    assert set(OUR_PACKAGES) == set(MAY_IMPORT) - {"dags"}
    owners = packages_distributions()
    for name in OUR_PACKAGES:
        assert set(owners.get(name, ())) <= {"bulkrail"}, name
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert Path(str(spec.origin)).is_relative_to(ROOT), f"{name} is imported from elsewhere"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel, outside the repository."""
    pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed here")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    tops = {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == set(OUR_PACKAGES)
    held = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()}
    assert {path.relative_to(ROOT).as_posix() for path in tracked() if path.relative_to(ROOT).parts[0] in tops} <= held
    assert "gateway/migrations/script.py.mako" in held
    assert any(name.startswith("gateway/migrations/versions/0") for name in held)


def test_the_wheel_works_away_from_the_repository(wheel: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(wheel), "BULKRAIL_HOME": str(tmp_path / "home")}
    script = (
        "import sys, gateway, canonical; from importlib.metadata import distribution, packages_distributions\n"
        "from gateway.composition import OUR_PACKAGES, utc_now\n"
        "from gateway.registry.engine import open_registry\n"
        f"assert gateway.__file__.startswith({str(wheel)!r}), gateway.__file__\n"
        "assert all(set(packages_distributions()[name]) == {'bulkrail'} for name in OUR_PACKAGES)\n"
        "open_registry('sqlite:///registry.sqlite', utc_now)  # needs the migrations\n"
        "(entry,) = distribution('bulkrail').entry_points.select(group='console_scripts', name='bulkrail')\n"
        "sys.argv = ['bulkrail', '--help']; entry.load()()\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for word in ("check", "receive", "settle"):
        assert word in done.stdout
