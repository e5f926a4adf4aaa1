-- What boards count of each contactor over their own life, as it stood on a local day: gaps of telemetry do not change it.
CREATE TABLE life_day (
    zone TEXT NOT NULL,
    day TEXT NOT NULL,
    switchings INTEGER NOT NULL,
    on_h INTEGER NOT NULL,
    PRIMARY KEY (zone, day)
) WITHOUT ROWID;
