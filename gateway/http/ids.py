"""Ids in the headers of answers: of the request itself, and of the events that it told of."""

import itertools
import os
from collections.abc import Iterable, Iterator
from urllib.parse import quote

HEADER_BYTES = 8_000
"""Most clients refuse an answer whose head is over 16 kB. A hundred UUIDs take 3,700."""


def request_ids() -> Iterator[bytes]:
    """Ids unique over processes and restarts, in rising order: 16 random hex digits of the process, then a count."""
    prefix = os.urandom(8).hex()
    return (b"%s-%08x" % (prefix.encode(), n) for n in itertools.count(1))


def header_of(ids: Iterable[str]) -> bytes:
    """Ids as one header, comma-separated: from the first on, as many as fit into `HEADER_BYTES`. They may be any text
    of a client's: what could end or forge a header, and the comma, is percent-encoded."""
    named: list[str] = []
    size = -1
    for each in ids:
        text = quote(each, safe="!#$&'()*+/:;=?@[]^`{|}")
        size += len(text) + 1
        if size > HEADER_BYTES:
            break
        named.append(text)
    return ",".join(named).encode()
