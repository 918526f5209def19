"""Packages of npm for the tests: what a committed package-lock.json pins, never kept in the repository."""

import fcntl
import shutil
import subprocess
from pathlib import Path

from deploy.local.engine import Unavailable

INSTALLED_WITHIN_S = 120


def installed(sources: Path, folder: Path) -> Path:
    """`folder` with the files of `sources` in it, and the packages of its package-lock.json, which are fetched once.

    Raises `Unavailable`."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Unavailable("no node, or no npm: install Node.js 20 or newer")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of the other workers
        for file in sources.iterdir():
            shutil.copy(file, folder)
        pinned, fetched = folder / "package-lock.json", folder / "fetched-lock.json"
        if not fetched.exists() or fetched.read_bytes() != pinned.read_bytes():
            _fetch(folder)
            shutil.copy(pinned, fetched)
    return folder


def _fetch(folder: Path) -> None:
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, timeout=INSTALLED_WITHIN_S, check=True, text=True)
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"npm can't fetch {folder.name}: {error.stderr[-400:]}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"npm did not fetch {folder.name} within {INSTALLED_WITHIN_S} s") from error
