"""Folders of this machine that gateways write to: the one of source maps."""

import os
import shutil
from collections.abc import Iterator

from shared.doctor.finding import Finding, of_room
from shared.sourcemaps.settings import Sourcemaps

_PART = "source maps"


def look(settings: Sourcemaps) -> Iterator[Finding]:
    """Nothing of a folder that is not there yet: the first upload makes it."""
    folder = settings.dir
    if settings.s3_url or not folder.is_dir():
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(_PART, "failure", f"{folder} can't be written to: give it to the user of the gateways")
    disk = shutil.disk_usage(folder)
    yield from of_room(_PART, f"of {folder}", disk.free, disk.total, do="`sluice sourcemaps prune`")
