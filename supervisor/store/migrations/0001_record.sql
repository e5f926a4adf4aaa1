-- What boards measured. One row per telemetry frame: key (board, life, boot, q); read in the order of `up_s`,
-- because a record from the journal may carry a later q than the live one it precedes.
CREATE TABLE tick (
    id INTEGER PRIMARY KEY,
    board TEXT NOT NULL,
    life INTEGER NOT NULL,          -- counts re-provisioned boards, whose boots start again at 1
    boot INTEGER NOT NULL,
    up_s INTEGER NOT NULL,          -- end of the interval since boot
    q INTEGER NOT NULL,
    start_utc_s INTEGER NOT NULL,   -- start of the interval; one second belongs to one tick of a board
    dt_s INTEGER NOT NULL,
    received_utc_s INTEGER NOT NULL,
    air_mc INTEGER,                 -- air temperature, where the supervisor knew it
    zones BLOB NOT NULL             -- msgpack: supervisor.store.tick.ZoneTick each
);
CREATE UNIQUE INDEX tick_key ON tick (board, life, boot, q);
CREATE INDEX tick_order ON tick (board, life, boot, up_s, q);
CREATE UNIQUE INDEX tick_time ON tick (board, start_utc_s);

CREATE TABLE board_life (board TEXT PRIMARY KEY, life INTEGER NOT NULL) WITHOUT ROWID;

-- The newest state of each zone's meter on each board, and the zone's total, moved in the tick's own transaction.
CREATE TABLE meter (
    board TEXT NOT NULL, zone TEXT NOT NULL,
    life INTEGER NOT NULL, boot INTEGER NOT NULL, up_s INTEGER NOT NULL, q INTEGER NOT NULL,
    state BLOB NOT NULL,            -- msgpack: supervisor.store.meter.Meter
    PRIMARY KEY (board, zone)
) WITHOUT ROWID;
CREATE TABLE zone_total (zone TEXT PRIMARY KEY, total_wh INTEGER NOT NULL) WITHOUT ROWID;

-- Energy per zone and hour in its four quarters (the tariff's interval), kept in the tick's own transaction.
CREATE TABLE zone_1h (
    start_utc_s INTEGER NOT NULL,
    zone TEXT NOT NULL,
    wh0 INTEGER NOT NULL, wh1 INTEGER NOT NULL, wh2 INTEGER NOT NULL, wh3 INTEGER NOT NULL,
    on_s INTEGER NOT NULL,
    covered_s INTEGER NOT NULL,     -- seconds that telemetry covers
    surface_mc_s INTEGER NOT NULL,  -- sum of surface temperature times its seconds
    surface_s INTEGER NOT NULL,     -- seconds with a plausible surface temperature
    surface_min_mc INTEGER,
    dirty INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (start_utc_s, zone)
) WITHOUT ROWID;
CREATE INDEX zone_1h_dirty ON zone_1h (start_utc_s) WHERE dirty = 1;

-- The same per local day, for ever.
CREATE TABLE zone_1d (
    day TEXT NOT NULL,              -- local date
    zone TEXT NOT NULL,
    start_utc_s INTEGER NOT NULL,
    energy_wh INTEGER NOT NULL,
    on_s INTEGER NOT NULL,
    covered_s INTEGER NOT NULL,
    surface_mean_mc INTEGER,
    surface_min_mc INTEGER,
    PRIMARY KEY (day, zone)
) WITHOUT ROWID;

-- Lines for InfluxDB as they will be sent, so that a replay is byte-identical.
CREATE TABLE spool (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    points INTEGER NOT NULL,
    lines TEXT NOT NULL
);
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY,
    utc_s INTEGER NOT NULL,
    line TEXT NOT NULL,
    reason TEXT NOT NULL
);

CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
