"""Prints of V8, Node, Deno, Bun and Hermes."""

import pytest

from shared.fingerprint.v2.languages.javascript import plain
from tests.unit.shared.fingerprint.languages.examples import seen


def test_the_apis_own_example() -> None:
    stack = """
        TypeError: Cannot read properties of undefined
         at getUser (/app/src/users.ts:42:15)
         at handler (/app/src/api/route.ts:10:3)
    """
    said = "Cannot read properties of undefined (reading 'id')"
    assert seen(stack, said) == "javascript | TypeError | getUser@users handler@api/route | null id"


def test_an_uncaught_error_with_its_source_line() -> None:
    stack = """
        /app/src/cart.js:12
          return cart.lines.length;
                      ^

        TypeError: Cannot read properties of null (reading 'length')
            at countLines (/app/src/cart.js:12:15)
            at Module._compile (node:internal/modules/cjs/loader:1521:14)

        Node.js v20.1.0
    """
    assert seen(stack) == "javascript | TypeError | countLines@cart | null length"


def test_a_code_says_which_error_it_is() -> None:
    stack = """
        TypeError [ERR_INVALID_ARG_TYPE]: The "path" argument must be of type string. Received an instance of Object
            at Object.readFileSync (node:fs:441:42)
            at readNamed (file:///srv/app/load.mjs:9:12)
    """
    assert seen(stack) == "javascript | TypeError | readNamed@load | ERR_INVALID_ARG_TYPE"


def test_a_promise_that_nobody_caught() -> None:
    stack = """
        Uncaught (in promise) NotFoundError: order 17 is gone
            at loadOrder (https://shop.example.org/src/orders.js:3:9)
    """
    assert seen(stack) == "javascript |  | loadOrder@orders | order * is gone"


def test_next_with_webpack() -> None:
    stack = """
        Error: boom
            at Page (webpack-internal:///(rsc)/./src/app/orders/page.tsx:21:11)
            at eval (webpack-internal:///(rsc)/./node_modules/react/x.js:1:1)
    """
    assert seen(stack) == "javascript |  | Page@orders/page | boom"


def test_next_with_turbopack_and_routes_with_a_parameter() -> None:
    stack = """
        Error: boom
            at GET (/var/task/.next/server/chunks/[root-of-the-server]__8f3e2a._.js:123:9)
            at async handler (/var/task/.next/server/app/api/orders/[id]/route.js:10:20)
            at async AppRouteRouteModule.do (/var/task/node_modules/next/dist/compiled/x.js:1:1)
    """
    assert seen(stack) == "javascript | Error | GET@[root-of-the-server] handler@orders/[id]/route | boom"


def test_a_minified_bundle_has_its_file_and_the_whole_message() -> None:
    stack = """
        Error: cart "spring sale" of 3 items is gone
            at tq (https://x.example/_next/static/chunks/app/page-9f8e7d6c5b4a3f21.js:1:23456)
            at e (https://x.example/_next/static/chunks/app/page-9f8e7d6c5b4a3f21.js:1:3456)
    """
    assert seen(stack) == 'javascript |  | ?@page | cart "spring sale" of <n> items is gone'


def test_a_file_that_holds_everything_says_nothing_about_the_place() -> None:
    before = "Error: gone\n    at u (https://x.example/static/js/main.3050d6e8.js:1:279)"
    vite = "Error: gone\n    at ne (https://x.example/assets/index-CyzIjG1E.js:10:361)"
    turbopack = "Error: gone\n    at o (https://x.example/_next/static/chunks/098enwucdjtso.js?dpl=dpl_7Qm2:1:449)"
    assert seen(before) == seen(vite) == seen(turbopack) == "javascript |  | ? | gone"


def test_a_method_keeps_its_name_in_a_bundle_and_a_caller_does_not_count() -> None:
    stack = """
        TypeError: Cannot read properties of undefined (reading 'map')
            at l.merge (https://x.example/static/js/main.3050d6e8.js:1:420)
            at Object.onSave (https://x.example/static/js/main.3050d6e8.js:1:3331)
    """
    assert seen(stack) == "javascript | TypeError | merge | null map"
    inner = stack.replace("l.merge", "u")
    assert seen(inner) == "javascript | TypeError | ? | null map"


def test_a_short_name_in_a_file_with_a_hash_is_a_bundles() -> None:
    stack = "Error: gone\n    at b (https://x.example/assets/cart-CyzIjG1E.js:10:58)\n    at load (https://x.example/a.js:1:2)"
    assert seen(stack) == "javascript |  | ?@cart | gone"


def test_next_16_minifies_its_server() -> None:
    stack = """
        OrderError: export of ex_1 failed
            at o (/srv/app/.next/server/chunks/[root-of-the-server]__0a9qy4c4c8xa2._.js:1:665)
            at async a (/srv/app/.next/server/chunks/_0y8lsi-_luos0._.js:1:95)
            at async r0.renderToResponse (/srv/app/node_modules/next/dist/compiled/x.js:5:14399)
    """
    assert seen(stack) == "javascript | OrderError | ?@<chunk> | export of <n> failed"


