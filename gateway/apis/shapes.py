"""The shapes of refusals' bodies, for the API's description."""

from typing import Any

import msgspec


class Refusal(msgspec.Struct, forbid_unknown_fields=True):
    """Why a request was refused."""

    error: str


class SignatureRefusal(msgspec.Struct, forbid_unknown_fields=True):
    """A delivery that the project's drain secret didn't sign."""

    code: str
    error: str


class Detail(msgspec.Struct, forbid_unknown_fields=True):
    """Why a request was refused."""

    detail: str


class ValidationIssue(msgspec.Struct):
    """One fault, in FastAPI's words."""

    type: str
    loc: list[str | int]
    msg: str
    input: Any
    ctx: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class ValidationError(msgspec.Struct, forbid_unknown_fields=True):
    """Every fault of a request, in FastAPI's shape."""

    detail: list[ValidationIssue]


class ZodIssue(msgspec.Struct):
    """One fault, as Zod 3.25 tells it; further keys depend on the code."""

    code: str
    path: list[str | int]
    message: str


class ZodError(msgspec.Struct, forbid_unknown_fields=True):
    """All faults of a body, in the schema's order."""

    issues: list[ZodIssue]
    name: str


class ZodRefusal(msgspec.Struct, forbid_unknown_fields=True):
    """A body that breaks its contract."""

    success: bool
    error: ZodError


class RpcStatus(msgspec.Struct, forbid_unknown_fields=True):
    """Why a request was refused: google.rpc.Status."""

    code: int
    message: str
