"""One error tree. A domain error carries a stable code; the web layer turns it into an RFC 9457 problem.

RoadheatError
├── ConfigError        configuration file or command line            (start refused)
├── WeatherError       weather file or provider answer               (quarantined, last good kept)
├── TariffError        tariff table                                  (last plan kept)
├── PhysicsError       road model input or divergence                (zone falls to the local rule)
├── PlanError          planning problem malformed                    (last plan kept)
├── FrameError         board frame refused                           (counted, logged once)
├── NotifyError        a channel cannot tell people                  (tried again, then alarmed)
├── CommandError       a person's or program's request refused       (4xx)
│   ├── NotFoundError  unknown zone, override…                       (404)
│   └── ForbiddenError role or session does not allow it             (403)
├── ClusterError       another process of the district does not answer (asked again)
└── StoreError         the record cannot be kept                     (no acknowledgement)
"""

from __future__ import annotations


class RoadheatError(Exception):
    """What went wrong, where, and what to do about it.

    `code` is stable and is the translation key; `where` names file, key, column, line or zone; `remedy` is one
    sentence that tells the reader what to change.
    """

    code = "error"

    def __init__(self, message: str, *, where: str = "", remedy: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}. {self.remedy}" if self.remedy else text


class ConfigError(RoadheatError):
    code = "config"


class WeatherError(RoadheatError):
    code = "weather"


class TariffError(RoadheatError):
    code = "tariff"


class PhysicsError(RoadheatError):
    code = "physics"


class PlanError(RoadheatError):
    code = "plan"


class FrameError(RoadheatError):
    code = "frame"


class NotifyError(RoadheatError):
    code = "notify"


class CommandError(RoadheatError):
    code = "command"


class NotFoundError(CommandError):
    code = "not-found"


class ForbiddenError(CommandError):
    code = "forbidden"


class ClusterError(RoadheatError):
    code = "cluster"


class StoreError(RoadheatError):
    code = "store"
