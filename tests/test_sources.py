"""The download path, exercised against a server on loopback, with files made here."""

import hashlib
import http.server
import io
import socket
import subprocess
import sys
import threading
import urllib.request
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import nltk.downloader
import pytest

from course_utils import sources
from course_utils.corpora import load_corpus
from course_utils.errors import InputError
from course_utils.sources import SOURCES, Source, SourceError, locate

TABLE = b"sentence\tlabel\n" + b"".join(b"film number %d\t1\n" % i for i in range(100))


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


ARCHIVE = zipped(**{"SST-2/train.tsv": TABLE, "SST-2/dev.tsv": b"not this one"})
PACKAGE = zipped(**{"toy/toy.txt": b"one two"})


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Web:
    """A server on loopback: ``files`` by path; ``faults`` maps a path to a status, or to "cut" for half a body."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, int | str] = field(default_factory=dict)
    patience: int = 10**9  # faults go away after so many requests
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def web(no_mirror):
    site = Web()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            site.requests.append(self.path)
            fault = site.faults.get(self.path) if len(site.requests) <= site.patience else None
            if isinstance(fault, int) or self.path not in site.files:
                self.send_error(fault or 404)
                return
            body = site.files[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield site
    server.shutdown()
    server.server_close()


@pytest.fixture
def toy(web, monkeypatch):
    """Three sources served by ``web``: a plain file, a member of an archive, an NLTK package."""
    web.files |= {
        "/plain.csv": TABLE,  # canonical addresses
        "/toy.zip": ARCHIVE,
        "/nltk/toy.zip": PACKAGE,
        "/mirror/toy/plain.csv": TABLE,  # a mirror
        "/mirror/toy/train.tsv": TABLE,
        "/mirror/nltk_data/corpora/toy.zip": PACKAGE,
        "/index.xml": index(web.url, PACKAGE),
    }
    monkeypatch.setattr("course_utils.sources.transfer.WAIT_SECONDS", 0)
    monkeypatch.setattr(nltk.downloader.Downloader, "DEFAULT_URL", f"{web.url}/index.xml")
    monkeypatch.setattr(nltk.downloader, "urlopen", urllib.request.urlopen)  # NLTK's own refuses loopback addresses
    for name, source in {
        "plain": Source("toy/plain.csv", f"{web.url}/plain.csv", sha256(TABLE), "none"),
        "member": Source("toy/train.tsv", f"{web.url}/toy.zip", sha256(TABLE), "none", member="SST-2/train.tsv"),
        "package": Source("nltk_data/corpora/toy.zip", f"{web.url}/nltk/toy.zip", sha256(PACKAGE), "none"),
    }.items():
        monkeypatch.setitem(SOURCES, name, source)
    return web


def index(url: str, package: bytes) -> bytes:
    """NLTK's own index with one package."""
    return (
        f'<nltk_data><packages><package id="toy" name="Toy" subdir="corpora" unzip="1" size="{len(package)}" '
        f'unzipped_size="7" checksum="{hashlib.md5(package).hexdigest()}" sha256_checksum="{sha256(package)}" '
        f'url="{url}/nltk/toy.zip"/></packages><collections/></nltk_data>'
    ).encode()


def files_in(folder: Path) -> list[str]:
    """Everything below a folder but empty folders without a dot: what a failed transfer may have left."""
    if not folder.exists():
        return []
    found = (path for path in folder.rglob("*") if path.is_file() or path.name.startswith("."))
    return sorted(str(path.relative_to(folder)) for path in found)


def refusal(name: str) -> str:
    """The message of the one clear line that ``locate`` ends with."""
    with pytest.raises(SourceError) as caught:
        locate(name)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


# Where a file is found


