import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from importlib.metadata import distributions, entry_points
from pathlib import Path, PurePosixPath

import pytest

import pip_api
from pip_api.settings import Settings
from tests.soak import in_ci

ROOT = Path(__file__).parents[1]
LOCKS = ["requirements.lock", "requirements-dev.lock"]


def instructions() -> Iterator[tuple[str, list[str]]]:
    """The Dockerfile's instructions, each with its words."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    for instruction in "\n".join(lines).replace("\\\n", " ").splitlines():
        if instruction.strip():
            name, *words = shlex.split(instruction)
            yield name, words


def copied() -> list[str]:
    """The paths that the image takes from this repository."""
    copies = [words for name, words in instructions() if name == "COPY" and not words[0].startswith("--from=")]
    return [PurePosixPath(path).as_posix() for words in copies for path in words[:-1]]


def ignored(path: str) -> bool:
    """Docker's reading of .dockerignore: a pattern covers a path and all below it, and the last that does decides."""
    verdict = False
    candidates = [path, *(parent.as_posix() for parent in PurePosixPath(path).parents)]
    for line in (ROOT / ".dockerignore").read_text().split("\n"):
        pattern = line.removeprefix("!")
        if not line or line.startswith("#"):
            continue
        if any(fnmatchcase(f"/{each}", f"/{pattern}".replace("/**/", "*/")) for each in candidates):
            verdict = not line.startswith("!")
    return verdict


def requirements(lock: str) -> list[str]:
    """The lock's requirements, each with its hashes."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def test_the_package_is_ours() -> None:
    assert Path(pip_api.__file__).is_relative_to(ROOT / "src")
    (command,) = entry_points(group="console_scripts", name="pip-api")
    assert command.dist is not None
    assert command.dist.name == "policing-pip-api"
    assert "pip-api" not in {each.name.lower().replace("_", "-") for each in distributions()}, "it would hide ours"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_everything_by_hash(lock: str) -> None:
    for requirement in requirements(lock):
        assert re.match(r"[a-z0-9-]+(\[[a-z,]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", requirement), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_path(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"(^|[\s='\"@])/\w", text)
    assert not re.search(r"^\s*-(-\w+-url|-find-links|[if]) ", text, re.MULTILINE)


def test_the_locks_agree() -> None:
    run, dev = ({line.split(" ")[0] for line in requirements(lock)} for lock in LOCKS)
    assert run <= dev


def test_every_module_is_in_a_package() -> None:
    """The import contracts see packages only: a module in a plain directory would escape them."""
    modules = (ROOT / "src" / "pip_api").rglob("*.py")
    assert {each.parent for each in modules if not (each.parent / "__init__.py").exists()} == set()


def test_no_setting_is_an_option_of_pip() -> None:
    """pip reads PIP_<OPTION> from the same environment: PIP_LOG or PIP_TIMEOUT would mean something to both."""
    text = subprocess.run(
        [sys.executable, "-m", "pip", "help", "install"], capture_output=True, text=True, check=True
    ).stdout
    options = {option.replace("-", "_") for option in re.findall(r"--([a-z][a-z-]+)", text)}
    assert "find_links" in options
    assert options.isdisjoint(Settings.model_fields)


@pytest.mark.parametrize("path", copied())
def test_the_build_context_holds_what_the_image_copies(path: str) -> None:
    assert (ROOT / path).exists()
    assert not ignored(path)


@pytest.mark.parametrize(
    "path",
    [".env", ".git/config", ".venv/bin/python", "var/pip.db", "tests/conftest.py", "src/pip_api/db/__pycache__/x.pyc"],
)
def test_the_build_context_holds_nothing_else(path: str) -> None:
    assert ignored(path)


def test_the_image_runs_without_rights() -> None:
    said = dict(instructions())  # the last stage's word counts
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", said["USER"][0])
    assert said["STOPSIGNAL"] == ["SIGTERM"]
    assert {"EXPOSE", "HEALTHCHECK", "VOLUME"} <= said.keys()


@in_ci
def test_the_image_installs_from_what_it_copies(tmp_path: Path) -> None:
    """What `docker build` would do, in a clean virtual environment instead of a clean image."""
    context, environment = tmp_path / "context", tmp_path / "app"
    context.mkdir()
    for path in copied():
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, context / path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / path, context / path)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    installs = [words for name, words in instructions() if name == "RUN" and words[:2] == ["pip", "install"]]
    assert len(installs) == 2
    for words in installs:
        subprocess.run([environment / "bin" / words[0], "--quiet", *words[1:]], cwd=context, check=True)

    (site,) = environment.glob("lib/python3*/site-packages")
    source = ROOT / "src" / "pip_api"
    installed = {each.relative_to(site / "pip_api") for each in (site / "pip_api").rglob("*") if each.suffix != ".pyc"}
    assert {each.relative_to(source) for each in source.rglob("*.*") if each.suffix != ".pyc"} <= installed
    assert Path("migrations/env.py") in installed
    subprocess.run([environment / "bin" / "pip", "check"], check=True)
    subprocess.run([environment / "bin" / "pip-api", "--help"], cwd=tmp_path, check=True, capture_output=True)
