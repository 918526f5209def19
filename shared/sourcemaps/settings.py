"""Settings of source maps (sourcemaps.md, "Settings")."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.secret import Secret


class Sourcemaps(msgspec.Struct, frozen=True, kw_only=True):
    """Source maps, `SLUICE_SOURCEMAPS_*`."""

    dir: Annotated[Path, Meta(description="Folder that holds their contents, for all gateways the same one")] = Path(
        "var/sourcemaps"
    )
    s3_url: Annotated[
        str, Meta(description="S3-compatible storage instead of the folder: https://host, or http://host:port")
    ] = ""
    s3_bucket: Annotated[str, Meta(description="The bucket; it must exist")] = ""
    s3_region: Annotated[str, Meta(description="The bucket's region")] = "us-east-1"
    s3_prefix: Annotated[str, Meta(description="Text before every object's name in the bucket")] = "sourcemaps/"
    s3_key_id: Annotated[str, Meta(description="The access key's id")] = ""
    s3_secret_key: Annotated[Secret, Meta(description="The access key's secret")] = Secret("")
    max_body_bytes: Annotated[int, Meta(ge=1024, description="Largest upload, on the wire and unpacked, bytes")] = (
        50_000_000
    )
    project_bytes: Annotated[
        int, Meta(ge=0, description="Bytes that a project may have stored, each content counted once")
    ] = 5_000_000_000
