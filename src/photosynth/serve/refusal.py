"""Refusal: an answer that says no, and what to do about it."""

from __future__ import annotations

from photosynth.core.errors import PhotosynthError


class Refusal(PhotosynthError):
    """A request that is not answered.

    Args:
        status: the HTTP status.
        code: a word for programs, such as ``"too_large"``.
        message: a sentence for people.
        retry_after_s: when to come again, if that may help.
    """

    def __init__(self, status: int, code: str, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after_s = status, code, message, retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers that go with it."""
        headers = {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        return headers

    @property
    def body(self) -> dict[str, str]:
        """The JSON that goes with it: see schema.Problem."""
        return {"error": self.code, "message": self.message}


def too_large(what: str) -> Refusal:
    """413."""
    return Refusal(413, "too_large", what)


def not_a_picture(what: str) -> Refusal:
    """422."""
    return Refusal(422, "not_a_picture", what)


def busy(what: str, retry_after_s: int) -> Refusal:
    """503."""
    return Refusal(503, "busy", what, retry_after_s)
