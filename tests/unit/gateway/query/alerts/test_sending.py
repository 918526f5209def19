"""Where alerts may be sent, and what stands in them (alerts.md, "Sending", "What is sent")."""

import hashlib
import hmac
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import httpx
import msgspec
import pytest

from gateway.query.sending import Sender
from gateway.query.sending.address import Allowed, BadAddress, is_public
from gateway.query.sending.message import Named, for_slack, for_webhook, message_of
from shared.alerts.alert import Alert, First
from shared.alerts.rule import Target
from shared.secret import Secret

ALERT = Alert(
    title="r: <!channel> & more",
    text="<https://evil|click>",
    path="/p/p/logs",
    at="2026-11-26T10:00:00.000Z",
    incomplete=True,
    first=First("2026-11-26T09:59:00.000Z", "error: <script>", "pay (pay.py:7)"),
)
MESSAGE = message_of(ALERT, "dlv_1", "p", Named("alert_1", "r", "matches"), "2026-11-26T10:00:01.000Z", "https://s/")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1"),
        *("fec0::1", "feff::1", "64:ff9b:1::808:808", "64:ff9b:1:ffff::1"),
        *("2001:db8::1", "2001:0:1:1:1:1:80ff:fffe"),
    ],
)
def test_an_address_that_only_this_machine_or_net_reaches_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_fine(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "//example.com", "https://", "https://user:pass@example.com/"),
        *("https://exämple.com/", "https://example.com/a\nb", "https://[::1", "https://e.com/" + "a" * 2_000),
    ],
)
def test_an_address_must_be_a_plain_https_one(url: str) -> None:
    with pytest.raises(BadAddress):
        Allowed().check(url)
    assert Allowed(http=True).check("http://example.com:8080/a?b=c").port == 8080


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1"])
async def test_a_host_is_refused_by_what_it_resolves_to_however_it_is_spelled(host: str) -> None:
    with pytest.raises(BadAddress):
        await Allowed().resolve(httpx.URL(f"https://{host}/"), ThreadPoolExecutor(1))


async def test_names_are_looked_up_on_threads_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def look_up(*_: object, **__: object) -> list[object]:
        seen.append(threading.current_thread().name)
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    sender = Sender(Allowed(), timeout_s=5)
    tried = await sender.send(MESSAGE, "slack", Target(Secret("https://example.com/"), Secret("")))
    await sender.close()
    assert tried.problem == "its host is not found"
    assert seen[0].startswith("alert-names")


async def test_neither_address_nor_secret_is_told_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sender = Sender(Allowed(http=True, private=True), timeout_s=5)
    target = Target(Secret("http://127.0.0.1:1/a-token"), Secret("the-secret-of-it"))
    tried = await sender.send(MESSAGE, "webhook", target)
    await sender.close()
    assert tried.problem == "no answer: ConnectError"
    assert "a-token" not in caplog.text + repr(target)
    assert "the-secret" not in caplog.text + repr(target)


def test_a_webhook_can_check_who_sent_what_and_when() -> None:
    body, headers = for_webhook(MESSAGE, Secret("s" * 16))
    expected = hmac.new(b"s" * 16, body, hashlib.sha256).hexdigest()
    assert headers["X-Sluice-Signature"] == f"sha256={expected}"
    told = msgspec.json.decode(body)
    assert (told["id"], told["sent_at"], told["url"]) == ("dlv_1", "2026-11-26T10:00:01.000Z", "https://s/p/p/logs")
    assert told["first"] == {"time": "2026-11-26T09:59:00.000Z", "text": "error: <script>", "frame": "pay (pay.py:7)"}


def test_stored_text_mentions_nobody_in_slack() -> None:
    body = msgspec.json.decode(for_slack(MESSAGE).body)
    text = body["text"]
    assert body["mrkdwn"] is False
    assert text.startswith("r: &lt;!channel&gt; &amp; more\n")
    assert "incomplete" in text
    assert "<" not in text
    assert text.endswith("\nhttps://s/p/p/logs")