def test_http_mirror_then_cache(toy, no_mirror, monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", f"{toy.url}/mirror/")
    first = locate("plain")
    assert first.read_bytes() == TABLE
    assert toy.requests == ["/mirror/toy/plain.csv"]
    assert locate("plain") == first
    assert toy.requests == ["/mirror/toy/plain.csv"]
    assert files_in(no_mirror) == ["toy/plain.csv"]


def test_folder_mirror_is_read_in_place(toy, no_mirror, monkeypatch, tmp_path):
    (tmp_path / "mirror/toy").mkdir(parents=True)
    (tmp_path / "mirror/toy/plain.csv").write_bytes(TABLE)
    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path / "mirror"))
    assert locate("plain") == tmp_path / "mirror/toy/plain.csv"
    assert toy.requests == []
    assert files_in(no_mirror) == []


def test_what_a_folder_mirror_lacks_comes_from_the_canonical_address(toy, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path))
    assert locate("plain").read_bytes() == TABLE
    assert toy.requests == ["/plain.csv"]


def test_canonical_archive_keeps_only_its_member(toy, no_mirror):
    path = locate("member")
    assert path.read_bytes() == TABLE
    assert toy.requests == ["/toy.zip"]
    assert files_in(no_mirror) == ["toy/train.tsv"]


def test_mirror_holds_the_member_itself(toy, monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", f"{toy.url}/mirror")
    assert locate("member").read_bytes() == TABLE
    assert toy.requests == ["/mirror/toy/train.tsv"]


def test_transfers_say_nothing(toy, capfd):
    locate("plain")
    locate("member")
    locate("package")
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_names_differ_and_sums_are_sums():
    assert len({source.path for source in SOURCES.values()}) == len(SOURCES)
    for source in SOURCES.values():
        assert len(source.sha256) == 64
        assert int(source.sha256, 16)
        assert source.address.startswith("https://")
        assert source.licence


def test_a_server_in_trouble_is_asked_again(toy, no_mirror):
    toy.faults["/plain.csv"] = 503
    toy.patience = 2
    assert locate("plain").read_bytes() == TABLE
    assert toy.requests == ["/plain.csv"] * 3


@pytest.mark.parametrize(("fault", "requests"), [(404, 1), (503, 3), ("cut", 3)])
def test_a_clear_no_is_final_and_patience_has_an_end(toy, fault, requests):
    toy.faults["/plain.csv"] = fault
    refusal("plain")
    assert toy.requests == ["/plain.csv"] * requests


# Failures


def test_a_name_that_is_no_source():
    with pytest.raises(InputError, match=r'no source is called "banking78": did you mean "banking77"\?'):
        locate("banking78")


@pytest.mark.parametrize("name", ["plain", "member", "package"])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (404, "the server answered 404|HTTP Error 404"),
        (500, "the server answered 500|HTTP Error 500"),
        ("cut", "the transfer was cut off|Integrity check failed for 'toy': size mismatch"),
        ("refused", "the address cannot be reached"),
    ],
)
@pytest.mark.parametrize("way", ["mirror", "canonical"])
def test_failed_transfer(toy, no_mirror, monkeypatch, capfd, name, fault, expected, way):
    address = "/mirror/" + SOURCES[name].path if way == "mirror" else SOURCES[name].address.removeprefix(toy.url)
    if way == "mirror":
        monkeypatch.setenv("COURSE_MIRROR", f"{toy.url}/mirror")
    if fault == "refused":
        point_at_closed_port(toy, monkeypatch, name, way)
    else:
        toy.faults[address] = fault
    message = refusal(name)
    assert files_in(no_mirror) == []
    if (name, way) == ("package", "canonical"):
        assert message.startswith("NLTK package toy: ")
        assert "NLTK_DATA" in message
    else:
        assert message.split(": ")[0].endswith(address)
    assert any(reason in message for reason in expected.split("|"))
    assert "COURSE_MIRROR" in message
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
    if fault != "refused":  # once the server is well again, so is everything else
        toy.faults.clear()
        assert locate(name).is_file()


