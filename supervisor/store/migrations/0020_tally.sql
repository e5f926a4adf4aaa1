-- How often what was used or delivered, by local day: what a yearly report counts and nothing else keeps.
CREATE TABLE tally_day (
    day TEXT NOT NULL,  -- local date
    what TEXT NOT NULL,  -- "ngsi_ld delivered", "open_data csv", …
    count INTEGER NOT NULL,
    PRIMARY KEY (day, what)
) WITHOUT ROWID;
-- Lessons that staff went through.
CREATE TABLE training (
    id INTEGER PRIMARY KEY,
    utc_s INTEGER NOT NULL,
    lesson TEXT NOT NULL,
    score INTEGER NOT NULL,  -- of 100
    person TEXT NOT NULL  -- a name or a number of the city's own; may be ""
);
CREATE INDEX training_time ON training (utc_s);
-- Wear of each road's circuit by local day, from telemetry.
CREATE TABLE wear_day (
    day TEXT NOT NULL,
    zone TEXT NOT NULL,
    starts INTEGER NOT NULL,  -- closings of the contactor
    on_s INTEGER NOT NULL,
    full_s INTEGER NOT NULL,  -- seconds of intervals that were on from end to end, with a measured power
    full_ws INTEGER NOT NULL,  -- energy of those [W·s]
    PRIMARY KEY (day, zone)
) WITHOUT ROWID;
-- What a panel's own meters said, or a person with an instrument.
CREATE TABLE panel_reading (
    utc_s INTEGER NOT NULL,
    zone TEXT NOT NULL,
    user TEXT NOT NULL,  -- the device, or the person
    voltage_v REAL,
    current_a REAL,
    leakage_ma REAL,
    panel_c REAL,
    UNIQUE (zone, utc_s, user)
);
