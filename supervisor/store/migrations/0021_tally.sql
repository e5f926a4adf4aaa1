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
