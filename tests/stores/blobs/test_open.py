"""What `ATLAS_BLOBS` may say."""

import subprocess
import sys
from pathlib import Path

import pytest

from atlas.stores.blobs import open_blobs


@pytest.mark.parametrize(
    "location",
    [
        "",
        "blobs",
        "./blobs",
        "s3://",
        "s3://B/prefix",
        "s3://key:secret@bucket/prefix",
        "s3://bucket/a/../b",
        "s3://bucket/a//b",
        "s3://bucket/a?versioning",
        "gs://bucket/prefix",
        "file://host/path",
        "file:path",
    ],
)
def test_anything_else_is_refused_at_once(location: str) -> None:
    with pytest.raises(ValueError, match=r"ATLAS_BLOBS: .*s3://bucket/prefix") as caught:
        open_blobs(location)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}"])
async def test_a_folder_by_path_or_address(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "with space"
    location = form.format(str(folder).replace(" ", "%20") if "file" in form else folder)
    async with open_blobs(location) as blobs:
        await blobs.check()
    assert folder.is_dir()


def test_the_vendor_library_is_not_imported_for_a_folder() -> None:
    code = (
        "import sys; from atlas.stores.blobs import open_blobs; open_blobs('/x');"
        "sys.exit(bool({'aioboto3', 'aiobotocore', 'botocore'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
