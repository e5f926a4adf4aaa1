"""Figures that one query on the record gives. Whoever doubts one runs its query: `sqlite3 roadheat.db`.

Every query has the parameters :from, :to and :now [UTC s], gives one row with one value, and NULL where nothing is
known. Names and formulas in words are in `words/`, by the figure's id.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from supervisor.domain.alarm import AlarmCode, Severity
from supervisor.domain.outlook import DISTRICT

SEEN_WITHIN_MIN: Final = 15  # of critical alarms, as a control room promises
SERVICE, ENERGY, RESPONSE, CITIZENS, FORESIGHT, INTERFACES, DISCLOSURE, STAFF = GROUPS = (
    "service", "energy", "response", "citizens", "foresight", "interfaces", "disclosure", "staff",
)  # fmt: skip


class Query(NamedTuple):
    """A figure of the record."""

    id: str
    group: str
    unit: str  # "": a number
    sql: str


_CRITICAL: Final = ", ".join(f"'{code}'" for code in AlarmCode if code.severity is Severity.CRITICAL)
_HOURS: Final = "FROM zone_1h WHERE start_utc_s >= :from AND start_utc_s < :to"
_RAISED: Final = f"FROM alarm WHERE raised_utc_s >= :from AND raised_utc_s < :to AND code IN ({_CRITICAL})"
_SEEN: Final = f"SELECT (acknowledged_utc_s - raised_utc_s) / 60.0 AS m {_RAISED} AND acknowledged_utc_s IS NOT NULL"
_REPORTED: Final = "FROM alarm WHERE raised_utc_s >= :from AND raised_utc_s < :to AND code = 'ice-reported'"
_ANSWERED: Final = (
    "SELECT (min(coalesce(acknowledged_utc_s, cleared_utc_s), coalesce(cleared_utc_s, acknowledged_utc_s)) - "
    f"raised_utc_s) / 60.0 AS m {_REPORTED} AND coalesce(acknowledged_utc_s, cleared_utc_s) IS NOT NULL"
)
_EVENTS: Final = "FROM event WHERE utc_s >= :from AND utc_s < :to"
_DAYS: Final = "FROM tally_day WHERE day >= date(:from + 43200, 'unixepoch') AND day < date(:to + 43200, 'unixepoch')"
_EVENINGS: Final = (
    f"FROM outlook WHERE zone = '{DISTRICT}' AND happened IS NOT NULL AND issued_utc_s >= :from AND issued_utc_s < :to"
)
_TRAINED: Final = "FROM training WHERE utc_s >= :from AND utc_s < :to"


def _median(minutes: str) -> str:
    """The median of the column `m` of a query; the mean of both middles."""
    return (
        "SELECT avg(m) FROM (SELECT m, row_number() OVER (ORDER BY m) AS n, count(*) OVER () AS c "
        f"FROM ({minutes})) WHERE n IN ((c + 1) / 2, (c + 2) / 2)"
    )


def _tally(what: str) -> str:
    return f"SELECT coalesce(sum(count), 0) {_DAYS} AND what LIKE '{what}'"


QUERIES: Final = (
    Query("roads_recorded", SERVICE, "", f"SELECT count(DISTINCT zone) {_HOURS}"),
    Query("availability", SERVICE, "%",
          "SELECT 100.0 * sum(covered_s) / (count(DISTINCT zone) * (min(:to, :now) - min(start_utc_s))) " + _HOURS),
    Query("energy", ENERGY, "kWh", f"SELECT coalesce(sum(wh0 + wh1 + wh2 + wh3), 0) / 1000.0 {_HOURS}"),
    Query("heated", ENERGY, "h", f"SELECT coalesce(sum(on_s), 0) / 3600.0 {_HOURS}"),
    Query("peak", ENERGY, "kW",
          "SELECT max(max(a, b, c, d)) * 4 / 1000.0 FROM (SELECT sum(wh0) AS a, sum(wh1) AS b, sum(wh2) AS c, "
          f"sum(wh3) AS d {_HOURS} GROUP BY start_utc_s)"),
    Query("alarms", RESPONSE, "", f"SELECT count(*) {_RAISED}"),
    Query("alarms_seen", RESPONSE, "%",
          "SELECT 100.0 * avg(CASE WHEN acknowledged_utc_s - raised_utc_s <= "
          f"{SEEN_WITHIN_MIN * 60} THEN 1 ELSE 0 END) {_RAISED}"),
    Query("alarm_response", RESPONSE, "min",
          _median(_SEEN)),
    Query("commands", RESPONSE, "",
          "SELECT count(*) FROM override WHERE created_utc_s >= :from AND created_utc_s < :to "
          "AND user NOT LIKE 'interface:%'"),
    Query("ice_reports", CITIZENS, "", f"SELECT count(*) {_EVENTS} AND kind = 'ice-report'"),
    Query("report_answer", CITIZENS, "min",
          _median(_ANSWERED)),
    Query("resident_views", CITIZENS, "", _tally("residents view")),
    Query("observations", CITIZENS, "", f"SELECT count(*) {_EVENTS} AND kind = 'observation'"),
    Query("evenings", FORESIGHT, "", f"SELECT count(*) {_EVENINGS}"),
    Query("brier", FORESIGHT, "",
          f"SELECT avg((probability - happened) * (probability - happened)) {_EVENINGS}"),
    Query("hits", FORESIGHT, "", f"SELECT coalesce(sum(called * happened), 0) {_EVENINGS}"),
    Query("misses", FORESIGHT, "", f"SELECT coalesce(sum((1 - called) * happened), 0) {_EVENINGS}"),
    Query("false_alarms", FORESIGHT, "", f"SELECT coalesce(sum(called * (1 - happened)), 0) {_EVENINGS}"),
    Query("delivered", INTERFACES, "", _tally("% delivered")),
    Query("refused", INTERFACES, "", _tally("% refused")),
    Query("dropped", INTERFACES, "", _tally("% dropped")),
    Query("acknowledged", INTERFACES, "%",
          "SELECT 100.0 * sum(CASE WHEN what LIKE '% delivered' THEN count ELSE 0 END) / sum(count) "
          f"{_DAYS} AND (what LIKE '% delivered' OR what LIKE '% refused' OR what LIKE '% dropped')"),
    Query("programs", INTERFACES, "",
          "SELECT count(*) FROM api_token WHERE made_utc_s < :to AND expires_utc_s > :from"),
    Query("downloads", DISCLOSURE, "", _tally("open_data get %")),
    Query("refreshed_days", DISCLOSURE, "", f"SELECT count(DISTINCT day) {_DAYS} AND what = 'open_data made'"),
    Query("lessons", STAFF, "", f"SELECT count(*) {_TRAINED}"),
    Query("trained_people", STAFF, "", f"SELECT count(DISTINCT nullif(person, '')) {_TRAINED}"),
    Query("lesson_score", STAFF, "", f"SELECT avg(score) {_TRAINED}"),
)  # fmt: skip
