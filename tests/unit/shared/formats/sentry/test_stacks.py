"""Stack text as each runtime prints it (sentry-rows.md, "Stack text")."""

import json
import re
import traceback
from types import TracebackType
from typing import Any

import pytest

from tests.unit.shared.formats.sentry.table import error_of

INNER = {"function": "total", "module": "shop.Cart", "filename": "cart.src", "abs_path": "/srv/cart.src", "lineno": 12}
OUTER = {"function": "pay", "module": "shop.Till", "filename": "till.src", "lineno": 7, "context_line": "  total()"}
CAUSE = {"type": "KeyError", "value": "price", "stacktrace": {"frames": [OUTER, INNER]}}
MAIN = {"type": "PayError", "value": "no total", "stacktrace": {"frames": [OUTER]}}


def stack_of(platform: str | None, *values: Any) -> str:
    return str(error_of({"platform": platform, "exception": {"values": list(values)}})["stack_trace"])


PRINTED = {
    "python": """Traceback (most recent call last):
  File "till.src", line 7, in pay
    total()
  File "/srv/cart.src", line 12, in total
KeyError: price

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "till.src", line 7, in pay
    total()
PayError: no total""",
    "node": """PayError: no total
    at pay (till.src:7)
  [cause]: KeyError: price
    at total (/srv/cart.src:12)
    at pay (till.src:7)""",
    "java": """PayError: no total
\tat shop.Till.pay(till.src:7)
Caused by: KeyError: price
\tat shop.Cart.total(cart.src:12)
\tat shop.Till.pay(till.src:7)""",
    "csharp": """PayError: no total
 ---> KeyError: price
   at shop.Cart.total() in /srv/cart.src:line 12
   at shop.Till.pay() in till.src:line 7
   --- End of inner exception stack trace ---
   at shop.Till.pay() in till.src:line 7""",
    "ruby": """till.src:7:in 'pay': no total (PayError)
/srv/cart.src:12:in 'total': price (KeyError)
\tfrom till.src:7:in 'pay'""",
    "php": """KeyError: price in /srv/cart.src:12
Stack trace:
#0 till.src(7): shop.Cart->total()
#1 {main}

Next PayError: no total in till.src:7
Stack trace:
#0 {main}""",
    "go": """PayError: no total
shop.Till.pay
\ttill.src:7
KeyError: price
shop.Cart.total
\t/srv/cart.src:12
shop.Till.pay
\ttill.src:7""",
}


@pytest.mark.parametrize("platform", PRINTED)
def test_a_chain_is_printed_as_its_runtime_prints_it(platform: str) -> None:
    assert stack_of(platform, CAUSE, MAIN) == PRINTED[platform]


@pytest.mark.parametrize("platform", ["javascript", "native", "cocoa", "", None])
def test_other_platforms_are_printed_as_javascript(platform: str | None) -> None:
    assert stack_of(platform, CAUSE, MAIN) == PRINTED["node"]


@pytest.mark.parametrize(
    ("frame", "line"),
    [
        ({"function": "?", "filename": "/a.js", "lineno": 1, "colno": 2}, "    at /a.js:1:2"),
        ({"function": "<anonymous>", "filename": "/a.js", "lineno": 1, "colno": 2}, "    at /a.js:1:2"),
        ({"function": "Object.?", "filename": "/a.js", "lineno": 1}, "    at Object.<anonymous> (/a.js:1)"),
        ({"function": "f", "module": "a"}, "    at f (a)"),
        ({"function": "f", "lineno": 3}, "    at f"),
        ({"filename": "/a.js", "colno": 2}, "    at /a.js"),
        ({}, "    at <anonymous>"),
    ],
)
def test_a_frame_of_javascript_names_what_is_known(frame: dict[str, Any], line: str) -> None:
    assert stack_of("node", {"type": "E", "value": "x", "stacktrace": {"frames": [frame]}}) == f"E: x\n{line}"


