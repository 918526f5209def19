"""Prints of Python."""

from tests.unit.shared.fingerprint.languages.examples import seen


def test_the_innermost_own_frame_is_printed_last() -> None:
    stack = """
        Traceback (most recent call last):
          File "/srv/app/main.py", line 9, in <module>
            run()
          File "/srv/app/orders/views.py", line 7, in show
            return {"total": sum(price(line) for line in lines)}
                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          File "/srv/app/orders/views.py", line 7, in <genexpr>
            return {"total": sum(price(line) for line in lines)}
          File "/srv/app/prices.py", line 3, in price
            return line["price"]
                   ~~~~^^^^^^^^^
          File "/usr/lib/python3.11/collections/__init__.py", line 1, in __getitem__
            raise KeyError(key)
        KeyError: 'price'
    """
    assert seen(stack, "'price'") == "python | KeyError | price@prices.py show@orders/views.py | key price"


def test_what_stands_after_the_header_is_the_message() -> None:
    stack = """
        Traceback (most recent call last):
          File "/app/db.py", line 15, in insert
            cur.execute(q)
          File "/v/lib/python3.11/site-packages/psycopg/cursor.py", line 97, in execute
            raise ex.with_traceback(None)
        psycopg.errors.UniqueViolation: duplicate key value violates unique constraint "users_email_key"
        DETAIL:  Key (email)=(a@b.example) already exists.
    """
    assert seen(stack).startswith("python | UniqueViolation | insert@db.py | duplicate key value violates")


def test_pydantic_names_the_field() -> None:
    stack = """
        Traceback (most recent call last):
          File "/app/orders.py", line 15, in place
            Order(**data)
        pydantic_core._pydantic_core.ValidationError: 1 validation error for Order
        count
          Input should be a valid integer [type=int_parsing, input_value='x', input_type=str]
    """
    said = "1 validation error for Order\ncount\n  Input should be a valid integer"
    assert seen(stack, said) == "python | ValidationError | place@orders.py | invalid Order\ncount"


def test_a_chain_has_its_cause_first() -> None:
    stack = """
        Traceback (most recent call last):
          File "/app/prices.py", line 3, in price
            return line["price"]
        KeyError: 'price'

        The above exception was the direct cause of the following exception:

        Traceback (most recent call last):
          File "/app/orders.py", line 7, in total
            raise PricingError(f"order {id} has no price") from error
        shop.errors.PricingError: order ord_8812 has no price
    """
    assert seen(stack) == "python | PricingError < KeyError | price@prices.py total@orders.py | order * has no price"


def test_a_group_with_one_error_is_that_error() -> None:
    stack = """
          + Exception Group Traceback (most recent call last):
          |   File "/v/lib/python3.11/site-packages/starlette/_utils.py", line 87, in collapse
          |     yield
          | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
          +-+---------------- 1 ----------------
            | Traceback (most recent call last):
            |   File "/app/orders.py", line 15, in show
            |     raise KeyError("price")
            | KeyError: 'price'
            +------------------------------------
    """
    alone = """
        Traceback (most recent call last):
          File "/app/orders.py", line 15, in show
            raise KeyError("price")
        KeyError: 'price'
    """
    said = "unhandled errors in a TaskGroup (1 sub-exception)"
    assert seen(stack, said) == seen(alone, "'price'") == "python | KeyError | show@orders.py | key price"


def test_a_group_with_several_errors_names_their_types() -> None:
    stack = """
          + Exception Group Traceback (most recent call last):
          |   File "/app/main.py", line 3, in load
          |     async with TaskGroup() as group:
          | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
          +-+---------------- 1 ----------------
            | Traceback (most recent call last):
            |   File "/app/a.py", line 1, in one
            | TimeoutError: late
            +---------------- 2 ----------------
            | Traceback (most recent call last):
            |   File "/app/a.py", line 2, in two
            | KeyError: 'x'
            +------------------------------------
    """
    assert seen(stack).startswith("python | ExceptionGroup < KeyError < TimeoutError |")


def test_a_log_line_before_and_notes_after() -> None:
    stack = """
        2026-01-15 10:30:00,123 ERROR shop: could not import
        Traceback (most recent call last):
          File "C:\\\\shop\\\\jobs\\\\nightly.py", line 3, in load
            raise RuntimeError("warehouse 17 is closed")
        RuntimeError: warehouse 17 is closed
        while importing row 3
        of: the nightly file
    """
    assert seen(stack) == "python | RuntimeError | load@nightly.py | warehouse * is closed"


def test_a_syntax_error() -> None:
    stack = """
          File "/app/plugin.py", line 7
            def (:
                ^
        SyntaxError: invalid syntax
    """
    assert seen(stack) == "python | SyntaxError | ?@plugin.py | invalid syntax"
