"""How often one token may ask: a bucket of requests for each token and minute."""

import time

from django.conf import settings
from django.core.cache import cache

from webapp.accounts.models import ApiToken

MINUTE_SECONDS = 60


class TooOften(Exception):
    """The token's requests of this minute are used up; the next are there in `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def count(token: ApiToken) -> None:
    """Take one request out of the token's bucket. Raises TooOften. Without the count in the cache nobody is refused."""
    limit = settings.API_REQUESTS_PER_MINUTE
    if not limit:
        return
    minute, second = divmod(int(time.time()), MINUTE_SECONDS)
    key = f"api-requests:{token.pk}:{minute}"
    if cache.add(key, 1, 2 * MINUTE_SECONDS):
        return
    try:
        taken = cache.incr(key)
    except ValueError:  # it was thrown out between the two calls
        return
    if taken > limit:
        raise TooOften(MINUTE_SECONDS - second)