def test_the_constructor_of_an_errors_class_is_no_frame_as_v8_has_none() -> None:
    frames = [{"function": "pay", "filename": "/a.js"}, {"function": "PayError", "filename": "/b.js"}]
    assert stack_of("javascript", {"type": "PayError", "value": "x", "stacktrace": {"frames": frames}}) == (
        "PayError: x\n    at pay (/a.js)"
    )
    alone = stack_of("javascript", {"type": "PayError", "value": "x", "stacktrace": {"frames": frames[1:]}})
    assert alone == "PayError: x\n    at PayError (/b.js)"


@pytest.mark.parametrize(
    ("function", "printed"),
    [
        ("Total", "Total()"),
        ("MoveNext", "MoveNext()"),
        ("Total { <lambda> }", "Total()"),
        ("<Total>b__0_1", "<Total>b__0_1()"),
        ("async Task<int> Shop.Cart.Total(string who)", "Shop.Cart.Total(string who)"),
        (
            "static Dictionary<string, List<int>> Shop.Cart.Total<A, B>(string who)+() => { }",
            "Shop.Cart.Total(string who)",
        ),
    ],
)
def test_calls_of_dotnet_are_named_as_it_names_them(function: str, printed: str) -> None:
    frame = {"function": function, "filename": "/src/Cart.cs", "lineno": 3}
    stack = stack_of("csharp", {"type": "E", "value": "x", "stacktrace": {"frames": [frame]}})
    assert stack == f"E: x\n   at {printed} in /src/Cart.cs:line 3"


def test_what_was_handled_when_another_was_thrown_is_no_cause_in_python() -> None:
    context = CAUSE | {"mechanism": {"type": "chained", "source": "__context__"}}
    assert "\n\nDuring handling of the above exception, another exception occurred:\n\n" in stack_of(
        "python", context, MAIN
    )


def test_phps_own_calls_have_no_place() -> None:
    frames = [{"filename": "/a.php", "lineno": 7}, {"function": "usort", "filename": "[internal]", "lineno": 0}]
    frames.append({"function": "Cart::total", "abs_path": "/b.php", "lineno": 3})
    assert stack_of("php", {"type": "E", "value": "x", "stacktrace": {"frames": frames}}) == (
        "E: x in /b.php:3\nStack trace:\n#0 [internal function]: Cart::total()\n#1 /a.php(7): usort()\n#2 {main}"
    )


def test_without_frames_there_is_no_stack() -> None:
    assert stack_of("python", {"type": "A", "value": "a"}, {"type": "B", "stacktrace": {"frames": []}}) == ""


def test_the_stack_of_an_event_is_that_of_its_only_exception() -> None:
    event = {"exception": [{"type": "E", "value": "x"}], "stacktrace": {"frames": [OUTER]}}
    assert error_of(event)["stack_trace"] == "E: x\n    at pay (till.src:7)"


def test_the_stack_of_a_message_may_be_that_of_the_current_thread() -> None:
    threads = [{"stacktrace": {"frames": [INNER]}}, {"current": True, "stacktrace": {"frames": [OUTER]}}]
    event = {"platform": "python", "message": "look", "threads": {"values": threads}}
    row = error_of(event)
    assert (
        row["stack_trace"] == 'Traceback (most recent call last):\n  File "till.src", line 7, in pay\n    total()\nlook'
    )
    assert row["fingerprint"] == error_of({"message": "look"})["fingerprint"]
    assert error_of(event | {"threads": {"values": threads[:1]}})["stack_trace"] == ""
    assert error_of(event | {"exception": [{"type": "E", "value": "x"}]})["stack_trace"] == ""


def test_of_too_many_exceptions_the_last_are_printed_and_of_too_many_frames_both_ends() -> None:
    def value(n: int, frames: int) -> dict[str, Any]:
        return {"type": f"E{n}", "stacktrace": {"frames": [{"function": f"f{each}_"} for each in range(frames)]}}

    stack = stack_of("node", *(value(n, 1) for n in range(150)))
    assert ("E149\n" in stack, "E50\n" in stack, "E49\n" in stack) == (True, True, False)
    stack = stack_of("node", value(0, 2_500))
    assert re.findall(r"at f(\d+)_", stack) == [*map(str, range(2_499, 1_499, -1)), *map(str, range(999, -1, -1))]


