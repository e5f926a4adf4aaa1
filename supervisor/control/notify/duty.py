"""The roster and times of maintenance, in memory for the rules; every change is audited before it counts."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from supervisor.control.alarms import Alarm, Alarms
from supervisor.control.notify.rules import DANGERS
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.duty import Maintenance, Shift
from supervisor.domain.errors import CommandError, ForbiddenError, NotFoundError
from supervisor.domain.role import Role
from supervisor.runtime.clock import Clock
from supervisor.store.audit import AuditRepository
from supervisor.store.duty import DutyRepository

DAY_S: Final = 86_400
NEXT_S: Final = DAY_S  # shifts that begin within it can be told in their turn, and holes in it are alarmed
IN_USE_S: Final = 7 * DAY_S  # a roster whose last shift ended longer ago has been given up
KEEP_S: Final = 366 * DAY_S
SHIFT_MAX_S: Final = 7 * DAY_S
WINDOW_MAX_S: Final = 14 * DAY_S  # longer work is renewed by a person
CREW_WINDOW_MAX_S: Final = DAY_S  # of one road or board: whoever is at it says so again the next day (decision 0055)
RANKS: Final = (1, 9)
UTC_MAX: Final = 4_102_444_800  # 2100-01-01: a later time is a mistake, and some could not even be shown
ROWS_MAX: Final = 2000
NAME_MAX, REASON_MAX = 40, 200
COLUMNS: Final = ("from", "until", "person")


class Duty:
    """Use cases of the roster and of maintenance. Load before use."""

    def __init__(
        self,
        repository: DutyRepository,
        audit: AuditRepository,
        clock: Clock,
        timezone: ZoneInfo,
        places: Mapping[str, frozenset[str]],
        supplies: Collection[str],
    ) -> None:
        """`places`: what a zone's or board's alarm belongs to: own id, board, feeder; `supplies`: feeders."""
        self._repository = repository
        self._audit = audit
        self._clock = clock
        self._timezone = timezone
        self._places = places
        self._supplies = supplies
        self._shifts: list[Shift] = []
        self._windows: list[Maintenance] = []

    async def load(self) -> None:
        """From the record."""
        now = self._clock.utc_s()
        self._shifts = await self._repository.shifts(now - IN_USE_S)
        self._windows = await self._repository.windows(now - DAY_S)

    def shifts(self) -> list[Shift]:
        """Those that end later than a week ago, by their begin."""
        return list(self._shifts)

    def windows(self) -> list[Maintenance]:
        """Times of maintenance that end later than a day ago."""
        return list(self._windows)

    def chain(self, now_s: float) -> list[str]:
        """People in the order in which they are told: on duty now by rank, then those whose shifts come next.

        Where shifts overlap, as at a hand-over, all are on duty; of one rank who began first comes first, until then.
        """
        now = sorted((s for s in self._shifts if s.from_utc_s <= now_s < s.until_utc_s), key=lambda s: s.rank)
        later = [s for s in self._shifts if now_s < s.from_utc_s <= now_s + NEXT_S]
        return list(dict.fromkeys(shift.person for shift in [*now, *later])) if now else []

    def hole(self, now_s: float) -> tuple[float, float] | None:
        """The first time without anybody on duty within the next day; None: there is none, or no roster is kept."""
        end_s = now_s + NEXT_S
        if not any(shift.until_utc_s > now_s - IN_USE_S for shift in self._shifts):
            return None
        at_s = now_s
        for shift in self._shifts:  # by their begin
            if shift.from_utc_s > at_s:
                return at_s, min(float(shift.from_utc_s), end_s)
            at_s = max(at_s, float(shift.until_utc_s))
            if at_s >= end_s:
                return None
        return at_s, end_s

    def look(self, alarms: Alarms) -> None:
        """Raise or clear the alarm about a shift without a person."""
        hole = self.hole(self._clock.utc_s())
        text = ""
        if hole is not None:
            begin, end = (f"{datetime.fromtimestamp(at_s, self._timezone):%m-%d %H:%M}" for at_s in hole)
            text = f"Nobody is on duty from {begin} to {end}. Fill the roster; until then everybody is told"
        alarms.set(AlarmCode.DUTY_GAP, "", hole is not None, text)

    def maintained_until(self, alarm: Alarm, now_s: float) -> float | None:
        """Until when that alarm is expected, because people work there; None where it is not."""
        if alarm.code in DANGERS:
            return None
        about = self._places.get(alarm.subject, frozenset({alarm.subject}))
        ends = [
            float(window.until_utc_s)
            for window in self._windows
            if window.from_utc_s <= now_s < window.until_utc_s and (not window.subject or window.subject in about)
        ]
        return max(ends, default=None)

    async def add_shifts(self, shifts: Sequence[Shift], user: str) -> int:
        """Add all, or none. Returns how many were not there already. Raises CommandError, StoreError."""
        check_shifts(shifts)
        made = [made_by(shift, user) for shift in shifts]
        added = await self._repository.add_shifts(made, user, added_detail(shifts))
        await self.load()
        return len(added)

    async def remove_shift(self, number: int, user: str) -> None:
        """Raises NotFoundError, StoreError."""
        shift = next((shift for shift in self._shifts if shift.id == number), None)
        if shift is None:
            raise NotFoundError("no such shift", where=str(number), remedy="Load the list again", code="no-shift")
        await self._audit.append(user, "roster-remove", f"{shift.person}, {shift.from_utc_s} to {shift.until_utc_s}")
        await self._repository.remove_shift(number)
        await self.load()

    async def add_window(self, window: Maintenance, user: str, role: Role) -> Maintenance:
        """Raises CommandError where end or reason is missing, the subject unknown or the role too low, StoreError."""
        now = self._clock.utc_s()
        if window.subject and not any(window.subject in about for about in self._places.values()):
            raise CommandError(
                "unknown road, board or supply", where=window.subject[:NAME_MAX], remedy="Write an id of city.toml",
            )  # fmt: skip
        if not window.reason.strip() or len(window.reason) > REASON_MAX:
            raise CommandError("no reason", where="reason", remedy=f"Say what is done, up to {REASON_MAX} letters")
        if window.until_utc_s <= max(window.from_utc_s, now):
            raise CommandError("its end is not after its begin", where="until_utc_s", remedy="Check the times")
        if window.until_utc_s - max(window.from_utc_s, now) > WINDOW_MAX_S:
            raise CommandError("longer than 14 days", where="until_utc_s", remedy="Make it shorter and renew it")
        if role not in (Role.ENGINEER, Role.ADMIN):
            self._require_small(window, now)
        await self._audit.append(user, "maintenance", f"{window.subject or 'everything'}: {window.reason}")
        made = await self._repository.add_window(
            Maintenance(0, window.subject, window.from_utc_s, window.until_utc_s, window.reason.strip(), user)
        )
        await self.load()
        return made

    def _require_small(self, window: Maintenance, now_s: float) -> None:
        """Raise ForbiddenError for what silences more than the place where a crew works, or for longer than a day."""
        if not window.subject or window.subject in self._supplies:
            raise ForbiddenError(
                "a crew puts one road or board under maintenance", where="subject",
                remedy="Choose the road, or ask an engineer for a supply or all roads",
            )  # fmt: skip
        if window.until_utc_s - now_s > CREW_WINDOW_MAX_S:
            raise ForbiddenError(
                "a crew's maintenance ends within a day", where="until_utc_s",
                remedy="Make it shorter and renew it, or ask an engineer",
            )  # fmt: skip

    async def end_window(self, number: int, user: str) -> None:
        """End it now. Raises NotFoundError, StoreError."""
        now = int(self._clock.utc_s())
        window = next((each for each in self._windows if each.id == number and each.until_utc_s > now), None)
        if window is None:
            raise NotFoundError("no such time", where=str(number), remedy="Load the list again", code="no-maintenance")
        await self._audit.append(user, "maintenance-end", f"{window.subject or 'everything'}: {window.reason}")
        await self._repository.end_window(number, now)
        await self.load()

    async def prune(self) -> None:
        """Forget what ended more than a year ago."""
        await self._repository.prune(self._clock.utc_s() - KEEP_S)


def check_shifts(shifts: Sequence[Shift]) -> None:
    """Raises CommandError for the first that cannot be."""
    for number, shift in enumerate(shifts, 1):
        where = f"shift {number}"
        if not shift.person.strip() or len(shift.person) > NAME_MAX:
            raise CommandError("no name", where=where, remedy=f"Write the person's name, 1 to {NAME_MAX} letters")
        if not 0 <= shift.from_utc_s <= UTC_MAX:
            raise CommandError("a time before 1970 or after 2100", where=where, remedy="Check the times")
        if not 0 < shift.until_utc_s - shift.from_utc_s <= SHIFT_MAX_S:
            raise CommandError(
                "it ends before it begins, or lasts longer than a week", where=where, remedy="Check the times"
            )
        if not RANKS[0] <= shift.rank <= RANKS[1]:
            raise CommandError(f"rank {shift.rank}", where=where, remedy="Write 1 for who is told first, up to 9")


def added_detail(shifts: Sequence[Shift]) -> str:
    """What the audit says of added shifts."""
    people = ", ".join(dict.fromkeys(shift.person for shift in shifts))
    return f"{len(shifts)} shifts: {people}"[:REASON_MAX]


def made_by(shift: Shift, user: str) -> Shift:
    """The shift as it is kept."""
    return Shift(0, shift.person.strip(), shift.rank, shift.from_utc_s, shift.until_utc_s, user)


def read_roster(text: str, timezone: ZoneInfo) -> list[Shift]:
    """Shifts of a CSV file with the columns from, until, person and, if wanted, rank.

    Times are local, "2026-12-01 18:00", or have an offset. Raises CommandError with the row.
    """
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)
    try:
        names = [name.strip().lower() for name in rows.fieldnames or []]
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            raise CommandError(
                f"no column {missing[0]}", where="row 1", remedy=f"Its first row is {','.join(COLUMNS)},rank"
            )
        rows.fieldnames = names
        found: list[Shift] = []
        for number, row in enumerate(rows, 2):
            if len(found) >= ROWS_MAX:
                raise CommandError(f"more than {ROWS_MAX} rows", where=f"row {number}", remedy="Split the file")
            found.append(_row(row, f"row {number}", timezone))
    except csv.Error as error:
        raise CommandError(
            f"not a CSV file: {error}", where=f"row {rows.line_num}", remedy="Save it as CSV with commas, UTF-8"
        ) from error
    return found


def _row(row: dict[str, str | None], where: str, timezone: ZoneInfo) -> Shift:
    begin, end = (_time(row.get(name) or "", f"{where}, {name}", timezone) for name in ("from", "until"))
    rank = (row.get("rank") or "1").strip()
    if not (rank.isascii() and rank.isdigit()):
        raise CommandError("rank is not a number", where=where, remedy="Write 1 for who is told first")
    return Shift(0, (row.get("person") or "").strip(), int(rank[:3]), begin, end)


def _time(text: str, where: str, timezone: ZoneInfo) -> int:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise CommandError("not a time", where=where, remedy='Write "2026-12-01 18:00"') from error
    return int((found if found.tzinfo else found.replace(tzinfo=timezone)).timestamp())
