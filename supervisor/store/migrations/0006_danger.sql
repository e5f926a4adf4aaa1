-- Electric danger: all off, until two different people have cleared it.
CREATE TABLE danger (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,             -- zone or feeder
    subject TEXT NOT NULL,          -- its id
    user TEXT NOT NULL,
    raised_utc_s INTEGER NOT NULL,
    cleared_by TEXT,
    cleared_utc_s INTEGER,
    confirmed_by TEXT,
    confirmed_utc_s INTEGER
);
CREATE INDEX danger_stands ON danger (kind, subject) WHERE confirmed_utc_s IS NULL;
