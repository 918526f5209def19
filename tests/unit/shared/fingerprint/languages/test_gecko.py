"""Prints of Firefox and Safari."""

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


def test_react_native_without_a_file() -> None:
    assert seen("h@1:2345\np@1:77", "x is undefined") == "javascript | TypeError | ?@main | null"
