"""What a request can be answered with when it cannot be done; every message says what to do.

ServiceError
  + BadRequest         400, the body is not JSON
    - EmptyBatch       400, a list of texts is empty where the dialect does not allow it
  + Unauthorised       401, no key or a wrong one
  + BodyTooSlow        408, the body did not arrive in time
  + TooLarge           413, the body, the list of documents or the text is over a limit
  + Invalid            422, the body is JSON but not a request that can be run
  + Overloaded         429, the queue is full: come back later
  + EncodingFailed     500, the model failed on a text
  + Stopping           503, the service is shutting down, or has not started yet
  + DeadlinePassed     504, not done in the time that the request had
  + SettingsRejected   a setting is not valid; raised before anything is served
"""

from __future__ import annotations


class ServiceError(Exception):
    """Root of everything this package raises on purpose."""

    status = 500
    kind = "Backend"
    """The ``error_type`` of text-embeddings-inference that its clients know."""

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which it makes sense to try again; None: it does not."""


class BadRequest(ServiceError):
    status, kind = 400, "Validation"


class EmptyBatch(BadRequest):
    kind = "Empty"


class Unauthorised(ServiceError):
    status, kind = 401, "Unauthorized"


class BodyTooSlow(ServiceError):
    status, kind = 408, "Validation"


class TooLarge(ServiceError):
    status, kind = 413, "Validation"


class Invalid(ServiceError):
    status, kind = 422, "Validation"


class Overloaded(ServiceError):
    status, kind = 429, "Overloaded"


class EncodingFailed(ServiceError):
    pass


class Stopping(ServiceError):
    status, kind = 503, "Unhealthy"


class DeadlinePassed(ServiceError):
    status, kind = 504, "Timeout"


class SettingsRejected(ServiceError, ValueError):
    pass
