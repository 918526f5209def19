"""Redis (or Valkey): the only file that knows redis-py."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha1
from typing import Any

import redis.asyncio as aioredis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, NoScriptError, RedisError

from shared.clients.errors import RedisUnavailable as RedisUnavailable
from shared.clients.errors import told
from shared.secret import AnyUrl, text_of

_SILENCE_S = 5.0
"""After so long without a message a subscriber asks whether the server is still there, seconds."""

_RECONNECT_S = 0.5

Argument = str | bytes | int | float


class Script:
    """A Lua script, sent whole only to a server that doesn't know it yet."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()


class Redis:
    """One client for a process, over a bounded pool of connections; answers come as bytes, ints, lists and None.

    1. Every call ends within `timeout_s`, with an answer or `RedisUnavailable`.
    2. Nothing is tried twice: the caller decides that.
    3. When the URL's file has changed, the next call has another connection.
    """

    def __init__(self, url: AnyUrl, *, timeout_s: float = 0.5, connections: int = 32) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._connections = connections
        self._former: set[asyncio.Task[None]] = set()
        self._text = text_of(url)
        self._client = self._made(self._text)

    async def call(self, *command: Argument) -> Any:
        """One command and its arguments, as `call("SET", name, value, "NX", "EX", 30)`. Raises `RedisUnavailable`."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._renewed().execute_command(*command)  # type: ignore[no-untyped-call]
        except NoScriptError:
            raise
        except (RedisError, OSError, TimeoutError) as error:
            if isinstance(error, ConnectionError):  # idle ones are as old: drop them before each fails
                await self._client.connection_pool.disconnect(inuse_connections=False)
            raise RedisUnavailable(told(error, "ssl_ca_certs= in SLUICE_REDIS_URL")) from error

    async def run(self, script: Script, keys: list[Argument], arguments: list[Argument]) -> Any:
        """The result of a Lua script. Raises `RedisUnavailable`."""
        try:
            return await self.call("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.call("EVAL", script.text, len(keys), *keys, *arguments)

    async def ping(self) -> None:
        """Raise `RedisUnavailable` unless it answers now."""
        await self.call("PING")

    async def publish(self, channel: str, message: str) -> None:
        await self.call("PUBLISH", channel, message)

    async def listen(self, channel: str) -> AsyncIterator[str | None]:
        """Messages of a channel, for ever; looks for a lost connection again by itself.

        None comes first of all and whenever the connection is new: what was published before then never got here.
        """
        while True:
            pubsub = self._renewed().pubsub()
            try:
                await pubsub.subscribe(channel)
                yield None
                async for text in _messages(pubsub):
                    yield text
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(_RECONNECT_S)
            finally:
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        for task in list(self._former):
            await task
        await self._client.aclose()

    def _renewed(self) -> aioredis.Redis:
        """The client, or another one if the URL has changed."""
        if (text := text_of(self._url)) != self._text:
            closing = asyncio.create_task(self._close(self._client))
            self._former.add(closing)
            closing.add_done_callback(self._former.discard)
            self._text, self._client = text, self._made(text)
        return self._client

    def _made(self, text: str) -> aioredis.Redis:
        pool = BlockingConnectionPool.from_url(
            text,
            timeout=self._timeout_s,
            socket_timeout=self._timeout_s,
            socket_connect_timeout=self._timeout_s,
            max_connections=self._connections,
            retry=Retry(NoBackoff(), 0),
        )
        return aioredis.Redis.from_pool(pool)

    async def _close(self, former: aioredis.Redis) -> None:
        await asyncio.sleep(self._timeout_s)  # its calls have ended then
        await former.aclose()


async def _messages(pubsub: PubSub) -> AsyncIterator[str]:
    """Until the connection breaks: a server that does not even answer a ping counts as broken."""
    silences = 0
    while silences < 2:
        message = await pubsub.get_message(timeout=_SILENCE_S)
        if message is None:
            silences += 1
            await pubsub.ping()
            continue
        silences = 0
        if message["type"] == "message":
            yield message["data"].decode(errors="replace")
