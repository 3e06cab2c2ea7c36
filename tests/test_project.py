"""The project keeps the rules it gives itself: sizes, layers, the lock, the map, the changelog."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())
MODULES = sorted((TOP / "recorder").rglob("*.py"))
MAX_MODULE = 400  # lines
MAX_FUNCTION = 70  # lines, docstring included

if not (TOP / ".git").exists():
    pytest.skip("not a checkout", allow_module_level=True)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout
    return [TOP / name for name in listed.decode().split("\0") if name and (TOP / name).exists()]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_no_file_eats_the_project(path):
    text = path.read_text()
    assert text.count("\n") <= MAX_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < MAX_FUNCTION, node.name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_a_file_states_its_job(path):
    assert ast.get_docstring(ast.parse(path.read_text())), "no docstring"


def test_the_map_names_every_module_and_no_other():
    text = (TOP / "recorder" / "__init__.py").read_text()
    tree = ast.parse(text)
    assert len(tree.body) == 1, "recorder/__init__.py holds no code but its docstring"
    listed = re.findall(r"^ +([a-z_/]+) {2,}\S", ast.get_docstring(tree), re.MULTILINE)
    exist = set()
    for path in MODULES:
        name = path.relative_to(TOP / "recorder").with_suffix("").as_posix()
        if name.startswith("commands/"):
            name = "commands/"
        if not name.endswith("__init__"):
            exist.add(name)
    assert sorted(listed) == sorted(exist)


def test_every_module_has_its_layer_and_no_layer_is_empty():
    contract = next(c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["id"] == "layers")
    named = [name for layer in contract["layers"] for name in re.split(r" [:|] ", layer)]
    exist = {
        path.name.removesuffix(".py") for path in (TOP / "recorder").glob("[a-z]*") if path.suffix != ".sql"
    }
    assert sorted(named) == sorted(exist)


def test_the_pure_layers_are_all_under_the_purity_contract():
    contracts = {c["id"]: c for c in PROJECT["tool"]["importlinter"]["contracts"]}
    layers = contracts["layers"]["layers"]
    pure = layers[layers.index("store") + 1 :]
    named = {f"recorder.{name}" for layer in pure for name in re.split(r" [:|] ", layer)}
    assert named == set(contracts["pure"]["source_modules"])


def test_the_lock_has_every_package_with_hashes_and_no_address():
    lock = (TOP / "requirements.lock").read_text()
    assert "://" not in lock
    assert "index" not in lock.replace("--hash", "")
    entries = re.split(r"\n(?=\S)", lock.strip())
    locked = {entry.split("==")[0].replace("_", "-").lower() for entry in entries}
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    groups = PROJECT["dependency-groups"]
    assert distributions([*PROJECT["project"]["dependencies"], *groups["test"], *groups["dev"]]) <= locked


def imported(*directories: str) -> set[str]:
    """Return the top-level modules that files below these directories import."""
    found = set()
    for path in (path for name in directories for path in (TOP / name).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.partition(".")[0])
    return found


def distributions(requirements: list) -> set[str]:
    names = {re.match(r"[A-Za-z0-9.-]+", entry)[0] for entry in requirements if isinstance(entry, str)}
    return {name.replace(".", "-").lower() for name in names}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    own = {path.stem for path in (TOP / "tests").rglob("*.py")} | {"recorder", "bench", "compression"}
    modules = {"backports": "backports-zstd", "ulid": "python-ulid", "prompt_toolkit": "prompt-toolkit"}

    def used(*directories: str) -> set[str]:
        foreign = imported(*directories) - sys.stdlib_module_names - own
        return {modules.get(name, name) for name in foreign}

    runtime = distributions(PROJECT["project"]["dependencies"])
    test = distributions(PROJECT["dependency-groups"]["test"])
    assert used("recorder") == runtime
    assert used("tests", "bench") - runtime == {name for name in test if not name.startswith("pytest-")}


def test_the_changelog_knows_the_version():
    version = importlib.metadata.version("rec-recorder")
    headings = re.findall(r"^## \[(.+?)\]", (TOP / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert len(headings) == 1 or version in headings


def test_the_command_is_installed():
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="rec")
    assert callable(command.load())


def test_scripts_can_be_run_and_say_what_they_do():
    for path in [*(TOP / "scripts").iterdir(), TOP / ".ci" / "run"]:
        assert path.stat().st_mode & 0o111, path
        first, second = path.read_text().splitlines()[:2]
        assert first.startswith("#!")
        assert second.startswith("# ")


def test_every_lint_exception_gives_its_reason():
    text = (TOP / "pyproject.toml").read_text()
    block = text[text.index("[tool.ruff.lint]") : text.index("[tool.ruff.lint.flake8-tidy-imports")]
    for line in block.splitlines():
        if re.match(r' +"[A-Z]+[0-9]*",', line):
            assert re.search(r"# \S", line), line


def test_nothing_tracked_names_a_machine_or_an_index():
    # Put together here, so that this file does not contain them.
    unwanted = ["/work" + "/main", "/work" + "/shared", "/root" + "/", "index-" + "url", "find-" + "links"]
    for path in tracked():
        if path.name in {"lock", Path(__file__).name}:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        assert not [word for word in unwanted if word in text], path


def test_the_wheel_carries_the_shell_files_inside_the_package(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(build, cwd=TOP, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for directory in ("shell", "completions", "player"):
        for path in (TOP / directory).iterdir():
            assert f"recorder/{directory}/{path.name}" in names
    assert "recorder/__main__.py" in names
    assert {"recorder/stores/schema.sql", "recorder/stores/dictionary-1.zstd"} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "bench/", "shell/"))]
