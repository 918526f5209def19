"""What of a message names this one occurrence, and what names the error."""

import pytest

from shared.fingerprint.v2.messages import normalised, words


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        ("order ord_8Xk2Qp9a is gone", "order * is gone"),
        ("customer 17 (Ada Lovelace) not found", "customer * not found"),
        ("Ada Lovelace has too many books: 17", "* has too many *"),
        ("no stock of sku-17 for ada@example.org at 10.0.3.7:5432", "no stock of * for * at *"),
        ("could not lock 'the whole shelf' within 12.5ms", "could not lock * within *"),
        ('column "price" does not exist', "column price does not exist"),
        ("Request failed with status code 404 (request 17)", "request failed with status code 404 request *"),
        ("404 Not Found", "http 404 not found"),
        ("connect ECONNREFUSED 127.0.0.1:9", "connect ECONNREFUSED *"),
        ("SQLSTATE[23000]: Integrity constraint violation: 1062", "SQLSTATE 23000 integrity constraint violation *"),
        ("ORA-00942: table or view does not exist", "ORA-00942 table or view does not exist"),
        ("Minified error #418; visit https://x.example/418", "minified error #418 visit *"),
        ("14 UNAVAILABLE: no connection", "* unavailable no connection"),
        ("", ""),
    ],
)
def test_plain_words(message: str, plain: str) -> None:
    assert words(message) == plain


@pytest.mark.parametrize(
    ("message", "whole"),
    [
        ('cart "spring sale" of user ada@example.org has 17 items', 'cart "spring sale" of user <email> has <n> items'),
        ("GET https://x.example/a?b=1 gave HTTP 502", "GET <url> gave HTTP 502"),
        (
            "lock 1f0c6d3e-7b1a-4a3e-9d57-0a64d1c0a0f1 of tank-88 since 2026-01-15T10:30:00Z",
            "lock <n> of <n> since <time>",
        ),
        ("open /srv/app/x.csv:17 at 10.0.3.7:5432", "open <path> at <host>"),
        ("took 12.5ms, -17, 0xdeadbeef, 45%", "took <n>, <n>, <n>, <n>"),
        (
            "E11000 duplicate key, errno 104, exit code 137, #418",
            "E11000 duplicate key, errno 104, exit code 137, #418",
        ),
        ("first\nsecond\nthird", "first\nsecond"),
    ],
)
def test_whole_messages(message: str, whole: str) -> None:
    assert normalised(message) == whole
