"""Prints of Firefox and Safari."""

import pytest

from shared.fingerprint import v2
from tests.unit.shared.fingerprint.languages.examples import seen


def test_chrome_firefox_and_safari_print_one_call() -> None:
    chrome = """
        TypeError: Cannot read properties of undefined (reading 'id')
            at showUser (https://x.example/src/users.js:3:9)
            at load (https://x.example/src/main.js:7:3)
    """
    firefox = "showUser@https://x.example/src/users.js:3:18\nload@https://x.example/src/main.js:7:12\n"
    safari = "showUser@https://x.example/src/users.js:3:20\nmodule code@https://x.example/src/main.js:7:3"
    one = "javascript | TypeError | showUser@users | null id"
    assert seen(chrome, "Cannot read properties of undefined (reading 'id')") == one
    assert seen(firefox, 'can\'t access property "id", user is undefined') == one
    assert seen(safari, "undefined is not an object (evaluating 'user.id')") == one


def test_the_constructor_of_an_error_is_no_frame_and_names_the_type() -> None:
    stack = "NotFoundError@http://x.example/a.js:1:9\nfind@http://x.example/a.js:5:3\n"
    assert seen(stack, "order 17 is gone") == "javascript |  | find@a | order * is gone"
    assert v2.read("order 17 is gone", stack).type == "NotFoundError"


def test_evaluated_code_and_handlers() -> None:
    stack = """
        run@http://x.example/a.js line 3 > eval:1:1
        setTimeout handler*poll@http://x.example/a.js:9:3
    """
    assert seen(stack, "x") == "javascript |  | run@a | x"


def test_native_frames_alone_leave_the_message() -> None:
    assert seen("[native code]\npromiseReactionJob@[native code]", "Load failed") == "javascript | TypeError |  | fetch"


def test_safari_prints_no_place_for_code_of_eval() -> None:
    stack = "lineTotal@\ntotal@\nexecuteDispatch@\n@\nclick@[native code]"
    said = "undefined is not an object (evaluating 'line.price.amount')"
    assert seen(stack, said) == "javascript | TypeError | lineTotal | null amount"


def test_no_type_is_compared_where_a_page_has_no_own_frame() -> None:
    foreign = "_next/static/chunks/framework-5f05ac53d76fd24a.js:1:2"
    firefox = f"h@https://x.example/{foreign}"
    chrome = f"QuotaError: the store is full\n    at h (https://x.example/{foreign})"
    assert seen(firefox, "the store is full") == seen(chrome) == "javascript |  |  | the store is full"


@pytest.mark.parametrize(
    ("chrome", "firefox", "safari", "part"),
    [
        (
            "Failed to execute 'structuredClone' on 'Window': ()=>L could not be cloned.",
            "Function object could not be cloned.",
            "The object can not be cloned.",
            "clone",
        ),
        (
            "Failed to execute 'querySelector' on 'Document': '#17 >' is not a valid selector.",
            "Document.querySelector: '#17 >' is not a valid selector",
            "'#17 >' is not a valid selector.",
            "selector",
        ),
        (
            "Unexpected token '<', \"<!doctype \"... is not valid JSON",
            "JSON.parse: unexpected character at line 1 column 1 of the JSON data",
            "The string did not match the expected pattern.",
            "json",
        ),
    ],
)
def test_one_class_however_an_engine_says_it(chrome: str, firefox: str, safari: str, part: str) -> None:
    place = "https://x.example/src/save.js:3:9"
    said = [seen(f"save@{place}", firefox), seen(f"save@{place}", safari), seen(f"Error: {chrome}\n at save ({place})")]
    assert [each.rsplit(" | ", 1)[1] for each in said] == [part] * 3


def test_react_native_without_a_file() -> None:
    assert seen("h@1:2345\np@1:77", "x is undefined") == "javascript | TypeError | ?@main | null"
