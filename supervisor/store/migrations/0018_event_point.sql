-- The stamp of each event's point, so that it can be written again; who, by role, and why; the end of a gap.
ALTER TABLE event ADD COLUMN point_utc_s INTEGER;
ALTER TABLE event ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN role TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN until_utc_s INTEGER;
ALTER TABLE event ADD COLUMN missing_s INTEGER;
-- Events until now: each a second after the one before it, or at its own where that is later, as their points were.
UPDATE event SET point_utc_s = (
    SELECT place + latest FROM (
        SELECT id, place, max(utc_s - place) OVER (PARTITION BY subject ORDER BY place) AS latest FROM (
            SELECT id, utc_s, subject, row_number() OVER (PARTITION BY subject ORDER BY utc_s, id) AS place FROM event
        )
    ) AS stamped WHERE stamped.id = event.id
);
CREATE UNIQUE INDEX event_point ON event (subject, point_utc_s);
CREATE INDEX event_gap ON event (subject, utc_s) WHERE kind = 'gap';
