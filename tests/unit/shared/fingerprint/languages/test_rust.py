"""Prints of Rust."""

import pytest

from shared.fingerprint.v2.languages.rust import plain
from tests.unit.shared.fingerprint.languages.examples import seen

TRACE = """
stack backtrace:
   0: rust_begin_unwind
             at /rustc/5980761/library/std/src/panicking.rs:689:5
   1: core::panicking::panic_fmt
   2: shop::cart::Cart::total
             at ./src/cart.rs:10:66
   3: shop::main::{{closure}}
   4: <alloc::boxed::Box<F,A> as core::ops::function::Fn<Args>>::call
"""
ONE = "rust | panic | Cart::total | index out of bounds the len is * but the index is *"


def test_panics_before_and_since_1_73() -> None:
    said = "index out of bounds: the len is 3 but the index is 5"
    assert seen(f"thread 'main' panicked at src/cart.rs:10:66:\n{said}{TRACE}") == ONE
    assert seen(f"thread 'main' panicked at '{said}', src/cart.rs:10:66{TRACE}") == ONE


def test_without_a_backtrace_the_place_of_the_panic_counts() -> None:
    stack = """
        thread 'tokio-runtime-worker' panicked at src/orders.rs:42:17:
        state 17
        note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    """
    assert seen(stack) == "rust | panic | ?@orders.rs | state <n>"


def test_anyhow() -> None:
    stack = """
        Error: could not load the tariff

        Caused by:
            0: reading /etc/x.toml
            1: No such file or directory (os error 2)

        Stack backtrace:
           0: anyhow::error::<impl core::convert::From<E> for anyhow::Error>::from
           1: shop::config::load
                     at ./src/config.rs:12:5
    """
    assert seen(stack) == "rust | Error | config::load | could not load the *"


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("shop::cart::Cart::total::h1f0c6d3e7b1a4a3e", "Cart::total"),
        ("<shop::Cart as shop::Total>::total", "Cart::total"),
        ("shop::cart::sum::{{closure}}", "cart::sum"),
        ("shop::cart::first<alloc::vec::Vec<u8>>", "cart::first"),
        ("shop::main", ""),
    ],
)
def test_traits_closures_and_generics(printed: str, name: str) -> None:
    assert plain(printed) == name
