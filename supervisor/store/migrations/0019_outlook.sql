-- What was said each evening about ice within a day, by road ('': the district), and what became of it.
CREATE TABLE outlook (
    issued_utc_s INTEGER NOT NULL,
    zone TEXT NOT NULL,
    until_utc_s INTEGER NOT NULL,
    stage TEXT NOT NULL,  -- none, reinforced, one, two, three
    probability REAL NOT NULL,  -- of snow, ice or frost on the road without heat
    black_ice REAL NOT NULL,  -- of ice or frost without snow
    snow_cm REAL NOT NULL,
    onset_utc_s INTEGER,  -- median of the members with ice
    called INTEGER NOT NULL,  -- whether it was said that there would be ice
    happened INTEGER,  -- by the weather as it was; null: not known yet, or never
    icy_min INTEGER,  -- minutes with snow, ice or frost without heat, by the weather as it was
    checked_utc_s INTEGER,
    PRIMARY KEY (issued_utc_s, zone)
) WITHOUT ROWID;
CREATE TABLE outlook_state (
    issued_utc_s INTEGER PRIMARY KEY,
    state TEXT NOT NULL  -- the roads at that moment, for the check; deleted with it
);