def point_at_closed_port(toy, monkeypatch, name, way):
    with socket.socket() as closed:  # bound but not listening: nobody else gets it, every connection is refused
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    if way == "mirror":
        monkeypatch.setenv("COURSE_MIRROR", f"{nowhere}/mirror")
    elif name == "package":
        monkeypatch.setattr(nltk.downloader.Downloader, "DEFAULT_URL", f"{nowhere}/index.xml")
    else:
        old = SOURCES[name]
        address = old.address.replace(toy.url, nowhere)
        monkeypatch.setitem(SOURCES, name, Source(old.path, address, old.sha256, old.licence, old.member))


@pytest.mark.slow
def test_the_command_prints_the_one_line_and_nothing_else(web, monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", web.url)
    command = [sys.executable, "-m", "course_utils.cli", "data", "fetch", "banking77"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"course: {web.url}/banking77/train.csv: the server answered 404 Not Found. Check the connection, or set "
        "COURSE_MIRROR to a folder or address that has banking77/train.csv.\n"
    )


@pytest.mark.parametrize("way", ["mirror", "canonical"])
@pytest.mark.parametrize("name", ["plain", "package"])
def test_wrong_sum(toy, no_mirror, monkeypatch, name, way):
    if way == "mirror":
        monkeypatch.setenv("COURSE_MIRROR", f"{toy.url}/mirror")
        address = f"/mirror/{SOURCES[name].path}"
    else:
        address = SOURCES[name].address.removeprefix(toy.url)
    toy.files[address] = b"x" + toy.files[address][1:]
    message = refusal(name)
    assert files_in(no_mirror) == []
    assert "SHA-256" in message or "sha256" in message
    assert "again" in message or "Check" in message


def test_wrong_sum_inside_an_archive(toy, no_mirror):
    toy.files["/toy.zip"] = zipped(**{"SST-2/train.tsv": b"another version"})
    message = refusal("member")
    assert f"SHA-256 is {sha256(b'another version')[:12]}" in message
    assert f"expected {sha256(TABLE)[:12]}" in message
    assert files_in(no_mirror) == []


def damaged(archive: bytes, place: int) -> bytes:
    return archive[:place] + bytes([archive[place] ^ 0xFF]) + archive[place + 1 :]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in to continue</html>",
        zipped(other=b""),
        *(damaged(ARCHIVE, place) for place in (ARCHIVE.index(b"PK\x01\x02") + 10, 60, 80, 160)),
    ],
    ids=["no archive", "another archive", "unknown method", "damaged start", "damaged middle", "damaged end"],
)
def test_not_the_archive(toy, no_mirror, body):
    toy.files["/toy.zip"] = body
    message = refusal("member")
    assert f"{toy.url}/toy.zip: not an archive with SST-2/train.tsv" in message
    assert "COURSE_MIRROR" in message
    assert files_in(no_mirror) == []


@pytest.mark.parametrize("place", ["mirror", "cache"])
def test_a_damaged_local_file_is_named_and_not_replaced_in_silence(toy, no_mirror, monkeypatch, tmp_path, place):
    folder = no_mirror if place == "cache" else tmp_path / "mirror"
    (folder / "toy").mkdir(parents=True)
    (folder / "toy/plain.csv").write_bytes(b"half a fi")
    if place == "mirror":
        monkeypatch.setenv("COURSE_MIRROR", str(folder))
    message = refusal("plain")
    assert message.startswith(f"{folder / 'toy/plain.csv'}: SHA-256 is ")
    assert "remove it and fetch it again" in message
    assert toy.requests == []


def test_mirror_folder_that_does_not_exist(toy, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path / "gone"))
    message = refusal("plain")
    assert message == f"COURSE_MIRROR={tmp_path / 'gone'}: no such folder. Correct it, or unset it to use the internet."
    assert toy.requests == []


def test_names_that_cannot_be_looked_up_are_a_missing_network(no_mirror, monkeypatch):
    monkeypatch.setattr("course_utils.sources.transfer.WAIT_SECONDS", 0)
    message = refusal("banking77-labels")
    assert message.startswith(f"{SOURCES['banking77-labels'].address}: the address cannot be reached (no network?).")
    assert files_in(no_mirror) == []


