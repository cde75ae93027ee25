"""SeaweedFS with the very arguments of the compose file: what it answers to whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509

from tests.conftest import free_port
from tests.deploy.compose import FILES, ROOT, services
from tests.deploy.ports import answer, open_to_others

pytestmark = pytest.mark.fault(22)

CERTIFICATE = ROOT / "deploy/compose/certificate.py"
IDENTITIES = """{"identities": [{"name": "atlas", "actions": ["Read:atlas"],
    "credentials": [{"accessKey": "an-access-key", "secretKey": "a-secret"}]}]}"""
PORTS = ("s3", "s3.grpc", "master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc")


@dataclass(frozen=True)
class Seaweed:
    process: subprocess.Popen[bytes]
    ports: dict[str, int]


def certificate(folder: Path) -> str:
    """What the script says."""
    command = [sys.executable, str(CERTIFICATE), str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """As docker-compose.yml starts it, but for places on this machine."""
    folder = tmp_path_factory.mktemp("seaweed")
    certificate(folder)
    (folder / "s3.json").write_text(IDENTITIES)
    ports = {name: free_port() for name in PORTS}
    one = services(FILES[0])["seaweedfs"]

    def here(text: str) -> str:
        return text.replace("/run/secrets", str(folder))

    flags = [f"-{name.replace('.', '.port.', 1)}={port}" for name, port in ports.items()]
    flags = [each if ".port." in each else each.replace("=", ".port=") for each in flags]
    command = [
        *(str(Path(sys.executable).parent / "weed"), "-logtostderr=true"),
        *map(here, one["command"]),
        *flags,
        *(f"-dir={folder}", f"-filer.localSocket={folder / 'filer.sock'}"),
    ]
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=os.environ | {name: here(path) for name, path in one["environment"].items()},
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    try:
        while answer("127.0.0.1", ports["s3"]) == "closed":
            assert process.poll() is None, (folder / "weed.log").read_text()[-2000:]
            time.sleep(0.1)
        yield Seaweed(process, ports)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # its orderly end takes seconds
        process.wait()


def test_s3_wants_a_signature_and_its_grpc_port_a_certificate(seaweed: Seaweed) -> None:
    assert answer("127.0.0.1", seaweed.ports["s3"]) == "http 403"
    assert answer("127.0.0.1", seaweed.ports["s3.grpc"]) == "silent"
    # The question is a good one: the same gRPC on loopback answers it.
    assert answer("127.0.0.1", seaweed.ports["filer.grpc"]) == "http/2"


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks into /proc")
def test_nothing_else_listens_beyond_loopback(seaweed: Seaweed) -> None:
    assert _listening(seaweed.process.pid) == {seaweed.ports["s3"], seaweed.ports["s3.grpc"]}


def _listening(process: int) -> set[int]:
    """Its own ports, of those of this machine."""
    links = [str(each.readlink()) for each in Path(f"/proc/{process}/fd").iterdir()]
    own = {link[8:-1] for link in links if link.startswith("socket:[")}
    table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    return open_to_others(
        "\n".join(line for line in table.splitlines() if own & set(line.split()[9:10]))
    )


def test_its_certificates_are_signed_by_an_authority_whose_key_is_gone(tmp_path: Path) -> None:
    assert certificate(tmp_path) == "made the certificate of SeaweedFS\n"
    made = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert made.keys() == {"grpc-ca.pem", "grpc-server.pem", "grpc-server.key"}
    authority = x509.load_pem_x509_certificate(made["grpc-ca.pem"])
    server = x509.load_pem_x509_certificate(made["grpc-server.pem"])
    server.verify_directly_issued_by(authority)
    assert authority.public_key() != server.public_key()
    assert made["grpc-server.key"].count(b"PRIVATE KEY") == 2  # one: its first and its last line
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate(tmp_path) == "kept the certificate of SeaweedFS\n"
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == made
