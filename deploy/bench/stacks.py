"""Stacks of 20 lines as the runtimes of each language print them, every one with other functions, files and lines."""

from random import Random
from typing import NamedTuple

LINES = 20


class Printer(NamedTuple):
    """How a language prints: what stands above the frames, a frame of the application, one of a library (of as many
    lines), and what stands below. `{function}`, `{file}`, `{line}` and `{message}` are filled in."""

    head: str
    own: str
    foreign: str
    tail: str = ""


PRINTERS = {
    "python": Printer(
        "Traceback (most recent call last):\n",
        '  File "/srv/app/shop/{file}.py", line {line}, in {function}\n    return {function}(order, session)\n',
        '  File "/usr/lib/python3.11/site-packages/web/{file}.py", line {line}, in call\n    await call(scope, send)\n',
        "ValueError: {message}\n",
    ),
    "node": Printer(
        "TypeError: {message}\n",
        "    at async {function} (/srv/app/src/{file}.ts:{line}:15)\n",
        "    at Layer.handle [as handle_request] (/srv/app/node_modules/express/lib/{file}.js:{line}:5)\n",
    ),
    "firefox": Printer(
        "",
        "{function}@https://shop.example/assets/{file}-D3kf9xQ2.js:{line}:1027\n",
        "commit@https://shop.example/node_modules/react-dom/{file}.js:{line}:33\n",
    ),
    "java": Printer(
        "java.lang.IllegalStateException: {message}\n",
        "\tat com.example.shop.{file}.{function}({file}.java:{line})\n",
        "\tat org.springframework.web.servlet.{file}.doDispatch({file}.java:{line})\n",
    ),
    "go": Printer(
        "panic: {message}\n\ngoroutine 18 [running]:\n",
        "example.com/shop/{file}.(*Cart).{function}(0xc000112000, 0x2a)\n\t/srv/app/{file}/cart.go:{line} +0x1d\n",
        "net/http.(*conn).serve(0xc000112000)\n\t/usr/local/go/src/net/http/{file}.go:{line} +0x5f4\n",
    ),
    "ruby": Printer(
        "/srv/app/lib/cart.rb:7:in `total': {message} (ArgumentError)\n",
        "\tfrom /srv/app/lib/{file}.rb:{line}:in `{function}'\n",
        "\tfrom /usr/lib/ruby/gems/3.2.0/gems/rack-3.0.8/lib/rack/{file}.rb:{line}:in `call'\n",
    ),
    "php": Printer(
        "PHP Fatal error:  Uncaught RuntimeException: {message} in /srv/app/src/Cart.php:7\nStack trace:\n",
        "#0 /srv/app/src/{file}.php({line}): App\\Cart->{function}()\n",
        "#0 /srv/app/vendor/symfony/http-kernel/{file}.php({line}): Symfony\\Kernel->handle(Object(Request), 1)\n",
        "#17 {{main}}\n  thrown in /srv/app/src/Cart.php on line 7\n",
    ),
    "dotnet": Printer(
        "System.InvalidOperationException: {message}\n",
        "   at Shop.{file}.{function}(Int32 id, String name) in /srv/app/{file}.cs:line {line}\n",
        "   at Microsoft.AspNetCore.Mvc.{file}.Invoke(HttpContext context)\n",
    ),
    "rust": Printer(
        "thread 'main' panicked at src/cart.rs:7:5:\n{message}\nstack backtrace:\n",
        "   3: shop::{file}::{function}\n             at ./src/{file}.rs:{line}:9\n",
        "   1: core::panicking::panic_fmt\n             at /rustc/82e1608df/library/core/src/{file}.rs:{line}:14\n",
    ),
    "elixir": Printer(
        "** (RuntimeError) {message}\n",
        "    (shop 0.1.0) lib/shop/{file}.ex:{line}: Shop.Cart.{function}/2\n",
        "    (phoenix 1.7.10) lib/phoenix/{file}.ex:{line}: Phoenix.Router.call/2\n",
    ),
    "perl": Printer(
        "{message} at /srv/app/lib/Cart.pm line 7.\n",
        "\tShop::Cart::{function}('HASH(0x55d0)') called at /srv/app/lib/{file}.pm line {line}\n",
        "\tPlack::Util::run_app('CODE(0x55d0)') called at /usr/share/perl5/Plack/{file}.pm line {line}\n",
    ),
}

_MESSAGES = (
    "order {0} has no lines",
    "cannot charge card of customer {0}: limit reached",
    "connection to 10.0.3.{1}:5432 refused after {0} ms",
    "unexpected status 503 from https://pay.example/v1/charges/{0}",
    "session {0} is not valid any more",
)
_VERBS = ("load", "save", "total", "apply", "charge", "render", "check", "merge", "send", "parse")
_NOUNS = ("Order", "Cart", "Invoice", "Session", "Coupon", "Customer", "Stock", "Refund")
_FILES = ("orders", "billing", "checkout", "stock", "session", "mailer", "export", "search", "admin", "coupons")
_OWN = 0.6
"""How many of the frames are the application's own."""


class StackMaker:
    """An endless row of different stacks; the same `seed` gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - no secret

    def stack(self, language: str) -> tuple[str, str]:
        """A message and the stack of `LINES` lines that a language prints with it."""
        printer, random = PRINTERS[language], self._random
        message = random.choice(_MESSAGES).format(random.randrange(1_000_000), random.randrange(256))
        around = printer.head + printer.tail
        frames = (LINES - around.count("\n")) // printer.own.count("\n")
        lines = [self._frame(printer.own if random.random() < _OWN else printer.foreign) for _ in range(frames)]
        return message, f"{printer.head}{{frames}}{printer.tail}".format(message=message, frames="".join(lines))

    def _frame(self, template: str) -> str:
        random = self._random
        return template.format(
            function=random.choice(_VERBS) + random.choice(_NOUNS),
            file=random.choice(_FILES),
            line=random.randrange(1, 2_000),
        )
