"""The languages whose drivers are tried: what has to be installed for them, and how their scripts are made to run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SCRIPTS = Path(__file__).parent
_GO = Path("/usr/share/gocode")
_JAR = Path("/usr/share/java/postgresql.jar")
_GO_PACKAGES = {
    "pq": ("lib/pq", "github.com/lib/pq", "golang-github-lib-pq-dev"),
    "pgx": ("pgx v4", "github.com/jackc/pgx/v4", "golang-github-jackc-pgx-v4-dev"),
}


@dataclass(frozen=True)
class Driver:
    """A script that is ready to run in `folder`. Its version, unless it says so itself."""

    name: str
    command: tuple[str, ...]
    folder: Path
    version: str = ""


@dataclass(frozen=True)
class Language:
    """`programs` and `files` that must be there, and for each the packages of Debian that bring it."""

    name: str
    programs: Mapping[str, str]
    files: Mapping[Path, str]
    prepare: Callable[[Path], Iterator[Driver]]

    def missing(self) -> Iterator[str]:
        """What is not there, and how to get it."""
        for program, package in self.programs.items():
            if not shutil.which(program):
                yield f"{program}, for {self.name}: apt-get install {package}"
        for file, package in self.files.items():
            if not file.exists():
                yield f"{file}, for {self.name}: apt-get install {package}"


def _node(folder: Path) -> Iterator[Driver]:
    shutil.copytree(_SCRIPTS / "node", folder, dirs_exist_ok=True)
    _run(folder, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    # To generate its client Prisma needs no engine, but would fetch one from a server of its own.
    _run(folder, "npx", "prisma", "generate", "--schema", "schema.prisma", PRISMA_SCHEMA_ENGINE_BINARY="/bin/true")
    for name, script in {"node-postgres": "pg", "postgres.js": "postgres", "Prisma": "prisma"}.items():
        yield Driver(name, ("node", f"{script}.mjs"), folder)


def _java(folder: Path) -> Iterator[Driver]:
    _run(folder, "javac", "-d", str(folder), "-cp", str(_JAR), str(_SCRIPTS / "java" / "Drivers.java"))
    yield Driver(
        "pgjdbc", ("java", "-cp", f"{folder}:{_JAR}", "Drivers"), folder, _version_of("libpostgresql-jdbc-java")
    )


def _go(folder: Path) -> Iterator[Driver]:
    shutil.copytree(_SCRIPTS / "go", folder, dirs_exist_ok=True)
    for script, (name, _, package) in _GO_PACKAGES.items():
        _run(folder / script, "go", "build", "-o", "script", ".", GO111MODULE="off", GOPATH=str(_GO), GOFLAGS="")
        yield Driver(name, (str(folder / script / "script"),), folder, _version_of(package))


LANGUAGES = {
    language.name: language
    for language in (
        Language("node", {"node": "nodejs", "npm": "npm"}, {}, _node),
        Language(
            "java",
            {"javac": "default-jdk-headless", "java": "default-jdk-headless"},
            {_JAR: "libpostgresql-jdbc-java"},
            _java,
        ),
        Language(
            "go",
            {"go": "golang-go"},
            {_GO / "src" / path: package for _, path, package in _GO_PACKAGES.values()},
            _go,
        ),
    )
}


def _run(folder: Path, *command: str, **more: str) -> None:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **more}, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _version_of(package: str) -> str:
    """The version of a Debian package, without Debian's own part."""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False
    )
    return done.stdout.partition("-")[0]
