"""Prints of Elixir."""

from tests.unit.shared.fingerprint.languages.examples import seen


def test_a_process_that_ended() -> None:
    stack = """
        10:30:00.123 [error] GenServer Shop.Cart terminating
        ** (KeyError) key :price not found in: %{id: 3}
            (shop 0.1.0) lib/shop/cart.ex:12: Shop.Cart.total/1
            (shop 0.1.0) lib/shop/cart.ex:8: anonymous fn/2 in Shop.Cart.sum/1
            (stdlib 4.0) gen_server.erl:1120: :gen_server.try_dispatch/4
        Last message: :total
    """
    assert seen(stack) == "elixir | KeyError | Shop.Cart.total@cart.ex Shop.Cart.sum@cart.ex | key price"


def test_an_erlang_error() -> None:
    stack = """
        ** (MatchError) no match of right hand side value: {:error, 17}
            lib/shop/cart.ex:12: Shop.Cart.total/1
    """
    assert seen(stack) == "elixir | MatchError | Shop.Cart.total@cart.ex | no match"
