"""Every setting, once: its name, default, unit and meaning. Each is read from the environment as `SLUICE_<NAME>`.

`load()` refuses values of the wrong type or out of range with a sentence that names the variable. Defaults stand here
and nowhere else. What nothing may show (`Secret`) may also stand in a file, which `SLUICE_<NAME>_FILE` names
(operating.md, "Secrets in files").
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from shared.kafka import Kafka
from shared.log_settings import Logs
from shared.oidc import Oidc
from shared.partitions import Partitions
from shared.secret import Secret, Unusable, Url
from shared.services import Services as Services
from shared.sourcemaps.settings import Sourcemaps
from shared.storage import Storage as Storage
from shared.trace_settings import Tracing

PREFIX = "SLUICE_"


class BadSetting(Exception):
    """A setting that can't be used; the text names the variable and says what it must be."""


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway, `SLUICE_GATEWAY_*`."""

    host: Annotated[str, Meta(description="Address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0: any free one")] = 8080
    admin_host: Annotated[str, Meta(description="Address that the admin port listens on")] = "127.0.0.1"
    admin_port: Annotated[
        Annotated[int, Meta(ge=0, le=65535)] | None,
        Meta(description="Port of /metrics and /health/ready, then not public; 0: any free one; empty: the public one"),
    ] = None
    share_port: Annotated[
        bool, Meta(description="Several gateways on one port: each needs this; the kernel spreads the connections")
    ] = False
    trusted_proxies: Annotated[
        str,
        Meta(description="Addresses and networks of proxies whose X-Forwarded-* headers count, comma-separated"),
    ] = ""
    roles: Annotated[str, Meta(description="Comma-separated: ingest, query")] = "ingest,query"
    key_fresh_s: Annotated[float, Meta(gt=0, description="Seconds a looked-up key is used without asking again")] = 30.0
    key_stale_s: Annotated[float, Meta(gt=0, description="Seconds a known key is used while Postgres is away")] = 3600.0
    ingest_limit: Annotated[
        int, Meta(ge=0, description="Ingest requests a minute of a key without a limit of its own; 0: no limit")
    ] = 5000
    read_limit: Annotated[
        int, Meta(ge=0, description="Read requests a minute of a key without a limit of its own; 0: no limit")
    ] = 600
    drain_record_limit: Annotated[
        int, Meta(ge=0, description="Records a minute that drains may bring with one key; 0: no limit")
    ] = 1_000_000
    lane_records_s: Annotated[
        int,
        Meta(ge=0, description="Records a second of a project above which it takes the overflow topics; 0: never"),
    ] = 20_000
    max_body_bytes: Annotated[int, Meta(ge=1024, description="Largest body on the wire, bytes")] = 5_000_000
    max_unpacked_bytes: Annotated[int, Meta(ge=1024, description="Largest body unpacked, bytes")] = 20_000_000
    max_unpack_ratio: Annotated[
        int, Meta(ge=1, description="Largest unpacked size as a multiple of the wire's; 1 MB is always allowed")
    ] = 200
    held_bytes: Annotated[
        int, Meta(ge=1_000_000, description="Bytes of all bodies in memory, as they came and unpacked, before 503")
    ] = 64_000_000
    checked_bytes: Annotated[
        int, Meta(ge=1_000_000, description="Bytes of large bodies that wait to be checked before 503")
    ] = 32_000_000
    check_timeout_s: Annotated[float, Meta(gt=0, description="Seconds that the check of one large body may take")] = (
        10.0
    )
    otlp_derived: Annotated[
        str, Meta(description="Comma-separated: errors, llm; what OTLP's logs and spans are stored as besides")
    ] = "errors,llm"
    head_timeout_s: Annotated[float, Meta(gt=0, description="Seconds in which a request's head must have come in")] = (
        10.0
    )
    body_timeout_s: Annotated[float, Meta(gt=0, description="Seconds in which a body must have come in")] = 20.0
    answer_timeout_s: Annotated[
        float, Meta(gt=0, description="Seconds in which a client must have taken its answer, else it is cut off")
    ] = 60.0
    max_connections: Annotated[
        int, Meta(ge=1, description="Connections at the same time; any more get 503; fewer where files are short")
    ] = 10_000
    publish_timeout_s: Annotated[float, Meta(gt=0, description="Seconds to wait for the queue before 503")] = 15.0
    in_flight_bytes: Annotated[int, Meta(ge=1_000_000, description="Bytes on the way to the queue before 503")] = (
        64_000_000
    )
    shutdown_s: Annotated[float, Meta(gt=0, description="Seconds that requests in flight get at shutdown")] = 20.0
    spool: Annotated[
        Path | None,
        Meta(description="Folder of the spool, for while Kafka is away; one of its own for each process; empty: none"),
    ] = None
    spool_bytes: Annotated[int, Meta(ge=1_000_000, description="Bytes that the spool may hold, packed, before 503")] = (
        10_000_000_000
    )
    spool_drain_bytes_s: Annotated[
        int, Meta(ge=100_000, description="Bytes a second that a spool is drained with, beside what comes meanwhile")
    ] = 10_000_000


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """The writer, `SLUICE_WRITER_*`."""

    group: Annotated[
        str,
        Meta(
            pattern=r"^[^{}]*(\{signal\}[^{}]*)*\Z",
            description="Consumer group, which writes each row once; sluice-writer.{signal}: one for each signal",
        ),
    ] = "sluice-writer"
    batch_rows: Annotated[int, Meta(ge=1, le=900_000, description="Rows that seal a batch")] = 100_000
    batch_bytes: Annotated[int, Meta(ge=1024, description="Message bytes that seal a batch")] = 32_000_000
    batch_age_s: Annotated[float, Meta(gt=0, description="Seconds after its first message that seal a batch")] = 0.5
    held_bytes: Annotated[
        int, Meta(ge=1_000_000, description="Message bytes held in one process; their rows take less than that again")
    ] = 48_000_000
    insert_threads: Annotated[int, Meta(ge=1, le=64, description="Inserts at the same time in one process")] = 4
    insert_timeout_s: Annotated[float, Meta(gt=0, description="Seconds before an insert counts as ambiguous")] = 60.0
    backoff_max_s: Annotated[float, Meta(gt=0, description="Longest pause between tries, seconds")] = 10.0
    session_timeout_s: Annotated[float, Meta(ge=1, description="Seconds after which a silent writer loses lanes")] = (
        30.0
    )
    shutdown_s: Annotated[float, Meta(gt=0, description="Seconds to flush at shutdown; the rest stays queued")] = 30.0
    letter_share: Annotated[
        float,
        Meta(gt=0, le=1, description="Share of dead letters, of a batch or a lane's last rows, that stops a lane"),
    ] = 0.2
    letter_share_from: Annotated[int, Meta(ge=1, description="Rows from which the share of letters counts")] = 100
    letter_run: Annotated[
        int, Meta(ge=1, description="Dead letters without a good row between that a lane may have before it stops")
    ] = 100
    fsync: Annotated[bool, Meta(description="Have ClickHouse fsync every insert (power cuts of one server)")] = False
    metrics_host: Annotated[
        str, Meta(description="Address of /metrics and /health; 0.0.0.0 where they are probed from outside")
    ] = "127.0.0.1"
    metrics_port: Annotated[
        int, Meta(ge=0, le=65535, description="Port of /metrics and /health; 0: any free one; --processes: the first")
    ] = 0
    liveness_file: Annotated[
        Path | None,
        Meta(description="File that the receive loop touches; 15 s old: stuck; --processes: <file>.1, <file>.2 ..."),
    ] = None
    name: Annotated[str, Meta(description="Of this process, in its log; --processes calls its own 1, 2 and so on")] = ""

    @property
    def receive_bytes(self) -> int:
        """What one receive brings at most, about: it is asked for as long as there is any room in `held_bytes`."""
        return self.held_bytes // (32 if "{signal}" in self.group else 8)  # groups receive side by side


class Topics(msgspec.Struct, frozen=True, kw_only=True):
    """The queue's topics, `SLUICE_TOPICS_*`."""

    prefix: Annotated[str, Meta(description="Text before every topic's name (several Sluices on one Kafka)")] = ""
    partitions: Annotated[
        Partitions, Meta(description="Partitions of a new topic: 4, or logs:64,errors:8,4 by signal")
    ] = Partitions("4")
    min_isr: Annotated[
        int,
        Meta(ge=0, description="Kafka: min.insync.replicas of a new topic; 0: 2 of three copies, else the cluster's"),
    ] = 0
    strict: Annotated[
        bool, Meta(description="Whether gateway and writer refuse to start with topics that are missing or kept badly")
    ] = False
    retention_hours: Annotated[int, Meta(ge=1, description="How long messages are kept for replay")] = 168
    max_message_bytes: Annotated[int, Meta(ge=1_000_000, description="Largest queue message, bytes")] = 1_048_576
    max_bytes: Annotated[int, Meta(ge=10_000_000, description="Embedded queue: size at which ingest answers 503")] = (
        10_000_000_000
    )
    dead_letter_bytes: Annotated[
        int, Meta(ge=1, description="Bytes of dead letters near which the log warns; none is ever dropped for room")
    ] = 1_000_000_000


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """The read API, `SLUICE_QUERY_*`."""

    timeout_s: Annotated[float, Meta(gt=0, description="Seconds a query may take before 503")] = 10.0
    connections: Annotated[int, Meta(ge=1, le=64, description="Queries at the same time in one process")] = 4
    partial: Annotated[
        bool, Meta(description="Whether API answers leave out shards that are away, and say so, instead of 503")
    ] = False
    tails: Annotated[int, Meta(ge=1, description="Tails that may be open in one process; a project has half")] = 200
    key_tails: Annotated[int, Meta(ge=1, description="Tails that one key may have open in one process")] = 5
    audit_days: Annotated[int, Meta(ge=31, le=36_500, description="Days that the audit log is kept, at least 31")] = 365
    rounds_s: Annotated[float, Meta(ge=1, description="Seconds between judging resolved and muted errors again")] = 15.0


