"""The version that ran before this one, out of git's history."""

import io
import subprocess
import tarfile
from pathlib import Path

from deploy.local.engine import Unavailable

COMMIT = "f833abf768349814ac6c5fb93584cb9b366b380e"
"""The last one that knew no formats of Sentry's SDKs: its writers must leave them alone. A tag, once there are tags."""


_ROOT = Path(__file__).parents[2]
_PACKAGES = ("gateway", "writer", "shared", "deploy")


def unpack(folder: Path) -> Path:
    """The folder, with that version's packages. Raises `Unavailable`."""
    try:
        done = subprocess.run(["git", "archive", COMMIT, *_PACKAGES], cwd=_ROOT, capture_output=True)
    except FileNotFoundError:
        raise Unavailable("no git, which has the code of the version before this one") from None
    if done.returncode:
        raise Unavailable(f"no commit {COMMIT[:7]}, the version before this one: git fetch --unshallow")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder
