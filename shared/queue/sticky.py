"""The sticky partition: where messages without a key go (delivery.md, "The sticky partition")."""


class StickyPartition:
    """Chooses partitions of one topic, staying on one for about `turn_s` or `turn_bytes`, whichever ends first.

    The turn is taken from the clock, so processes that share nothing still fill the same partition at the same moment:
    few and large batches at low traffic, an even spread over time. Beyond `turn_bytes` in one turn a busy process runs
    ahead by itself; the next turn of the clock brings everybody together again.
    """

    def __init__(self, partitions: int, *, turn_s: float = 2.0, turn_bytes: int = 1_000_000) -> None:
        self._partitions = partitions
        self._turn_s = turn_s
        self._turn_bytes = turn_bytes
        self._turn = -1
        self._bytes = 0

    def choose(self, size: int, now_s: float) -> int:
        """The partition of a message of `size` bytes sent at `now_s`, Unix seconds."""
        turn = int(now_s / self._turn_s)
        if turn != self._turn:
            self._turn = turn
            self._bytes = 0
        partition = (turn + self._bytes // self._turn_bytes) % self._partitions
        self._bytes += size
        return partition
