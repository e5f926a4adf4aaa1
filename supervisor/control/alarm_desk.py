"""What people do with alarms: see them, take them over, put them off. None of it ends an alarm; its cause does."""

from __future__ import annotations

from supervisor.control.alarms import Alarm, Alarms
from supervisor.domain.errors import CommandError, NotFoundError
from supervisor.runtime.clock import Clock
from supervisor.store.audit import AuditRepository

COMMENT_MAX = 200
NAME_MAX = 40
SHELVE_MINUTES = (5, 24 * 60)


class AlarmDesk:
    """The use cases. Each is in the audit before it counts."""

    def __init__(self, alarms: Alarms, audit: AuditRepository, clock: Clock) -> None:
        self._alarms = alarms
        self._audit = audit
        self._clock = clock

    async def acknowledge(self, code: str, subject: str, user: str, comment: str = "", assigned_to: str = "") -> Alarm:
        """A person has seen it. The first name and time stay; comment and who takes care are the newest ones.

        Raises NotFoundError where no such alarm stands, StoreError where it cannot be recorded.
        """
        alarm = self._standing(code, subject)
        comment, assigned_to = comment.strip()[:COMMENT_MAX], assigned_to.strip()[:NAME_MAX]
        detail = f"{alarm.code} {alarm.subject}: {comment or 'seen'}; {assigned_to or user} takes care"
        await self._audit.append(user, "alarm-acknowledge", detail)
        alarm = self._standing(code, subject)  # its cause may have gone while the disk wrote
        return self._alarms.attend(
            alarm.code, alarm.subject, comment=comment, assigned_to=assigned_to or user,
            acknowledged_by=alarm.acknowledged_by or user,
            acknowledged_utc_s=alarm.acknowledged_utc_s or int(self._clock.utc_s()), shelved_until_utc_s=None,
        )  # fmt: skip

    async def shelve(self, code: str, subject: str, user: str, minutes: int, reason: str) -> Alarm:
        """Put it off: it stays in the list and counts as unseen again after that time."""
        least, most = SHELVE_MINUTES
        if not least <= minutes <= most:
            raise CommandError(f"{minutes} min", where="minutes", remedy=f"Put it off for {least} to {most} minutes")
        alarm = self._standing(code, subject)
        until, reason = int(self._clock.utc_s()) + 60 * minutes, reason.strip()[:COMMENT_MAX]
        await self._audit.append(user, "alarm-shelve", f"{alarm.code} {alarm.subject}: {minutes} min, {reason}")
        alarm = self._standing(code, subject)
        return self._alarms.attend(
            alarm.code, alarm.subject, shelved_until_utc_s=until, comment=reason, assigned_to=user
        )

    def _standing(self, code: str, subject: str) -> Alarm:
        for alarm in self._alarms.standing():
            if alarm.code == code and alarm.subject == subject:
                return alarm
        raise NotFoundError(
            "no such alarm stands", where=f"{code} {subject}"[:80], remedy="Load the list again", code="no-alarm"
        )
