"""The Collector's binary: built once on a machine with its own builder, kept in the user's cache."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from deploy.local.child import Command, DidNotStart, describe_exit, last_lines, spawn
from deploy.local.engine import Unavailable

BUILDER = Path(__file__).with_name("builder.yaml")
_LONGEST_S = 3600.0


def version() -> str:
    """The release that is built. Raises `Unavailable` where there is neither a binary nor a way to one."""
    if not binary().exists() and shutil.which("go") is None:
        raise Unavailable("no go to build the OpenTelemetry Collector with: install Go 1.25 or newer")
    return _wanted_version()


def binary() -> Path:
    """Where it is, or will be. Another list of components is another file."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    digest = hashlib.sha256(BUILDER.read_bytes()).hexdigest()[:12]
    return Path(cache) / "sluice" / f"otelcol-{_wanted_version()}-{digest}"


def build(log: Path) -> None:
    """Make the binary: minutes of work. Raises `DidNotStart`, which ends with the last lines of `log`."""
    final = binary()
    folder = final.with_name(f"{final.name}.{os.getpid()}")
    folder.mkdir(parents=True)
    try:
        _run(command(folder), log)
        (folder / "otelcol").rename(final)
    finally:
        shutil.rmtree(folder)


def command(folder: Path) -> Command:
    """Fetches and runs the builder, which writes the program's source to `folder` and compiles it there."""
    builder = f"go.opentelemetry.io/collector/cmd/builder@v{_wanted_version()}"
    return Command(
        [shutil.which("go") or "go", "run", builder, f"--config={BUILDER}"], cwd=folder, timeout_s=_LONGEST_S
    )


def _run(command: Command, log: Path) -> None:
    process = spawn(command, log, signal.SIGKILL)
    try:
        code = process.wait(command.timeout_s)
    except BaseException as error:
        os.killpg(
            process.pid, signal.SIGKILL
        )  # the builder's own children, too: compilers that would go on for minutes
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise DidNotStart(f"the build of the Collector did not end within {command.timeout_s:.0f} s") from error
        raise
    if code:
        ending = f"ended with {describe_exit(code)}"
        raise DidNotStart(f"the build of the Collector {ending}. The end of {log}:\n{last_lines(log, 0)}")


def _wanted_version() -> str:
    found = re.search(r"^ +version: (\S+)$", BUILDER.read_text(), re.MULTILINE)
    if found is None:
        raise Unavailable(f"{BUILDER} names no version")
    return found[1]
