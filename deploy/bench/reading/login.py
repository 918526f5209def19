"""A reader's session in the pages."""

import http.cookiejar
import re
import urllib.request
from urllib.error import URLError
from urllib.parse import urlencode

from deploy.bench.jobs import JobFailed

_TIMEOUT_S = 60.0
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


def session_cookie(url: str, key: str) -> str:
    """`name=value` of a session of this read key. Raises `JobFailed`."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    try:
        with browser.open(f"{url}/login", timeout=_TIMEOUT_S) as form:
            (token,) = set(_FORM_TOKEN.findall(form.read().decode()))
        fields = urlencode({"key": key, "form_token": token}).encode()
        entering = urllib.request.Request(f"{url}/login", fields, {"Sec-Fetch-Site": "same-origin"})  # noqa: S310 - ours
        browser.open(entering, timeout=_TIMEOUT_S).close()
    except (OSError, URLError, ValueError) as error:
        raise JobFailed(f"no log-in to the pages: {error}") from error
    (cookie,) = (each for each in jar if each.name == "sluice")
    return f"{cookie.name}={cookie.value}"
