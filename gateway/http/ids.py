"""Ids in the headers of answers: the request's own, and those of the events that it reported."""

import itertools
import os
from collections.abc import Iterable, Iterator
from urllib.parse import quote

HEADER_BYTES = 8_000
"""Most clients refuse an answer whose head is over 16 kB. A hundred UUIDs take 3,700."""


def request_ids() -> Iterator[bytes]:
    """Ids unique over processes and restarts, in rising order: 16 random hex digits of the process, then a count."""
    prefix = os.urandom(8).hex().encode()
    return (b"%b-%08x" % (prefix, n) for n in itertools.count(1))


def header_of(ids: Iterable[str]) -> bytes:
    """The value of a header that lists ids, comma-separated: from the first on, as many as fit into `HEADER_BYTES`.

    Clients choose them freely, so the comma and all that could end or forge a header are percent-encoded.
    """
    named: list[str] = []
    size = -1
    for each in ids:
        text = quote(each, safe="!#$&'()*+/:;=?@[]^`{|}")
        size += len(text) + 1
        if size > HEADER_BYTES:
            break
        named.append(text)
    return ",".join(named).encode()
