"""One child process of the local stack: steps, readiness, tries, and how it ends."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local.child import Child, Command, DidNotStart, run, start_together
from deploy.local.ports import HOST
from deploy.local.sluice_processes import Gateway

STAYS = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STAYS


class Stub(Child):
    """Answers when its program has made the file `up`."""

    role = "stub"
    start_timeout_s = 60.0

    def __init__(self, folder: Path, program: str = STAYS, steps: tuple[str, ...] = ()) -> None:
        super().__init__(folder / "stub.log")
        self.up = folder / "up"
        self.program = program
        self.programs_before = steps
        self.tries_made = 0

    def before_try(self) -> None:
        super().before_try()
        self.tries_made += 1
        self.up.unlink(missing_ok=True)

    def steps(self) -> Iterator[Command]:
        for program in self.programs_before:
            yield Command([sys.executable, "-c", program])

    def command(self) -> Command:
        return Command([sys.executable, "-c", self.program, self.up])

    def answers(self) -> bool:
        return self.up.exists()


def gone(pid: int) -> bool:
    """True if no process has this number, or only a dead one that nobody has asked about yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def eventually(condition: object, within_s: float = 60.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def test_a_child_runs_from_start_to_stop(tmp_path: Path) -> None:
    child = Stub(tmp_path)
    with child:
        assert child.ready
        assert child.pid is not None
    assert child.pid is None


def test_steps_run_in_order_before_the_program(tmp_path: Path) -> None:
    steps = tuple(f"print('step {number}')" for number in (1, 2))
    with Stub(tmp_path, "print('program', flush=True); " + STAYS, steps) as child:
        assert child.log.read_text().split("\n")[:3] == ["step 1", "step 2", "program"]


def test_a_step_that_fails_ends_the_start_and_shows_its_last_words(tmp_path: Path) -> None:
    child = Stub(tmp_path, steps=("import sys; sys.exit('no room on the disk')",))
    with pytest.raises(DidNotStart, match=r"(?s)exit code 1.*no room on the disk"):
        child.start()
    assert child.tries_made == 1


def test_a_program_that_ends_before_it_answers_is_tried_three_times(tmp_path: Path) -> None:
    child = Stub(tmp_path, "import sys; sys.exit('the port is taken')")
    with pytest.raises(DidNotStart, match="the port is taken"):
        child.start()
    assert child.tries_made == 3


def test_a_program_that_never_answers_is_killed(tmp_path: Path) -> None:
    child = Stub(tmp_path, "import time; time.sleep(60)")
    child.start_timeout_s = 0.3
    with pytest.raises(DidNotStart, match="did not answer in time"):
        child.start()
    assert child.pid is None


def test_children_start_side_by_side(tmp_path: Path) -> None:
    meet = (  # the step of each child ends when those of all three have begun
        "import pathlib, sys, time\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "(here / '{number}.here').touch()\n"
        "while len(list(here.glob('*.here'))) < 3:\n"
        "    time.sleep(0.02)\n"
    )
    children = [Stub(tmp_path / str(number), steps=(meet.format(number=number),)) for number in range(3)]
    for child in children:
        child.log.parent.mkdir()
    start_together(*children)
    for child in children:
        child.kill()


def test_the_port_stays_once_the_child_has_answered(tmp_path: Path) -> None:
    with Stub(tmp_path) as child:
        port = child.port
        child.kill()
        child.start()
        assert child.port == port


def test_a_child_that_ignores_the_stop_signal_is_killed_when_its_time_is_over(tmp_path: Path) -> None:
    child = Stub(tmp_path, STUBBORN).start()
    child.ask_to_stop()
    assert child.wait_stopped(time.monotonic() + 0.2) is False
    assert child.pid is None


def test_children_are_started_from_the_main_thread_only(tmp_path: Path) -> None:
    refused: list[BaseException] = []

    def start() -> None:
        try:
            Stub(tmp_path).start()
        except RuntimeError as error:
            refused.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(refused[0])


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_child_dies_with_its_parent_however_the_parent_dies(tmp_path: Path) -> None:
    parent = (
        "import signal, time; from pathlib import Path; from deploy.local.child import Command, spawn\n"
        f"child = spawn(Command(['/bin/sleep', '60']), Path({str(tmp_path / 'log')!r}), signal.SIGKILL)\n"
        f"Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    pid_file = tmp_path / "pid"
    middle = Stub(tmp_path, parent)
    middle.up = pid_file
    middle.start()
    assert eventually(pid_file.read_text)
    grandchild = int(pid_file.read_text())
    assert not gone(grandchild)
    middle.kill()
    assert eventually(lambda: gone(grandchild))


def test_a_child_has_a_session_of_its_own_so_that_ctrl_c_reaches_only_us(tmp_path: Path) -> None:
    with Stub(tmp_path) as child:
        assert child.pid is not None
        assert os.getsid(child.pid) == child.pid


def test_run_returns_when_the_program_ends_well(tmp_path: Path) -> None:
    run(Command([sys.executable, "-c", "print('done')"]), tmp_path / "log", "a program")
    assert (tmp_path / "log").read_text() == "done\n"


def test_run_says_what_the_program_said_when_it_fails(tmp_path: Path) -> None:
    with pytest.raises(DidNotStart, match=r"(?s)a program ended with signal SIGTERM.*last words"):
        run(
            Command([sys.executable, "-c", "import os; print('last words', flush=True); os.kill(os.getpid(), 15)"]),
            tmp_path / "log",
            "a program",
        )
    assert signal.SIGTERM == 15


def test_a_gateway_that_cannot_have_its_port_does_not_pass_for_the_one_that_has_it(tmp_path: Path) -> None:
    class AlwaysWell(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer((HOST, 0), AlwaysWell) as other, Stub(tmp_path) as ours:
        serving = threading.Thread(target=other.serve_forever)
        serving.start()
        gateway = Gateway(tmp_path / "gateway.log", other.server_port, {})
        gateway._process = ours._process
        assert not gateway.answers()
        other.shutdown()
        serving.join()


def test_each_gateway_has_a_spool_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_GATEWAY_SPOOL", str(tmp_path))
    first = Gateway(tmp_path / "gateway.log", 1, {})
    second = Gateway(tmp_path / "gateway-2.log", None, {}, beside=first)
    assert "SLUICE_GATEWAY_SPOOL" not in first.command().env, "it has that of the environment"
    assert second.command().env["SLUICE_GATEWAY_SPOOL"] == str(tmp_path / "gateway-2")
    monkeypatch.delenv("SLUICE_GATEWAY_SPOOL")
    assert "SLUICE_GATEWAY_SPOOL" not in second.command().env
