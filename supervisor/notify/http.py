"""How channels ask over HTTP: one request, no redirect, a short answer, every failure a NotifyError."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from supervisor.domain.errors import NotifyError

if TYPE_CHECKING:
    import aiohttp

ANSWER_MAX = 300  # characters of a refusal that are shown
ACCEPTED = range(200, 300)


class Refused(NotifyError):
    """An answer that is not 2xx."""

    def __init__(self, status: int, text: str, where: str) -> None:
        super().__init__(f"answered {status}: {text}" if text else f"answered {status}", where=where)
        self.status = status


async def post(
    http: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str], accepted: Collection[int] = ACCEPTED
) -> None:
    """Raises Refused for any other answer, NotifyError where there is none."""
    import aiohttp  # here: commands that read city.toml start without it

    where = urlsplit(url).hostname or url[:80]
    try:
        async with http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            if answer.status not in accepted:
                text = (await answer.content.read(ANSWER_MAX)).decode("utf-8", "replace")
                raise Refused(answer.status, " ".join(text.split()), where)
    except NotifyError:
        raise
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise NotifyError(f"no answer: {error or type(error).__name__}", where=where) from error
