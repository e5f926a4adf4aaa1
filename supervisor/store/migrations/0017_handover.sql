-- What one shift tells the next, and who took it over.
CREATE TABLE handover (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    utc_s INTEGER NOT NULL,
    user TEXT NOT NULL,
    comment TEXT NOT NULL,
    comment_lines TEXT NOT NULL,  -- JSON: lines that were ticked
    taken_utc_s INTEGER,
    taken_by TEXT
);
CREATE INDEX handover_time ON handover (utc_s);
