"""Which Sluice this is."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

from shared.envelope import WITH_RULES


def _installed() -> str:
    try:
        return version("sluice")
    except PackageNotFoundError:  # run from a folder that nobody installed
        return "unknown"


VERSION: Final = _installed()
ENVELOPE: Final = str(WITH_RULES)
"""The newest version of the envelope that this one writes and reads."""