# NLTK


def test_nltk_takes_its_own_way_last(toy, no_mirror):
    path = locate("package")
    assert path == no_mirror / "nltk_data/corpora/toy.zip"
    assert path.read_bytes() == PACKAGE
    assert toy.requests == ["/index.xml", "/nltk/toy.zip"]
    assert files_in(no_mirror) == ["nltk_data/corpora/toy.zip", "nltk_data/corpora/toy/toy.txt"]
    assert locate("package") == path
    assert toy.requests == ["/index.xml", "/nltk/toy.zip"]


def test_nltk_data_of_the_machine_is_used(toy, monkeypatch, tmp_path):
    (tmp_path / "nltk/corpora").mkdir(parents=True)
    (tmp_path / "nltk/corpora/toy.zip").write_bytes(PACKAGE)
    monkeypatch.setattr("nltk.data.path", [str(tmp_path / "nltk")])
    assert locate("package") == tmp_path / "nltk/corpora/toy.zip"
    assert toy.requests == []


@pytest.mark.parametrize("way", ["mirror", "canonical"])
def test_nltk_reads_what_was_fetched(toy, monkeypatch, way):
    if way == "mirror":
        monkeypatch.setenv("COURSE_MIRROR", f"{toy.url}/mirror")
    root = sources.nltk_corpus_root("package")
    assert nltk.data.path == [str(root)]
    assert sources.nltk_corpus_root("package") == root
    assert nltk.data.path == [str(root)]
    assert nltk.data.find("corpora/toy.zip/toy/toy.txt").open().read() == b"one two"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"<nltk_data><packages/><collections/></nltk_data>", "toy"), (b"<html>Sign in", "")],
    ids=["package gone", "no index"],
)
def test_nltk_index_of_no_use(toy, no_mirror, content, reason):
    toy.files["/index.xml"] = content
    message = refusal("package")
    assert message.startswith("NLTK package toy: ")
    assert reason in message
    assert "COURSE_MIRROR to one that has nltk_data/corpora/toy.zip" in message
    assert files_in(no_mirror) == []


def test_nltk_package_that_changed_since_is_refused_at_once(toy, no_mirror):
    package = zipped(**{"toy/toy.txt": b"changed"})
    toy.files |= {"/nltk/toy.zip": package, "/index.xml": index(toy.url, package)}
    assert refusal("package").startswith(f"NLTK package toy: SHA-256 is {sha256(package)[:12]}…, expected ")
    assert files_in(no_mirror) == []


def test_nltk_behind_a_proxy_names_the_way_out(no_mirror, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert "NLTK_ALLOW_PROXIED_URLOPEN=1" in refusal("treebank")
    assert files_in(no_mirror) == []


@pytest.mark.parametrize("name", ["plain", "package"])
def test_cache_that_cannot_be_written(toy, monkeypatch, tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    assert "Set COURSE_CACHE to a folder of yours" in refusal(name)
    assert toy.requests == []


# The real mirror, over http


@pytest.mark.slow
def test_a_corpus_over_http_equals_the_one_from_the_folder(mirror, web, monkeypatch):
    for name in ("wnut17-train", "wnut17-dev"):
        web.files[f"/{SOURCES[name].path}"] = (mirror / SOURCES[name].path).read_bytes()
    monkeypatch.setenv("COURSE_MIRROR", web.url)
    fetched = load_corpus("wnut17")
    assert sorted(web.requests) == sorted(f"/{SOURCES[name].path}" for name in ("wnut17-train", "wnut17-dev"))
    monkeypatch.setenv("COURSE_MIRROR", str(mirror))
    local = load_corpus("wnut17")
    for split in ("train", "validation", "test"):
        assert fetched[split].to_dict() == local[split].to_dict()
        assert fetched[split].features == local[split].features


def test_every_source_in_the_mirror_has_its_sum(mirror, monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", str(mirror))
    for name, source in SOURCES.items():
        assert locate(name) == mirror / source.path
