"""Projects that send very much take topics of their own (delivery.md, "The overflow topics")."""

from dataclasses import dataclass

from gateway.overflow.shares import Shares
from gateway.overflow.topics import OverflowTopics


@dataclass(frozen=True)
class Overflow:
    """Who is over their share, and where their messages go."""

    shares: Shares
    topics: OverflowTopics
