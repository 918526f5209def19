"""Why an upload is refused. The sentences are for whoever reads the build's log."""

from gateway.rejections import NotFound, Rejection, TooLarge


class BadUpload(Rejection):
    """It is no form, or one of its files is no source map or has no name that can be kept."""

    status = 400
    reason = "invalid"
    sentence = "Invalid upload"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class UploadTooLarge(TooLarge):
    """More bytes than an upload may have, on the wire or unpacked, or more work than it is worth."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self.sentence = f"Request body too large: an upload has at most {max_bytes:,} bytes; send the files in several"


class QuotaUsedUp(TooLarge):
    """The project may not store so much."""

    reason = "quota"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.sentence = f"The project's quota of source maps is used up: {why}; delete releases that are no longer used"


class PublicKey(Rejection):
    """A key that anybody may have, as it stands in a page's code, may add files only."""

    status = 403
    reason = "public_key"
    sentence = "A pk_ key may only add source maps: use a dt_ key of the project to replace or remove them"


class ReleaseNotFound(NotFound):
    """The project has no such release; another one may: a stranger must not learn that."""

    sentence = "The project has no source maps of this release"
