-- Who is on duty when; which roads are being worked on; who was notified of which alarm; and the browsers to tell.
CREATE TABLE shift (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    rank INTEGER NOT NULL,
    from_utc_s INTEGER NOT NULL,
    until_utc_s INTEGER NOT NULL,
    made_by TEXT NOT NULL
);
CREATE INDEX shift_until ON shift (until_utc_s);

CREATE TABLE maintenance (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    from_utc_s INTEGER NOT NULL,
    until_utc_s INTEGER NOT NULL,
    reason TEXT NOT NULL,
    made_by TEXT NOT NULL
);
CREATE INDEX maintenance_until ON maintenance (until_utc_s);

CREATE TABLE notice (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    raised_utc_s INTEGER NOT NULL,
    receiver TEXT NOT NULL,
    event TEXT NOT NULL,
    utc_s INTEGER NOT NULL
);
CREATE INDEX notice_alarm ON notice (code, subject, raised_utc_s);
CREATE INDEX notice_utc ON notice (utc_s);

-- A subscription lives as long as the session that made it: a lost phone that is signed out is told nothing more.
CREATE TABLE push_subscription (
    endpoint TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    session BLOB NOT NULL,
    p256dh TEXT NOT NULL,
    auth TEXT NOT NULL,
    language TEXT NOT NULL,
    made_utc_s INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX push_person ON push_subscription (person);
