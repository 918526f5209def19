"""Redis or Valkey: reachable."""

from shared.clients.redis import Redis, RedisUnavailable
from shared.doctor.finding import Finding
from shared.secret import AnyUrl

_PART = "redis"


async def look(url: AnyUrl) -> list[Finding]:
    redis = Redis(url, timeout_s=2.0)
    try:
        facts = await redis.call("INFO", "server")
    except RedisUnavailable as error:
        return [
            Finding(
                _PART,
                "failure",
                f"it can't be reached ({error}): limits and repeats are each gateway's own until it is back;"
                " check SLUICE_REDIS_URL",
            )
        ]
    finally:
        await redis.close()
    version = facts.get("valkey_version") or facts.get("redis_version", "unknown")
    return [Finding(_PART, "ok", f"version {version}")]
