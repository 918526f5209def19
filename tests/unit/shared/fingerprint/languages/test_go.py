"""Prints of Go."""

import pytest

from shared.fingerprint.v2.languages.go import plain
from tests.unit.shared.fingerprint.languages.examples import seen

CRASH = """
    panic: runtime error: index out of range [5] with length 3

    goroutine 34 [running]:
    example.org/shop/cart.(*Cart).Total(0xc000, {0x1, 0x2})
    \t/app/cart/cart.go:12 +0x1d
    main.handler({0x7}, 0x8)
    \t/app/web.go:10 +0x33
    net/http.HandlerFunc.ServeHTTP(0x0?, {0x7?, 0x0?}, 0x0?)
    \t/usr/local/go/src/net/http/server.go:2084 +0x2f
    created by net/http.(*Server).Serve in goroutine 1
    \t/usr/local/go/src/net/http/server.go:3071 +0x4db
    exit status 2
"""
ONE = "go | panic | Cart.Total@cart.go handler@web.go | runtime error index out of range * with length *"


def test_a_crash() -> None:
    assert seen(CRASH) == ONE


def test_a_recovered_panic_has_the_handler_above_it() -> None:
    stack = """
        goroutine 34 [running]:
        runtime/debug.Stack()
        \t/usr/local/go/src/runtime/debug/stack.go:26 +0x5e
        main.recovered.func1()
        \t/app/web.go:50 +0x1e5
        panic({0x5effc0?, 0x80cb50?})
        \t/usr/local/go/src/runtime/panic.go:860 +0x13a
        example.org/shop/cart.(*Cart).Total(...)
        \t/app/cart/cart.go:13
        main.handler(...)
        \t/app/web.go:11
    """
    assert seen(stack, "runtime error: index out of range [7] with length 2") == ONE


def test_pkg_errors() -> None:
    stack = """
        open /etc/shop.yml: no such file or directory
        main.readConfig
        \t/app/config.go:22
        runtime.main
        \t/usr/local/go/src/runtime/proc.go:250
    """
    assert seen(stack, "read config") == "go | Error | readConfig@config.go | read config"


def test_a_panic_in_a_panic_says_the_last() -> None:
    stack = """
        panic: first [recovered]
        \tpanic: second

        goroutine 1 [running]:
        main.close()
        \t/app/a.go:3 +0x1
    """
    assert seen(stack) == "go | panic | close@a.go | second"


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("cart.(*Cart).Total.func1(0xc0, ...)", "Cart.Total"),
        ("cart.Sum[...](...)", "Sum"),
        ("cart.Cart.Total-fm()", "Cart.Total"),
        ("main.main()", ""),
        ("cart.Load.gowrap1()", "Load"),
    ],
)
def test_closures_receivers_and_generics(printed: str, name: str) -> None:
    assert plain(printed) == name