class Alerts(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts of projects, `SLUICE_ALERTS_*`."""

    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[!-~]+)?\Z",
            description="Where people open the pages, https://host: alerts link there; empty: they hold no link",
        ),
    ] = ""
    http: Annotated[bool, Meta(description="Alerts may go to http:// addresses, not only to https://")] = False
    private: Annotated[
        bool, Meta(description="Alerts may go to private and loopback addresses, not only to public ones")
    ] = False
    timeout_s: Annotated[float, Meta(gt=0, le=60, description="Seconds that one try to send an alert may take")] = 5.0


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """How logs are searched, `SLUICE_SEARCH_*`."""

    index: Annotated[
        Literal["none", "words", "substrings", "attributes"],
        Meta(description="Index that `sluice migrate` adds to logs: none, words, substrings or attributes; each costs"),
    ] = "none"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    services: Services = Services()
    gateway: Gateway = Gateway()
    writer: Writer = Writer()
    topics: Topics = Topics()
    kafka: Kafka = Kafka()
    storage: Storage = Storage()
    query: Query = Query()
    sourcemaps: Sourcemaps = Sourcemaps()
    search: Search = Search()
    oidc: Oidc = Oidc()
    alerts: Alerts = Alerts()
    logs: Logs = Logs()
    tracing: Tracing = Tracing()

    @property
    def clickhouse_read_url(self) -> Url:
        return self.services.clickhouse_read_url or self.services.clickhouse_url


_FILE = "_FILE"
_PREFIXES = {
    "services": "",
    "gateway": "GATEWAY_",
    "writer": "WRITER_",
    "topics": "TOPICS_",
    "kafka": "KAFKA_",
    "storage": "CLICKHOUSE_",
    "query": "QUERY_",
    "sourcemaps": "SOURCEMAPS_",
    "search": "SEARCH_",
    "oidc": "OIDC_",
    "alerts": "ALERTS_",
    "logs": "LOG_",
    "tracing": "TRACING_",
}


def load(environment: Mapping[str, str]) -> Settings:
    """The settings that an environment gives. Raises `BadSetting`; unknown `SLUICE_*` names are left alone."""
    groups: dict[str, Any] = {}
    for info in msgspec.structs.fields(Settings):
        groups[info.name] = _load_group(info.type, PREFIX + _PREFIXES[info.name], environment)
    return Settings(**groups)


def _load_group(group: type[msgspec.Struct], prefix: str, environment: Mapping[str, str]) -> msgspec.Struct:
    values: dict[str, Any] = {}
    for info in msgspec.structs.fields(group):
        variable = prefix + info.name.upper()
        text = environment.get(variable)
        if (kind := _secret(info.type)) is not None:
            if text or environment.get(variable + _FILE):
                values[info.name] = _load_secret(kind, variable, environment)
            continue
        if text is None or (text == "" and info.type is not str):
            continue
        try:
            values[info.name] = msgspec.convert(text, info.type, strict=False, dec_hook=_of_text)
        except msgspec.ValidationError as error:
            raise BadSetting(f"{variable}={text!r}: {error} ({_meaning(info.type)})") from error
    return group(**values)


def _load_secret(kind: type[Secret], variable: str, environment: Mapping[str, str]) -> Secret:
    text, file = environment.get(variable), environment.get(variable + _FILE)
    if text and file:
        raise BadSetting(f"{variable} and {variable}{_FILE} are both set: leave one empty")
    try:
        return kind(file=Path(file)) if file else kind(text or "")
    except Unusable as error:
        raise BadSetting(f"{variable}{f'{_FILE}={file}' if file else ''} {error}") from None


def _secret(annotated: Any) -> type[Secret] | None:
    """The class of a field that holds what nothing may show."""
    kind = getattr(annotated, "__origin__", annotated)
    return kind if isinstance(kind, type) and issubclass(kind, Secret) else None


def _of_text(kind: type, text: Any) -> Any:
    if kind in (Path, Partitions):
        return kind(text)
    raise NotImplementedError(kind)


def variables() -> dict[str, tuple[str, Any]]:
    """Every variable: name -> (meaning, default). What `docs` and the test of documentation read."""
    found: dict[str, tuple[str, Any]] = {}
    for group in msgspec.structs.fields(Settings):
        for info in msgspec.structs.fields(group.type):
            name = PREFIX + _PREFIXES[group.name] + info.name.upper()
            found[name] = (_meaning(info.type), info.default)
            if _secret(info.type):
                found[name + _FILE] = (f"File that holds {name}, instead of a variable that holds it", None)
    return found


def _meaning(kind: Any) -> str:
    described = msgspec.inspect.type_info(kind)
    extra = getattr(described, "extra_json_schema", None) or {}
    return str(extra.get("description", ""))
