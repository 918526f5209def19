"""Why something was refused or dropped, in words, and what to do about it (pages.md, "Ingest")."""

from collections.abc import Mapping
from typing import NamedTuple, get_args

from shared.metrics import DropReason

_AGAIN = "Clients send again, and lose nothing by it: all but Sentry's SDKs."


class Reason(NamedTuple):
    """`status`: of the answer; '' for records that were dropped from accepted requests."""

    status: str = ""
    means: str = ""
    do: str = ""


REFUSED: Mapping[str, Reason] = {
    "http": Reason("400", "it is not HTTP that can be read in one way", "Look at the proxy or client that sends it."),
    "malformed": Reason("400", "the body can't be read as what it says it is", "The answer says where."),
    "invalid": Reason("400", "a field breaks the contract of the route", "The answer names the fields."),
    "idempotency_key": Reason("400", "its Idempotency-Key is longer than 255 characters", "Make it shorter."),
    "idempotency_reused": Reason("400", "its Idempotency-Key came with another body", "Make a key for each body."),
    "event_reused": Reason("400", "its event_id came with another event before", "Make an id for each event."),
    "scope": Reason("403", "its key may not send", "Give the sender a key with the scope ingest."),
    "origin": Reason("403", "its page's origin is not on the key's list", "Add it to a key that the page uses."),
    "signature": Reason("403", "the project's secret did not sign the drain", "Set the same one here and in Vercel."),
    "not_found": Reason("404", "its path names another project than its key", "Correct the project in the path."),
    "timeout": Reason("408", "the rest of the body did not come in time", "Look at the sender's network."),
    "too_large": Reason("413", "it is too large, as sent or unpacked", "Send fewer records at once."),
    "encoding": Reason("415", "its Content-Encoding is none that is known", "Pack it with gzip, or not at all."),
    "rate_limited": Reason("429", "its key had used up its minute", f"{_AGAIN} Send more at once, or raise the limit."),
    "internal": Reason("500", "a fault of Sluice's own", "The gateway's log has it."),
    "unavailable": Reason("503", "the queue or a neighbour was away or full", f"{_AGAIN} The log says why."),
}

_ITEM = Reason("", "what Sentry's SDKs send of this kind is not stored", "Turn it off at the SDK.")

DROPPED: Mapping[str, Reason] = {
    "invalid": Reason("", "the record breaks the contract of the route", "X-Dropped of the answer names some."),
    "too_large": Reason("", "the record is larger than one may be", "Cut long values before they are sent."),
    "sdk_init": Reason("", "a ping of an SDK that starts: there is nothing to store", ""),
    "wrong_key": Reason("", "the record carries another key than its request", "Send each project's by themselves."),
    "metrics_unsupported": Reason("", "metrics of OpenTelemetry are not stored", "Turn the exporter of metrics off."),
    "too_many_exceptions": Reason("", "more exceptions than become errors of one request", "Spans and logs are whole."),
    **{reason: _ITEM for reason in get_args(DropReason) if reason.startswith("item_")},
}

UNKNOWN = Reason()
