"""What Sentry's SDKs are answered (sentry.md, "Answers")."""

from collections.abc import Iterable
from typing import Any

from gateway.apis.base import Api
from gateway.apis.shapes import Detail
from gateway.http.answer import Answer
from gateway.rejections import Answered, RateLimited, Rejection
from gateway.validation.faults import Fault

_MALFORMED = "Malformed envelope or event in request body"


class Sentry(Api):
    """`/api/{n}/*`: `{"detail": sentence}`, with the sentence in `X-Sentry-Error`, too."""

    name = "sentry"
    prefix = "/api/"
    sentry_keys = True
    shapes = (Detail,)

    def refusal(self, rejection: Rejection, sentence: str) -> Any:
        return {"detail": sentence}

    def invalid(self, faults: Iterable[Fault], more: int = 0) -> Any:
        return {"detail": _MALFORMED}

    def malformed(self, body: bytes) -> Any:
        return {"detail": _MALFORMED}

    def answer(self, rejection: Rejection) -> Answer:
        answer = super().answer(rejection)
        if isinstance(rejection, Answered):
            return answer
        headers = [*answer.headers, (b"x-sentry-error", self.value(rejection)["detail"].encode())]
        if isinstance(rejection, RateLimited):
            # Without a category: for all of them.
            headers.append((b"x-sentry-rate-limits", b"%d::key:rate_limited" % rejection.retry_after_s))
        return Answer(answer.status, answer.body, headers)


API = Sentry()
