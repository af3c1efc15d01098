"""What several test modules share: no network, no environment that leaks in, the real corpora where there are any."""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

LOOPBACK = ("localhost", "::1")


def is_loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name is None or name == "" or name in LOOPBACK or str(name).startswith("127.")


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Refuse every connection and every name look-up that leaves this machine."""
    really = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}
    look_up = socket.getaddrinfo

    def refuse(host: object) -> None:
        raise OSError(errno.ENETUNREACH, f"tests use no network, but one asked for {host!r}")

    def guarded(name):
        def connect(self, address):
            if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
                refuse(address[0])
            return really[name](self, address)

        return connect

    def getaddrinfo(host, *arguments, **options):
        if not is_loopback(host):
            refuse(host)
        return look_up(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        for name in really:
            patch.setattr(socket.socket, name, guarded(name))
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder with the real corpora."""
    place = os.environ.get("COURSE_MIRROR", "")
    if not place or not Path(place).is_dir():
        pytest.skip("the real corpora are not here: set COURSE_MIRROR to the folder that holds them")
    return Path(place).resolve()


@pytest.fixture
def no_mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without mirror, proxy or NLTK data, and with an empty cache, whose path this is."""
    for name in ("COURSE_MIRROR", "NLTK_DATA", *(f"{kind}_proxy" for kind in ("http", "https", "all"))):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("nltk.data.path", [])
    cache = tmp_path / "cache"
    monkeypatch.setenv("COURSE_CACHE", str(cache))
    return cache


# Tiny random models
