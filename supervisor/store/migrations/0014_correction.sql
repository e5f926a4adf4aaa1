-- Energy that a person booked from the quarantine, and took back again; reason and person are in the audit log.
CREATE TABLE correction (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    board TEXT NOT NULL, life INTEGER NOT NULL, boot INTEGER NOT NULL, q INTEGER NOT NULL, -- of the record
    zone TEXT NOT NULL,
    booked_utc_s INTEGER NOT NULL,
    from_utc_s INTEGER NOT NULL, to_utc_s INTEGER NOT NULL, -- quarters of an hour that it was spread over
    energy_wh INTEGER NOT NULL,
    reverted_utc_s INTEGER
);
CREATE UNIQUE INDEX correction_stands ON correction (board, life, boot, q, zone) WHERE reverted_utc_s IS NULL;
