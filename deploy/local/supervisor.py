"""Keeps a set of children alive, and stops them in order."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from deploy.local.child import Child, DidNotStart
from shared.processes import Restart

State = Literal["starting", "running", "waiting", "stopping"]


@dataclass
class Watched:
    """A child and what has happened to it. Times are monotonic seconds."""

    child: Child
    began: float
    state: State = "starting"
    restarts: int = 0
    restart: Restart = field(default_factory=Restart)
    said: str = ""

    def died(self, now: float) -> float:
        """Let it wait; returns for how many seconds."""
        lived_s = now - self.began if self.state == "running" else 0.0
        self.state = "waiting"
        return self.restart.after_death(now, lived_s)

    def row(self) -> dict[str, Any]:
        """One line of `sluice status`. `since` is when it came up, by the machine's monotonic clock."""
        return {
            "role": self.child.role,
            "pid": self.child.pid,
            "port": self.child.port,
            "state": self.state,
            "restarts": self.restarts,
            "since": self.began if self.state == "running" else None,
        }


class Supervisor:
    """Starts children group by group, restarts those that die, stops the groups in the opposite order.

    `changed` is called with all rows whenever one differs; `said` with a sentence for people. One thread, no waiting
    but in `start` and `stop`; `tick` is given the time.
    """

    def __init__(
        self,
        changed: Callable[[list[dict[str, Any]]], None] = lambda rows: None,
        said: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._groups: list[list[Watched]] = []
        self._changed = changed
        self._said = said

    @property
    def watched(self) -> list[Watched]:
        return [watched for group in self._groups for watched in group]

    def start(self, *groups: Sequence[Child], look_every_s: float = 0.03) -> None:
        """Start all of them side by side; return when all answer. Raises `DidNotStart`."""
        new: list[Watched] = []
        for group in groups:
            added = [Watched(child, time.monotonic()) for child in group]
            self._groups.append(added)
            new += added
            for watched in added:
                watched.child.begin()
        self._report()
        while not all(watched.state == "running" for watched in new):
            for watched in new:
                if watched.state == "starting":
                    self._look_at_start(watched)
            time.sleep(look_every_s)

    def tick(self, now: float) -> None:
        """Look at every child once: restart the dead whose pause is over, go on with those that are starting."""
        for watched in self.watched:
            match watched.state:
                case "running" if not watched.child.running:
                    self._now_waiting(watched, now, f"{watched.child.role} died")
                case "waiting" if now >= watched.restart.at:
                    watched.state, watched.began = "starting", now
                    watched.restarts += 1
                    watched.child.begin()
                    self._report()
                case "starting":
                    self._go_on(watched, now)

    def stop(self) -> None:
        """Last group first. Within a group all are asked at once; each gets its own time, then it is killed."""
        for group in reversed(self._groups):
            for watched in group:
                watched.state = "stopping"
                watched.child.ask_to_stop()
            self._report()
            asked = time.monotonic()
            for watched in group:
                if not watched.child.wait_stopped(asked + watched.child.stop_timeout_s):
                    self._said(f"{watched.child.role} took longer than {watched.child.stop_timeout_s:.0f} s: killed")
        self._groups.clear()
        self._report()

    def kill(self) -> None:
        """All at once, without asking."""
        for watched in self.watched:
            watched.child.kill()

    def _look_at_start(self, watched: Watched) -> None:
        if watched.child.advance():
            self._now_running(watched, time.monotonic())
        elif (doing := watched.child.doing) and doing != watched.said:
            watched.said = doing
            self._said(f"{watched.child.role}: {doing}")

    def _go_on(self, watched: Watched, now: float) -> None:
        try:
            if watched.child.advance():
                self._now_running(watched, now)
        except DidNotStart as error:
            self._now_waiting(watched, now, str(error))

    def _now_running(self, watched: Watched, now: float) -> None:
        took, watched.state, watched.began = now - watched.began, "running", now
        where = f" on port {watched.child.port}" if watched.child.port else ""
        self._said(f"{watched.child.role} answers{where} ({took:.1f} s)")
        self._report()

    def _now_waiting(self, watched: Watched, now: float, why: str) -> None:
        self._said(f"{why}; starting it again in {watched.died(now):.2g} s")
        self._report()

    def _report(self) -> None:
        self._changed([watched.row() for watched in self.watched])
