"""How the last commit of a process went: a ping that is smaller than what was refused proves nothing."""

from dataclasses import dataclass


@dataclass
class LastCommit:
    """`refused_bytes`: of the messages whose commit failed last; 0 once messages were stored again."""

    refused_bytes: int = 0
