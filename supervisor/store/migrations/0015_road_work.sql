-- What crews did on roads themselves: ploughed, salted; and what of it a person took back.
CREATE TABLE road_work (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    zone TEXT NOT NULL,
    kind TEXT NOT NULL,
    user TEXT NOT NULL,
    utc_s INTEGER NOT NULL,
    agent TEXT,
    amount_g_m2 REAL,           -- as said
    removed_mm REAL NOT NULL,   -- snow that left the estimate
    salt_g_m2 REAL NOT NULL,    -- NaCl that joined it
    taken_back_utc_s INTEGER,
    taken_back_by TEXT
);
CREATE INDEX road_work_time ON road_work (utc_s);