def test_of_a_minified_server_the_route_counts_as_shared_modules_are_in_the_file_of_any_route() -> None:
    before = """
        OrderError: order or_1 is not paid
            at h (/srv/app/.next/server/app/server/orders/page.js:1:4285)
            at f (/srv/app/.next/server/app/api/payments/route.js:1:514)
            at async r0.renderToResponse (/srv/app/node_modules/next/dist/compiled/x.js:5:14399)
    """
    after = before.replace("server/orders/page.js:1:4285", "server/invoices/page.js:1:4082").replace("at h", "at k")
    assert seen(before) == seen(after) == "javascript | OrderError | ?@payments/route | order <n> is not paid"


def test_a_number_that_is_a_name_stays() -> None:
    stack = """
        Error: Minified React error #418; visit https://react.dev/errors/418 for the full message
            at tq (https://x.example/_next/static/chunks/app/page-9f8e7d6c5b4a3f21.js:1:23456)
            at e.render (https://x.example/_next/static/chunks/app/page-9f8e7d6c5b4a3f21.js:1:3456)
    """
    assert seen(stack) == "javascript | Error | ?@page | react #418"


@pytest.mark.parametrize(
    "file",
    [
        "page-9f8e7d6c5b4a3f21.js",
        "page-DbQ2xY9p.js",
        "page.8a7b6c.js",
        "page.9ab12f3d.chunk.js",
        "page-ABCDEFGH.js",
        "page.min.js?v=12",
        "page-1.2.3.min.js",
        "page.js",
        "page.tsx",
    ],
)
def test_hashes_of_bundlers_leave_the_name(file: str) -> None:
    assert seen(f"Error: x\n    at total (/srv/dist/{file}:10:5)") == "javascript | Error | total@page | x"


def test_a_word_is_no_hash() -> None:
    assert "total@cart-shipping" in seen("Error: x\n    at total (/srv/src/cart-shipping.js:10:5)")


def test_react_native_with_hermes() -> None:
    stack = """
        TypeError: undefined is not a function
            at value (address at index.android.bundle:1:293812)
            at anonymous (native)
            at onPress (address at index.android.bundle:1:3938)
    """
    assert seen(stack) == "javascript | TypeError | ?@index | call"


def test_react_native_in_development() -> None:
    stack = """
        TypeError: Cannot read property 'id' of undefined
            at CartScreen (http://localhost:8081/index.bundle//&platform=android&dev=true&minify=false:123456:17)
    """
    assert seen(stack) == "javascript | TypeError | CartScreen@index | null id"


def test_only_some_printers_show_causes_so_they_do_not_count() -> None:
    stack = """
        Error: no price for ord_8812
            at priceOf (/app/src/price.js:3:9) {
          [cause]: SyntaxError: Unexpected token '<', "<html>" is not valid JSON
              at JSON.parse (<anonymous>)
              at loadRates (/app/src/rates.js:9:15)
        }
    """
    without = stack.partition(" {")[0]
    assert seen(stack) == seen(without) == "javascript | Error | priceOf@price | no price for *"


def test_the_cause_counts_where_the_error_says_nothing() -> None:
    stack = """
        TypeError: fetch failed
            at node:internal/deps/undici/undici:13510:13
            at process.processTicksAndRejections (node:internal/process/task_queues:105:5) {
          [cause]: ConnectError: connect ECONNREFUSED 127.0.0.1:9
              at TCPConnectWrap.afterConnect (node:net:1607:16) {
            errno: -111
          }
        }
    """
    said = "fetch failed: connect ECONNREFUSED <host>"
    assert seen(stack) == f"javascript | TypeError < ConnectError |  | {said}"


def test_frames_of_an_sdk_are_no_frames() -> None:
    stack = """
        Error: x
            at wrapped (/app/node_modules/@sentry/node/build/x.js:3:9)
            at total (/app/src/cart.js:3:9)
    """
    assert seen(stack) == "javascript | Error | total@cart | x"


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("async Object.total", "total"),
        ("new Cart", "Cart"),
        ("Cart.total [as run]", "total"),
        ("get balance [as balance]", "balance"),
        ("Object.<anonymous>", ""),
        ("total/<", ""),
        ("load/this.refresh", "refresh"),
        ("setTimeout handler*poll", "poll"),
        ("Shop.Cart.#total", "total"),
    ],
)
def test_engines_name_one_function_in_many_ways(printed: str, name: str) -> None:
    assert plain(printed) == name


@pytest.mark.parametrize(
    ("messages", "group"),
    [
        (
            [
                "Cannot read properties of undefined (reading 'id')",
                "Cannot read property 'id' of undefined",
                "undefined is not an object (evaluating 'a.user.id')",
                'can\'t access property "id", a.user is undefined',
            ],
            "null id",
        ),
        (
            ["a.b.total is not a function", "a.total is not a function. (In 'a.total()', 'a.total' is undefined)"],
            "call total",
        ),
        (["cart is not defined", "Can't find variable: cart", "Property 'cart' doesn't exist"], "name cart"),
        (["Maximum call stack size exceeded", "Maximum call stack size exceeded.", "too much recursion"], "recursion"),
        (["Failed to fetch", "Load failed", "NetworkError when attempting to fetch resource."], "fetch"),
        (["Unexpected token < in JSON at position 0", "Unexpected token '<', \"<a>\" is not valid JSON"], "json"),
    ],
)
def test_engines_say_one_thing_in_many_ways(messages: list[str], group: str) -> None:
    assert {seen("", message).rpartition(" | ")[2] for message in messages} == {group}
