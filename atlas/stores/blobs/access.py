"""How to reach blobs in S3."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class S3Access:
    """What the settings `ATLAS_S3_*` say; None is left to the AWS tools: their `AWS_*` variables,
    profiles and roles."""

    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
