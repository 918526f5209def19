"""What goes wrong with ClickHouse and Redis, apart from their drivers: a command that only names it loads none."""


class ClickHouseError(Exception):
    """Anything that went wrong with ClickHouse."""


class Unreachable(ClickHouseError):
    """The connection failed, broke or timed out. What was sent may or may not have been done."""


class ServerError(ClickHouseError):
    """The server answered with an error. `code` is ClickHouse's own number of it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"ClickHouse error {code}: {text}")
        self.code = code
        self.text = text


class OtherTypes(ClickHouseError):
    """The table's columns have other types than the encoded ones. Nothing was sent."""


class RedisUnavailable(Exception):
    """Redis could not be asked, or refused: away, too slow, read-only ... The command may or may not have been done."""


def told(error: BaseException, authority: str) -> str:
    """A driver's error as a text; of a certificate that is not trusted with what to do. `authority`: where the file of
    who signed it is named."""
    text = f"{type(error).__name__}: {error}".strip()
    if "certificate" not in text.lower():
        return text
    return f"{text}; name the authority that signed it by {authority}, and use the host name that it is for"
