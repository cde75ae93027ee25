"""Create the bucket that ATLAS_BLOBS names, unless it exists; `setup.sh` runs this."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError


def secret(name: str) -> str:
    return Path(os.environ[f"{name}_FILE"]).read_text(encoding="utf-8").strip()


def main() -> None:
    bucket = urlsplit(os.environ["ATLAS_BLOBS"]).hostname
    s3 = botocore.session.get_session().create_client(
        "s3",
        endpoint_url=os.environ["ATLAS_S3_ENDPOINT"],
        region_name="us-east-1",
        aws_access_key_id=secret("ATLAS_S3_ACCESS_KEY"),
        aws_secret_access_key=secret("ATLAS_S3_SECRET_KEY"),
        config=Config(s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=30),
    )
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        s3.create_bucket(Bucket=bucket)
        sys.stderr.write(f"bucket {bucket} made\n")


main()
