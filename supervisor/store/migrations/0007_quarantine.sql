-- What boards said that was not booked: energy above what a cable can draw, samples and frames that cannot be true.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    board TEXT NOT NULL,
    zone TEXT NOT NULL,             -- '' where it is about the whole frame
    life INTEGER NOT NULL, boot INTEGER NOT NULL, q INTEGER NOT NULL,
    received_utc_s INTEGER NOT NULL,
    start_utc_s INTEGER NOT NULL,   -- of the interval, as the supervisor stamped it
    excess_wh INTEGER NOT NULL,     -- energy that was not booked
    reason TEXT NOT NULL,           -- 'energy' or what was wrong
    raw BLOB                        -- the frame's payload, where the frame itself was refused
);
CREATE UNIQUE INDEX quarantine_energy ON quarantine (board, life, boot, q, zone) WHERE reason = 'energy';
CREATE INDEX quarantine_board ON quarantine (board, id);
CREATE INDEX quarantine_time ON quarantine (start_utc_s);

-- 0: its uptime claims more time than has passed; its counter's rise is not booked.
ALTER TABLE tick ADD COLUMN believed INTEGER NOT NULL DEFAULT 1;
CREATE INDEX tick_not_believed ON tick (board, life, boot, up_s, q) WHERE believed = 0;

-- Lives that boards named in their hello.
CREATE TABLE board_life_id (
    board TEXT NOT NULL, id TEXT NOT NULL, life INTEGER NOT NULL, PRIMARY KEY (board, id)
) WITHOUT ROWID;

-- Time that a board's records may still claim, see supervisor.store.uptime.
CREATE TABLE board_time (
    board TEXT PRIMARY KEY,
    received_utc_s INTEGER NOT NULL,
    spare_s REAL NOT NULL,          -- time that has passed and that no record covers yet
    early_s INTEGER NOT NULL,       -- the same before the first record ever
    first_life INTEGER NOT NULL, first_boot INTEGER NOT NULL,
    life INTEGER NOT NULL, boot INTEGER NOT NULL, up_s INTEGER NOT NULL -- the newest record
) WITHOUT ROWID;

-- A run of seconds that ticks of a board have taken, see supervisor.store.seconds.
CREATE TABLE board_seconds (
    board TEXT PRIMARY KEY, from_utc_s INTEGER NOT NULL, to_utc_s INTEGER NOT NULL
) WITHOUT ROWID;

-- Recomputations after late records that a commit has left to the next ones, see supervisor.store.late.
CREATE TABLE replay (
    board TEXT NOT NULL, zone TEXT NOT NULL,
    life INTEGER NOT NULL, boot INTEGER NOT NULL, up_s INTEGER NOT NULL, q INTEGER NOT NULL, -- the last tick that is done
    state BLOB NOT NULL,            -- msgpack: the zone's Meter after it
    PRIMARY KEY (board, zone)
) WITHOUT ROWID;
