-- What people and the planner command.
CREATE TABLE sequence (board TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE override (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    zone TEXT NOT NULL,
    mode TEXT NOT NULL,
    reason TEXT NOT NULL,
    user TEXT NOT NULL,
    created_utc_s INTEGER NOT NULL,
    expires_utc_s INTEGER NOT NULL,
    state TEXT NOT NULL
);
CREATE INDEX override_zone ON override (zone, created_utc_s);
CREATE INDEX override_live ON override (expires_utc_s) WHERE state IN ('requested', 'sent', 'accepted', 'measured');

CREATE TABLE plan (
    id INTEGER PRIMARY KEY,
    zone TEXT NOT NULL,
    issued_utc_s INTEGER NOT NULL,
    plan BLOB NOT NULL              -- JSON: supervisor.domain.plan.Plan
);
CREATE INDEX plan_zone ON plan (zone, issued_utc_s);

CREATE TABLE alarm (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    subject TEXT NOT NULL,          -- zone, board, feeder or '' for the service
    detail TEXT NOT NULL,
    raised_utc_s INTEGER NOT NULL,
    acknowledged_utc_s INTEGER,
    acknowledged_by TEXT,
    cleared_utc_s INTEGER
);
CREATE UNIQUE INDEX alarm_open ON alarm (code, subject) WHERE cleared_utc_s IS NULL;

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    utc_s INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX event_time ON event (utc_s);
