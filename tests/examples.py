"""How many examples a property is tried with: few in the suite, other ones in each run; `make soak` tries many."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("SLUICE_EXAMPLES_TIMES", "1"))


def examples(n: int) -> settings:
    """`n` in the suite."""
    return settings(
        max_examples=n * TIMES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=False,  # which hypothesis does where it finds `CI`: there it would be the same few for good
    )
