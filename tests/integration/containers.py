"""PostgreSQL in containers: one that all workers share, and others that a test may stop, pause or kill."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import secrets
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import docker
from docker.errors import DockerException, NotFound
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config

from agroal.demo.ports import free_port
from agroal.demo.postgres import Haste

USER = "postgres"
SETTINGS = {
    "max_connections": "300",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
_LABEL = "agroal-tests"

# Ryuk would remove what the workers share as soon as the worker that made it ends. We sweep ourselves.
testcontainers_config.ryuk_disabled = True


def engine() -> tuple[str, str]:
    """The version of the Docker engine; or nothing, and why there is none."""
    try:
        with closing(docker.from_env(timeout=10)) as client:
            return client.version()["Version"], ""
    except DockerException as error:
        reason = str(error) or type(error).__name__
    with warnings.catch_warnings():  # of a socket that docker-py leaves open when it does not come through
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return "", reason


def sweep(label: str) -> None:
    """Remove every container of a run."""
    with closing(docker.from_env()) as client:
        for container in client.containers.list(all=True, filters={"label": f"{_LABEL}={label}"}):
            with contextlib.suppress(NotFound):
                container.remove(force=True, v=True)


@dataclass(frozen=True)
class Address:
    """Where a superuser finds a PostgreSQL."""

    host: str
    port: int
    password: str
    user: str = USER


class Container:
    """One container with PostgreSQL, on a port that stays the same when it is stopped and started."""

    def __init__(self, image: str, label: str, settings: Mapping[str, str]) -> None:
        self.user = USER
        self.password = secrets.token_urlsafe(12)
        self._maker = PostgresContainer(image, username=USER, password=self.password, dbname="postgres")
        self._maker.with_env("POSTGRES_HOST_AUTH_METHOD", "md5")  # for hashes of both kinds
        self._maker.with_command(["postgres", *(f"--{key}={value}" for key, value in settings.items())])
        self._maker.with_bind_ports(5432, free_port())
        self._maker.with_kwargs(labels={_LABEL: label})

    def create(self) -> None:
        """Make it and wait until it answers."""
        try:
            self._maker.start()
            self.host = self._maker.get_container_host_ip()
            self.port = int(self._maker.get_exposed_port(5432))
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        self._maker.stop()

    def start(self) -> None:
        self._maker.get_wrapped_container().start()

    def stop(self, how: Haste = "fast") -> None:
        """By default a fast shutdown: what the image's STOPSIGNAL asks for."""
        container = self._maker.get_wrapped_container()
        if how == "fast":
            container.stop(timeout=30)
        else:
            container.kill("SIGQUIT")
            container.wait(timeout=30)

    def crash(self) -> None:
        self._maker.get_wrapped_container().kill()

    def pause(self) -> None:
        self._maker.get_wrapped_container().pause()

    def resume(self) -> None:
        self._maker.get_wrapped_container().unpause()

    def forget(self) -> str:
        """Leave it to others, who know it by the identifier that is returned."""
        self._maker.get_docker_client().client.close()
        return self._maker.get_container_id()


@contextmanager
def shared(image: str, label: str, folder: Path, prepare: Callable[[Address], None]) -> Iterator[Address]:
    """The container of the run: the first who comes makes and prepares it, the last who goes removes it."""
    state = folder / "container.json"
    with _locked(folder):
        if state.exists():
            known = json.loads(state.read_text())
        else:
            container = Container(image, label, SETTINGS)
            container.create()
            address = Address(container.host, container.port, container.password)
            prepare(address)
            known = {"address": asdict(address), "id": container.forget(), "users": 0}
        known["users"] += 1
        state.write_text(json.dumps(known))
    try:
        yield Address(**known["address"])
    finally:
        with _locked(folder):
            known = json.loads(state.read_text())
            known["users"] -= 1
            state.write_text(json.dumps(known))
            if known["users"] == 0:
                state.unlink()
                with closing(docker.from_env()) as client:
                    client.containers.get(known["id"]).remove(force=True, v=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "container.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
