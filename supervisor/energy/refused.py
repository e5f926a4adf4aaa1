"""How many points go to InfluxDB at once, and which stay refused: a few bad lines, or a database that is wrong."""

from __future__ import annotations

from supervisor.energy.answer import Answer

BATCH_POINTS = 5_000  # InfluxData's advice; above it nothing gets faster
BATCH_POINTS_MIN = 50  # a request a second of these still carries a district
# Lines that no database would accept are a few a day. More are a database that refuses a field, a tag, a new series:
# as dead letters they would empty the spool, and once the database is corrected nothing would be left to send.
REFUSED_IN_A_ROW_MAX = 25
REFUSED_SHARE_MAX = 0.1  # of a batch
EXPIRED = "beyond retention"  # in answers about points that the database no longer keeps: nothing is lost


class Unavailable(Exception):
    """The server cannot take anything now."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


class Batching:
    """How many points go at once: half after a time-out, a quarter more after each batch delivered."""

    def __init__(self) -> None:
        self.points = BATCH_POINTS

    def timed_out(self) -> None:
        self.points = max(BATCH_POINTS_MIN, self.points // 2)

    def delivered(self) -> None:
        self.points = min(BATCH_POINTS, self.points * 5 // 4)


class Refused:
    """The lines that stay refused, until there are so many that the database must be wrong."""

    def __init__(self) -> None:
        self.dead: list[tuple[str, str]] = []  # of this batch
        self._in_a_row = 0  # over all batches: a quiet district sends few lines at once
        self._at_fault = self._most = 0

    def begin(self, lines: int) -> None:
        """A batch of so many lines."""
        self.dead = []
        self._at_fault, self._most = 0, max(REFUSED_IN_A_ROW_MAX, int(REFUSED_SHARE_MAX * lines))

    def add(self, line: str, answer: Answer) -> None:
        """Raises Unavailable where the batch has to be held instead."""
        self.dead.append((line, f"{answer.status} {answer.text}"))
        if EXPIRED in answer.text:
            return
        self._at_fault += 1
        self._in_a_row += 1
        if self._in_a_row > REFUSED_IN_A_ROW_MAX or self._at_fault > self._most:
            text = f"{max(self._in_a_row, self._at_fault)} lines refused one after another, the last: {answer.text}"
            raise Unavailable(Answer(answer.status, text))

    def accepted(self) -> None:
        """Lines between have been delivered."""
        self._in_a_row = 0
