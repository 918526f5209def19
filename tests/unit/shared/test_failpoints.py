"""Which failpoint settings are accepted."""

import re

import pytest

from shared.failpoints import Failpoints


@pytest.mark.parametrize("setting", ["after_plan", "after_plan=explode", "nowhere=kill", "=kill"])
def test_an_unknown_failpoint_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=re.escape(setting)):
        Failpoints(setting)


def test_without_a_failpoint_every_point_is_passed() -> None:
    Failpoints().reach("after_plan")
    Failpoints("after_done=kill").reach("after_plan")
    Failpoints("after_done=kill:2").reach("after_done")
