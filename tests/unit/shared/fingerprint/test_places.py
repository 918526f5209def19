"""Where the calls of a stack stand: function, file, line and column as they were printed."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from shared.fingerprint import v2
from tests.fixtures.errors.programs.storing import load

_LINE = re.compile(r"(?::| line )[1-9]\d*\)?$")

STACKS = {
    "node": (
        """
        TypeError: x
            at async Object.total [as sum] (/srv/app/src/cart.js:12:7)
            at /var/task/.next/server/app/(shop)/page.js:1:2345
            at eval (eval at run (https://x.example/a.js?v=1:3:4), <anonymous>:1:1)
            at Array.map (<anonymous>)
        """,
        [
            ("Object.total [as sum]", "/srv/app/src/cart.js", 12, 7),
            ("", "/var/task/.next/server/app/(shop)/page.js", 1, 2345),
            ("eval", "https://x.example/a.js?v=1", 3, 4),
            ("Array.map", "<anonymous>", 0, 0),
        ],
    ),
    "hermes": (
        "TypeError: x\n    at total (address at index.android.bundle:1:4242)",
        [("total", "index.android.bundle", 1, 4242)],
    ),
    "firefox": (
        "total/<@https://x.example/assets/index-abc.js:1:77\n@https://x.example/a.js line 3 > eval:1:1",
        [("total/<", "https://x.example/assets/index-abc.js", 1, 77), ("", "https://x.example/a.js", 0, 0)],
    ),
    "python": (
        'Traceback (most recent call last):\n  File "/srv/a.py", line 3, in outer\n'
        '  File "/srv/b.py", line 7, in inner\n'
        "ValueError: x",
        [("inner", "/srv/b.py", 7, 0), ("outer", "/srv/a.py", 3, 0)],
    ),
    "java": (
        "java.lang.IllegalStateException: x\n\tat shop.Cart.total(Cart.java:12)\n\tat shop.Main.main(Unknown Source)",
        [("shop.Cart.total", "Cart.java", 12, 0), ("shop.Main.main", "Unknown Source", 0, 0)],
    ),
    "go": (
        "panic: x\n\ngoroutine 1 [running]:\nmain.(*Cart).Total(0xc0)\n"
        "\t/srv/cart.go:21 +0x1d\nmain.main()\n\t/srv/main.go:9",
        [("main.(*Cart).Total(0xc0)", "/srv/cart.go", 21, 0), ("main.main()", "/srv/main.go", 9, 0)],
    ),
    "php": (
        """
        PHP Fatal error:  Uncaught SoldOut: x in /srv/app/Desk.php:20
        Stack trace:
        #0 /srv/app/Web.php(52): Desk->sell('17')
        #1 {main}
        """,
        [("Desk->sell", "/srv/app/Desk.php", 20, 0), ("{main}", "/srv/app/Web.php", 52, 0)],
    ),
    "perl": (
        "x at lib/Cart.pm line 4.\n\tCart::total(1) called at bin/run.pl line 9\n",
        [("Cart::total", "lib/Cart.pm", 4, 0), ("main", "bin/run.pl", 9, 0)],
    ),
    "ruby": (
        "cart.rb:3:in 'Cart#total': x (ArgumentError)\n\tfrom run.rb:9:in '<main>'",
        [("Cart#total", "cart.rb", 3, 0), ("<main>", "run.rb", 9, 0)],
    ),
    "dotnet": (
        "System.Exception: x\n   at Shop.Cart.Total(Int32 n) in C:\\src\\Cart.cs:line 12\n"
        "   at Shop.Main() in /src/Main.cs:line 3",
        [("Shop.Cart.Total(Int32 n)", "C:\\src\\Cart.cs", 12, 0), ("Shop.Main()", "/src/Main.cs", 3, 0)],
    ),
    "elixir": (
        "** (RuntimeError) x\n    (shop 0.1.0) lib/cart.ex:4: Cart.total/1",
        [("Cart.total/1", "lib/cart.ex", 4, 0)],
    ),
    "rust": (
        "thread 'main' panicked at src/main.rs:5:9:\nx\nstack backtrace:\n"
        "   0: shop::total\n             at ./src/cart.rs:7:13\n",
        [("shop::total", "./src/cart.rs", 7, 13)],
    ),
}


@pytest.mark.parametrize("name", STACKS)
def test_each_frame_keeps_the_place_that_was_printed(name: str) -> None:
    stack, expected = STACKS[name]
    reading = v2.read("", dedent(stack).strip("\n"))
    assert [tuple(reading.language.place(call)) for each in reading.thrown for call in each.calls] == expected


def test_no_line_that_the_corpus_prints_is_lost() -> None:
    frames, lost = 0, []
    for error in load(Path(__file__).parents[3] / "fixtures" / "errors"):
        reading = v2.read(error["message"], error["stack"])
        for call in (call for each in reading.thrown for call in each.calls if _LINE.search(call)):
            frames += 1
            place = reading.language.place(call)
            if not (place.file and place.line):
                lost.append(call)
    assert frames > 2000
    assert lost == []
