"""Version 1, a first form: type, normalised frames, normalised message. Stored rows name it (grouping.md, "Version 1").

Every expression is bounded and every input cut first, so hostile input costs linear time.
"""

import hashlib
import re
from typing import Final

import msgspec

MESSAGE_LIMIT: Final = 8 * 1024
STACK_LIMIT: Final = 256 * 1024
LINES: Final = 1_000
LINE_LIMIT: Final = 1_024
FRAMES: Final = 5

_V8_FRAME = re.compile(
    r"^\s{0,64}at (?:async )?(?:new )?(?:([^\s(]{1,200})[^(]{0,100}\()?([^\s()]{1,500}?)(?::\d+){0,2}\)?$"
)
_PYTHON_FRAME = re.compile(r'^\s{0,64}File "([^"]{1,500})", line \d+(?:, in (\S{1,200}))?')
_GECKO_FRAME = re.compile(r"^\s{0,64}([^\s@]{0,200})@(\S{1,500}?)(?::\d+){0,2}$")
_TYPE = re.compile(r"^(?:Uncaught )?([A-Za-z_][\w.$]{0,120}?)(?::|$)")
_FOREIGN = re.compile(r"node_modules|site-packages|dist-packages|/vendor/|^node:|/lib/python3|<frozen ")
_VARIABLE = (
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}"), "<email>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s\"']{1,500}"), "<url>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"), "<uuid>"),
    (re.compile(r"\b0x[0-9a-fA-F]{1,64}\b"), "<hex>"),
    (re.compile(r"\b(?=[0-9a-f]{0,63}\d)[0-9a-f]{16,64}\b"), "<hash>"),
    (re.compile(r"\d{1,50}"), "<n>"),
)
_DEPLOY_PREFIX = re.compile(r"^.{0,500}?/(?=(?:src|app|lib|pages|packages)/)")
_encode = msgspec.json.Encoder().encode


def fingerprint(message: str, stack: str) -> tuple[str, str, str]:
    """(64 hex digits, JSON of the parts `["v1", type, frames, message or null]`, type)."""
    lines = stack[:STACK_LIMIT].replace("\r", "").split("\n")[:LINES]
    frames = _frames([line[:LINE_LIMIT] for line in lines])
    kind = _type(lines, message)
    parts = _encode(["v1", kind, frames, None if frames else _normalised(message[:MESSAGE_LIMIT])])
    return hashlib.sha256(parts).hexdigest(), parts.decode(), kind


def _type(lines: list[str], message: str) -> str:
    is_python = bool(lines) and lines[0].startswith("Traceback")
    candidates = [line for line in lines if line and not line[0].isspace()]
    header = candidates[-1] if is_python and candidates else lines[0]
    for text in (header, message):
        if (found := _TYPE.match(text[:LINE_LIMIT])) and "@" not in text:
            return found[1]
    return "Error"


def _frames(lines: list[str]) -> list[str]:
    found = [frame for line in lines if (frame := _frame(line))]
    if lines and lines[0].startswith("Traceback"):
        found.reverse()  # Python prints the innermost frame last
    own = [f"{function}@{_file(file)}" for function, file in found if not _FOREIGN.search(file)]
    return (own or [f"{function}@{_file(file)}" for function, file in found])[:FRAMES]


def _frame(line: str) -> tuple[str, str] | None:
    if found := _PYTHON_FRAME.match(line):
        return found[2] or "", found[1]
    if found := _V8_FRAME.match(line) or _GECKO_FRAME.match(line):
        return found[1] or "", found[2]
    return None


def _file(path: str) -> str:
    path = re.sub(r"^[a-z][a-z0-9+.-]{1,15}://[^/]{0,255}", "", path).split("?")[0]
    return _DEPLOY_PREFIX.sub("", path)


def _normalised(message: str) -> str:
    text = "\n".join(message.split("\n")[:2])
    for pattern, name in _VARIABLE:
        text = pattern.sub(name, text)
    return text
