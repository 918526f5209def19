"""The ClickHouse server process: `python -m deploy.local.clickhouse_server FOLDER DATABASE`.

The wheel's extension runs a whole clickhouse-local, which reads its configuration below $HOME and listens when a
statement asks for it. The last statement reads a pipe that never gets a line, so the session and with it the server
stays; closing the pipe ends the statement, and the server shuts down in order. SIGTERM does that; killed, it recovers
at the next start.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def main(folder: Path, database: str) -> int:
    """Serve until SIGTERM. Returns the exit code."""
    # Blocked before any thread exists, so that none of the engine's threads or handlers gets them first.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    import chdb._chdb  # before $HOME: the wheel's own first session should not read our configuration

    os.environ["HOME"] = str(folder)
    pipe = folder / "stop"
    pipe.unlink(missing_ok=True)  # of a killed predecessor
    os.mkfifo(pipe, mode=0o600)
    keep_open = os.open(pipe, os.O_RDWR)
    statements = (
        f"CREATE DATABASE IF NOT EXISTS `{database}`",
        "SYSTEM START LISTEN TCP",
        "SYSTEM START LISTEN HTTP",
        f"SELECT count() FROM file('{pipe}', 'LineAsString', 'line String') FORMAT Null",  # noqa: S608 - our own path
    )
    engine: Any = chdb._chdb
    failed: list[BaseException] = []

    def serve() -> None:
        try:
            engine.query("; ".join(statements), "CSV", path=str(folder / "data"))
        except BaseException as error:
            failed.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # also when it never came up: a port may be taken

    thread = threading.Thread(target=serve)
    thread.start()
    signal.sigwait(_STOP_SIGNALS)
    os.write(keep_open, b"stop\n")
    os.close(keep_open)
    thread.join()
    for error in failed:
        print(f"ClickHouse ended: {error}", file=sys.stderr, flush=True)  # noqa: T201 - this process's log
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2]))
