"""Prints of .NET and Mono."""

import pytest

from shared.fingerprint.v2.languages.dotnet import plain
from tests.unit.shared.fingerprint.languages.examples import seen


def test_async_methods_and_closures() -> None:
    stack = """
        System.InvalidOperationException: Sequence contains no elements
           at System.Linq.Enumerable.First[TSource](IEnumerable`1 source)
           at Shop.Orders.OrderService.<LoadAsync>d__5.MoveNext() in /src/Orders/OrderService.cs:line 42
        --- End of stack trace from previous location ---
           at Shop.Web.OrdersController.<>c__DisplayClass3_0.<Get>b__0(Order o)
           at Microsoft.AspNetCore.Mvc.Infrastructure.ActionMethodExecutor.Execute()
    """
    frames = "OrderService.LoadAsync OrdersController.Get"
    assert seen(stack) == f"dotnet | InvalidOperationException | {frames} | sequence contains no elements"


def test_inner_errors() -> None:
    stack = r"""
        System.AggregateException: One or more errors occurred. (bad)
         ---> System.InvalidOperationException: bad
         ---> System.FormatException: worse
           at Shop.A.Parse(String s) in C:\src\A.cs:line 3
           --- End of inner exception stack trace ---
           at Shop.B.Load() in C:\src\B.cs:line 8
           --- End of inner exception stack trace ---
           at System.Threading.Tasks.Task.Wait()
           at Shop.Program.Run() in C:\src\P.cs:line 9
    """
    types = "AggregateException < InvalidOperationException < FormatException"
    assert seen(stack) == f"dotnet | {types} | A.Parse B.Load | one or more errors occurred bad"


def test_mono() -> None:
    stack = """
        Unhandled Exception:
        System.NullReferenceException: Object reference not set to an instance of an object
          at Harbour.Port.Office.TugName (Harbour.Port.Ship s) [0x00001] in /src/Port.cs:11
          at Harbour.Port.Program+<Main>c__AnonStorey0.<>m__1 () [0x00007] in <b8b5>:0
    """
    said = "Object reference not set to an instance of an object"
    assert seen(stack) == f"dotnet | NullReferenceException | Office.TugName | {said.lower()}"


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("Shop.Cart.Total", "Cart.Total"),
        ("Shop.Cart.<LoadAsync>d__5.MoveNext", "Cart.LoadAsync"),
        ("Shop.Cart+<>c.<Total>b__0_0", "Cart.Total"),
        ("Shop.Cart.<Total>g__Inner|0_1", "Cart.Total"),
        ("Shop.Box`1[T].At", "Box.At"),
        ("Shop.Cart..ctor", "Cart.ctor"),
        ("Program.<Main>$", ""),
    ],
)
def test_names_that_the_compiler_made(printed: str, name: str) -> None:
    assert plain(printed) == name
