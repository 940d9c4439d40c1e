"""The containers of docker-compose.yml, where there are an engine, Compose, and the images that they are made of."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from agroal.demo.ports import free_port
from tests.integration.waiting import wait_until
from tests.unit.shipped.test_compose import FILE, tool

PYTHON_IMAGE = os.environ.get("PYTHON_IMAGE", "python:3.13-slim")
POSTGRES_IMAGE = os.environ.get("POSTGRES_IMAGE", "postgres:17")
BUILD, START = 600, 120
"""Seconds, at most."""


def lacks() -> str:
    """Why it can't be run here; empty when it can."""
    if not shutil.which("docker") or _run("docker", "info").returncode:
        return "there is no Docker engine"
    if not tool():
        return "neither docker compose nor docker-compose is installed"
    missing = [
        image for image in (PYTHON_IMAGE, POSTGRES_IMAGE) if _run("docker", "image", "inspect", image).returncode
    ]
    return f"images that are not here: {', '.join(missing)} (PYTHON_IMAGE, POSTGRES_IMAGE)" if missing else ""


@dataclass(frozen=True)
class Stack:
    """The services, under a name of their own."""

    port: int = field(default_factory=free_port)
    """Where agroal is, on this machine."""

    @property
    def project(self) -> str:
        return f"agroal-test-{self.port}"

    @property
    def image(self) -> str:
        return f"{self.project}-image"

    def compose(self, *arguments: str, timeout: float = START) -> str:
        """Run Compose; what it said. Raises AssertionError with it when that failed."""
        environment = {
            **os.environ,
            "AGROAL_IMAGE": self.image,
            "AGROAL_PORT": str(self.port),
            "PYTHON_IMAGE": PYTHON_IMAGE,
            "POSTGRES_IMAGE": POSTGRES_IMAGE,
        }
        command = [*tool(), "--file", str(FILE), "--project-name", self.project, *arguments]
        result = _run(*command, environment=environment, timeout=timeout)
        assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}"
        return result.stdout

    def inside(self, service: str, *command: str) -> str:
        """Run a command in the container of a service."""
        return self.compose("exec", "-T", service, *command).strip()

    def state(self, service: str, template: str) -> str:
        """What the engine says of its container, in the words of a Go template."""
        number = self.compose("ps", "--all", "--quiet", service).strip()
        return _run("docker", "inspect", "--format", template, number).stdout.strip()

    def metrics(self, path: str) -> str:
        """Status and text of a page of the metrics port, asked for where it is open."""
        program = (
            "import sys, urllib.error as e, urllib.request as u\n"
            f"try: answer = u.urlopen('http://127.0.0.1:2346/{path}', timeout=10)\n"
            "except e.HTTPError as error: answer = error\n"
            "print(answer.status, answer.read().decode())"
        )
        return self.inside("agroal", "python3", "-c", program)


@contextmanager
def running() -> Iterator[Stack]:
    """Built and started; of all that nothing remains."""
    stack = Stack()
    try:
        stack.compose("build", "vault", timeout=BUILD)
        stack.compose("up", "--detach")
        wait_until(lambda: stack.state("agroal", "{{.State.Health.Status}}") == "healthy", "agroal is healthy", START)
        yield stack
    finally:
        stack.compose("down", "--volumes", "--timeout", "5")
        _run("docker", "image", "rm", "--force", stack.image)


def _run(
    *command: str, environment: dict[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