@pytest.mark.parametrize("platform", PRINTED)
def test_a_stack_is_at_most_four_times_as_long_as_what_was_sent(platform: str) -> None:
    value = {"type": "E", "value": "\n" * 999, "stacktrace": {"frames": [{}] * 999}}
    stack = stack_of(platform, *[value] * 9)
    assert len(stack) <= 4 * len(json.dumps({"values": [value] * 9})) + len("\n...\n")


def fail() -> None:
    raise ValueError("first\nsecond")


def fail_again() -> None:
    try:
        fail()
    except ValueError as error:
        raise KeyError("k") from error


def collect(*functions: Any) -> None:
    found: list[Exception] = []
    for function in functions:
        try:
            function()
        except Exception as error:
            found.append(error)
    try:
        fail()
    except ValueError:
        raise ExceptionGroup("several", found)  # noqa: B904 - the context is printed otherwise than a cause


def sent_by_the_sdk(error: BaseException) -> list[dict[str, Any]]:
    """The values that sentry-sdk makes of a group: ids from the root on, then the other way round. It names the
    root as the parent of all causes."""
    made: list[dict[str, Any]] = []

    def add(each: BaseException, **mechanism: Any) -> None:
        number = len(made)
        is_group = isinstance(each, BaseExceptionGroup)
        mechanism |= {"type": "chained", "exception_id": number, "is_exception_group": is_group}
        stacktrace = {"frames": frames_of(each.__traceback__)}
        made.append({"type": type(each).__name__, "value": str(each), "stacktrace": stacktrace, "mechanism": mechanism})
        if each.__cause__ is not None:
            add(each.__cause__, parent_id=0, source="__cause__")
        elif each.__context__ is not None:
            add(each.__context__, parent_id=0, source="__context__")
        if isinstance(each, BaseExceptionGroup):
            for index, one in enumerate(each.exceptions):
                add(one, parent_id=number, source=f"exceptions[{index}]")

    add(error)
    return made[::-1]


def frames_of(found: TracebackType | None) -> list[dict[str, Any]]:
    return [
        {"abs_path": each.filename, "function": each.name, "lineno": each.lineno, "context_line": each.line}
        for each in traceback.extract_tb(found)
    ]


def test_groups_of_python_look_as_python_prints_them() -> None:
    try:
        collect(fail, lambda: collect(fail, fail_again), fail_again, lambda: collect(fail))
    except ExceptionGroup as error:
        printed = re.sub(r"\n[ |]*[ ~]*\^[ ~^]*(?=\n)", "", traceback.format_exc())  # Sentry has no such marks
        values = sent_by_the_sdk(error)
    assert stack_of("python", *values) == printed.rstrip("\n")


def test_groups_of_other_runtimes_are_depth_first() -> None:
    def value(kind: str, number: int, parent: int | None = None, **more: Any) -> dict[str, Any]:
        return CAUSE | {"type": kind, "mechanism": {"exception_id": number, "parent_id": parent} | more}

    sent = [value("D", 3, 0), value("C", 2, 1, source="cause"), value("B", 1, 0)]
    stack = stack_of("node", *sent, value("A", 0, is_exception_group=True))
    assert re.findall(r"(\w): price", stack) == ["A", "B", "C", "D"]


def test_ids_that_make_no_tree_do_no_harm() -> None:
    def value(number: int, parent: int) -> dict[str, Any]:
        return CAUSE | {"mechanism": {"exception_id": number, "parent_id": parent, "is_exception_group": True}}

    sent = [value(5, 5), value(1, 2), value(2, 1), value(9, 0), value(0, 0)]
    assert stack_of("node", *sent).count("KeyError") == 2


def test_a_deep_group_is_cut_as_python_cuts_it() -> None:
    sent = [
        CAUSE | {"mechanism": {"exception_id": n, "parent_id": n - 1, "is_exception_group": True}} for n in range(2000)
    ]
    stack = stack_of("python", *sent[::-1])
    assert stack.count("Exception Group") == 10
    assert "max_group_depth is 10" in stack
