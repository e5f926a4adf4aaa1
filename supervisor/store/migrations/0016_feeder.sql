-- Which feeder supplied a zone from when on: tags of points that are written again stay as they were.
CREATE TABLE zone_feeder (
    zone TEXT NOT NULL,
    from_utc_s INTEGER NOT NULL,
    feeder TEXT NOT NULL,
    PRIMARY KEY (zone, from_utc_s)
) WITHOUT ROWID;

-- Load of each feeder by quarters of an hour, and what was billed by then; follows zone_1h.
CREATE TABLE feeder_15m (
    start_utc_s INTEGER NOT NULL,
    feeder TEXT NOT NULL,
    energy_wh INTEGER NOT NULL,
    peak_wh INTEGER NOT NULL,       -- the highest quarter of the local month so far, among the hours that count
    billed_kw REAL NOT NULL,        -- what the month would be billed if it ended here
    PRIMARY KEY (feeder, start_utc_s)
) WITHOUT ROWID;
