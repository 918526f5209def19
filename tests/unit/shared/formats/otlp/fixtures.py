"""The recorded bodies."""

from pathlib import Path

from shared.formats.otlp.codec import OtlpCodec
from shared.formats.otlp.json_text import OtlpJson
from shared.formats.otlp.protobuf import Protobuf

FILES = Path(__file__).parents[4] / "fixtures" / "otlp"

_OF_TRACES = ("traces", "genai", "nested-exception", "spans", "integration")


def body(name: str) -> bytes:
    return (FILES / name).read_bytes()


def codec_of(name: str) -> OtlpCodec:
    """The codec that a recorded body is for."""
    root = "Traces" if any(word in name for word in _OF_TRACES) else "Logs"
    return OtlpJson(root) if name.endswith(".json") else Protobuf(root)  # type: ignore[arg-type]
