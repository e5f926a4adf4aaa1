"""A weather file that may be missing, broken or replaced while the service runs."""

from __future__ import annotations

from pathlib import Path

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.runtime.work import in_thread
from supervisor.weather.providers.files import read_weather_csv
from supervisor.weather.providers.kind import District, ProviderKind, WeatherSettings
from supervisor.weather.providers.provider import FILE, FileProvider


class WatchedFile:
    """Replays a file as `FileProvider` does, and reads it again whenever it has changed.

    While it cannot be used, `forecast` raises and the service goes on without: the last good forecast serves for 6 h,
    then boards follow their local rule.
    """

    def __init__(self, path: Path, site: Site) -> None:
        self._path = path
        self._site = site
        self._seen: tuple[int, int, int] | None = None
        self._fault: WeatherError | None = None
        self._file: FileProvider | None = None

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        await self._read_if_changed()
        if self._fault is not None or self._file is None:
            raise (self._fault or WeatherError("not read yet", where=str(self._path))).with_traceback(None)
        return await self._file.forecast(now_utc_s, horizon_s)

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        """Observations from the newest readable file."""
        return self._file.observed(now_utc_s, back_s) if self._file is not None else None

    async def _read_if_changed(self) -> None:
        try:
            stat = self._path.stat()
        except OSError as error:
            self._seen = None
            remedy = "Put the file there: it is read as soon as it is"
            self._fault = WeatherError(error.strerror or "cannot be read", where=str(self._path), remedy=remedy)
            return
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen == self._seen:
            return
        try:
            self._file = await in_thread(None, FileProvider.open, self._path, self._site)
            self._fault = None
        except WeatherError as error:
            self._fault = error
        self._seen = seen


class FileSettings(WeatherSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of provider "file"."""

    file: str  # its past is observation, its future forecast


def _check(settings: FileSettings, district: District) -> Tally:
    return read_weather_csv(district.resolve(settings.file), district.site)[1]


KIND = ProviderKind(
    name=FILE,
    settings=FileSettings,
    make=lambda settings, district, _: WatchedFile(district.resolve(settings.file), district.site),
    check=_check,
    files=("file",),
)
