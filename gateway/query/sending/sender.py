"""Sends one alert, once (alerts.md, "Sending")."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx

from gateway.query.sending.address import Allowed, BadAddress
from gateway.query.sending.message import Message, Sent, for_slack, for_webhook
from shared.alerts.alert import Try
from shared.alerts.rule import Channel, Target

MOST_ANSWER = 4_096
"""Bytes of an answer that are read; they are kept nowhere."""

LOOK_UPS = 4
"""At the same time: each has a thread, which a slow name server may hold for longer than `timeout_s`."""

for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # they would log whole addresses


class Sender:
    """1. It connects to the address that was checked, however often the name is resolved anew; no redirect is followed,
       and no proxy of the environment used.
    2. `send` never raises, and ends within `timeout_s`.
    3. Neither address nor secret is in what it returns, or in the log.
    """

    def __init__(self, allowed: Allowed, *, timeout_s: float) -> None:
        self.allowed = allowed
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(LOOK_UPS, "alert-names")
        self._http = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=timeout_s,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def send(self, message: Message, channel: Channel, target: Target) -> Try:
        at = datetime.now(UTC)
        sent = for_slack(message) if channel == "slack" else for_webhook(message, target.secret)
        try:
            async with asyncio.timeout(self._timeout_s):
                status = await self._post(target, sent)
        except BadAddress as error:
            return Try(at, None, f"{error}")
        except TimeoutError:
            return Try(at, None, f"no answer within {self._timeout_s:g} s")
        except httpx.HTTPError as error:
            return Try(at, None, f"no answer: {type(error).__name__}")
        return Try(at, status, "" if 200 <= status < 300 else f"answered {status}")

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._http.aclose()

    async def _post(self, target: Target, sent: Sent) -> int:
        url = self.allowed.check(target.url.reveal())
        address = await self.allowed.resolve(url, self._threads)
        request = self._http.build_request(
            "POST",
            url.copy_with(host=address),
            content=sent.body,
            headers={
                **sent.headers,
                "Host": url.netloc.decode(),
                "User-Agent": "Sluice",
                "Accept-Encoding": "identity",
            },
            extensions={"sni_hostname": url.host},
        )
        answer = await self._http.send(request, stream=True)
        try:
            read = 0
            async for piece in answer.aiter_raw():
                read += len(piece)
                if read >= MOST_ANSWER:
                    break
        finally:
            await answer.aclose()
        return answer.status_code
