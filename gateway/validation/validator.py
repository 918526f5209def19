"""The door: a body of one format is checked, and its records are passed on as they came.

Never encode what you can slice (performance.md, "Never encode what you can slice"): a valid body costs one decode of
its frame and one of its records, which only checks them; the slice that was checked travels on. Only a body that this
refuses pays for a second look.
"""

from collections.abc import Sequence
from math import inf
from typing import Any, Protocol

from gateway.apis.base import Api
from gateway.rejections import BadEvent, MalformedJson, TooLarge
from gateway.validation.batches import ArrayValidator, BatchValidator
from gateway.validation.encoded import EncodedValidator
from gateway.validation.json_bodies import JsonValidator
from gateway.validation.one import OneValidator
from gateway.validation.one_or_many import OneOrManyValidator
from gateway.validation.parts import Opened, Part
from gateway.validation.picked import PickedValidator
from shared.formats.base import Format
from shared.formats.codec import JsonArray
from shared.formats.intake import Array, BadRecord, Batch, Body, Encoded, Intake, Malformed, One, Picked, TooMany
from shared.registry import BadExtension


class Validator(Protocol):
    """Validates the bodies of one format of an intake. Created once per process."""

    def looks_too_deep(self, text: Any, /) -> bool:
        """Whether the text may be nested too deeply, and needs a precise look; takes microseconds."""

    def opened(self, text: Any, /) -> Opened:
        """The body after a first decode, for `key_in` and `validate`. Raises nothing."""

    def key_in(self, opened: Opened, /) -> str | None:
        """The `api_key` of a body, whatever else is wrong with it; None if it has none, or one that is not a string.

        Of several records the first one's key counts. Raises `MalformedJson`.
        """

    def validate(self, opened: Opened, /) -> Part:
        """The good records of a body.

        Raises:
            MalformedJson, InvalidBody: the request is refused as a whole.
            TooLarge: a record is over the limit in an all-or-nothing contract, or there are too many records.
        """


def unwrapped(intake: Intake, api: Api, body: bytes, content_type: str) -> Sequence[tuple[str, Any]]:
    """(format name, body of that format) for each format whose records a body holds. Raises `MalformedJson`,
    `BadEvent`, `TooLarge`."""
    if intake.unwrap is None:
        return [(intake.name, body)]
    try:
        return intake.unwrap(body, content_type)
    except TooMany as error:
        raise TooLarge from error
    except Malformed as error:
        raise MalformedJson(api.malformed(body)) from error
    except BadRecord as error:
        raise BadEvent(str(error)) from error


def validator(fmt: Format, body: Body, api: Api, slow_bytes: float = inf) -> Validator:
    """The validator for bodies of this shape. Raises `BadExtension` for a shape that the format's codec can't read."""
    if isinstance(body, Encoded):
        return EncodedValidator(fmt, body, api, slow_bytes)
    if isinstance(body, Picked):
        return PickedValidator(fmt, slow_bytes)
    if not isinstance(fmt.codec, JsonArray):
        raise BadExtension(f"the format {fmt.name} is no array of JSON: give its intake the body `Encoded`")
    made: JsonValidator
    if isinstance(body, One):
        made = OneValidator(fmt, body, api)
    elif isinstance(body, Batch):
        made = BatchValidator(fmt, body, api)
    elif isinstance(body, Array):
        made = ArrayValidator(fmt, body, api)
    else:
        made = OneOrManyValidator(fmt, body, api)
    made.slow_bytes = slow_bytes
    return made
