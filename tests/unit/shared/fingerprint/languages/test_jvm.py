"""Prints of Java, Kotlin, Scala and Android."""

import pytest

from shared.fingerprint.v2.languages.jvm import plain
from tests.unit.shared.fingerprint.languages.examples import seen


def test_a_chain_in_a_log_of_spring() -> None:
    stack = """
        2026-01-15 10:30:00.123 ERROR 1 --- [nio-8080-exec-1] c.s.Web : request failed
        com.shop.BookingException: month could not be closed
        \tat com.shop.Orders.close(Orders.java:31) ~[shop.jar:1.2.3]
        \tat org.springframework.web.Filter.doFilter(Filter.java:22) ~[spring-web-6.jar:6]
        Caused by: java.lang.NumberFormatException: For input string: "n/a"
        \tat java.base/java.lang.Integer.parseInt(Integer.java:652)
        \tat com.shop.Prices.parse(Prices.java:9) ~[shop.jar:1.2.3]
        \t... 12 common frames omitted
    """
    frames = "Prices.parse Orders.close"
    assert seen(stack) == f"jvm | BookingException < NumberFormatException | {frames} | month could not be closed"


def test_a_thread_and_a_helpful_null_pointer() -> None:
    stack = """
        Exception in thread "main" java.lang.NullPointerException: Cannot invoke "String.trim()" because "<l4>" is null
        \tat com.shop.Orders$Address.zip(Orders.java:31)
    """
    assert seen(stack) == "jvm | NullPointerException | Orders.Address.zip | null String.trim()"


def test_suppressed_errors_do_not_count() -> None:
    stack = """
        com.shop.LockException: no lock
        \tat com.shop.Orders.lock(Orders.java:3)
        \tSuppressed: java.io.IOException: closed
        \t\tat com.shop.Files.close(Files.java:9)
        \t\t... 3 more
        \tat com.shop.Main.main(Main.java:1)
    """
    assert seen(stack) == "jvm | LockException | Orders.lock | no lock"


def test_android() -> None:
    stack = """
        FATAL EXCEPTION: main
        Process: com.shop, PID: 123
        java.lang.RuntimeException: Unable to start activity ComponentInfo{com.shop/com.shop.Main}
        \tat android.app.ActivityThread.performLaunchActivity(ActivityThread.java:3449)
        Caused by: java.lang.NullPointerException: Attempt to invoke virtual method 'int String.length()' on a null
        \tat com.shop.Cart.total(Cart.kt:33)
    """
    assert (
        seen(stack)
        == "jvm | RuntimeException < NullPointerException | Cart.total | unable to start activity ComponentInfo *"
    )


def test_shortened_names_leave_the_message() -> None:
    stack = """
        java.lang.IllegalStateException: cart 17 is empty
        \tat a.b.c.d(SourceFile:12)
    """
    assert seen(stack) == "jvm | IllegalStateException | ? | cart <n> is empty"


@pytest.mark.parametrize(
    ("path", "method", "name"),
    [
        ("shop.Cart", "lambda$total$0", "Cart.total"),
        ("shop.Cart$1", "run", "Cart"),
        ("shop.CartKt", "total$lambda$0", "CartKt.total"),
        ("shop.CartKt$total$1", "invoke", "CartKt.total"),
        ("shop.CartKt$load$2", "invokeSuspend", "CartKt.load"),
        ("shop.Cart$Companion", "open", "Cart.open"),
        ("shop.Cart$", "$anonfun$total$1$adapted", "Cart.total"),
        ("shop.Cart$$anonfun$total$1", "apply", "Cart.apply"),
        ("shop.Cart$$EnhancerBySpringCGLIB$$1a2b", "total", "Cart.total"),
        ("shop.Cart$Line", "price", "Cart.Line.price"),
        ("shop.Cart", "<init>", "Cart.<init>"),
    ],
)
def test_compilers_name_closures_in_many_ways(path: str, method: str, name: str) -> None:
    assert plain(path, method) == (name, False)
