"""Prints of PHP."""

from tests.unit.shared.fingerprint.languages.examples import seen

ONE = "php | SoldOut | Desk.sell@Desk.php Web.show@Web.php | show * is sold out"


def test_an_uncaught_error() -> None:
    stack = """
        PHP Fatal error:  Uncaught Museum\\SoldOut: show 17 is sold out in /srv/app/Desk.php:20
        Stack trace:
        #0 /srv/app/Web.php(52): Museum\\Desk->sell('17')
        #1 /srv/vendor/laravel/framework/Router.php(69): Museum\\Web->show()
        #2 {main}
          thrown in /srv/app/Desk.php on line 20
    """
    assert seen(stack) == ONE


def test_monolog() -> None:
    stack = r"""
        [2026-01-15 10:30:00] production.ERROR: show 3 is sold out {"exception":"[object] (Museum\\SoldOut(code: 0): show 3 is sold out at /srv/app/Desk.php:20)
        [stacktrace]
        #0 /srv/app/Web.php(52): Museum\\Desk->sell()
        #1 /srv/vendor/laravel/framework/Router.php(69): Museum\\Web->show()
        #2 {main}
        "}
    """  # noqa: E501 (one line, as Monolog prints it)
    assert seen(stack) == ONE


def test_the_inner_error_comes_first() -> None:
    stack = """
        JsonException: Syntax error in /app/Import.php:10
        Stack trace:
        #0 /app/Import.php(10): json_decode('{')
        #1 /app/Import.php(20): Import->decode()
        #2 {main}

        Next LogicException: import of 17 failed in /app/Import.php:22
        Stack trace:
        #0 /app/run.php(3): Import->run()
        #1 {main}
    """
    frames = "Import.decode@Import.php Import.run@Import.php"
    assert seen(stack) == f"php | LogicException < JsonException | {frames} | import of * failed"


def test_a_trace_alone() -> None:
    stack = (
        "#0 [internal function]: Shop\\{closure}(1)\n#1 /app/Cart.php(3): array_map(Object(Closure), Array)\n#2 {main}"
    )
    assert seen(stack, "x").startswith("php | Error |")


def test_frames_of_other_languages_are_not_php() -> None:
    assert seen("#0      CartPage.total (package:shop/cart.dart:12:33)", "x") == "none | Error |  | x"
