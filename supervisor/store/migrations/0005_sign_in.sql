-- When a session was last used and from what, who made a link, and every name that has been invited.
ALTER TABLE session ADD COLUMN seen_utc_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE one_time_token ADD COLUMN made_utc_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE one_time_token ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
UPDATE session SET seen_utc_s = created_utc_s;

-- Links printed at a start are void once an administrator has signed in; older versions left them valid.
UPDATE one_time_token SET purpose = 'first-start' WHERE purpose = 'sign-in' AND user = 'admin' AND role = 'admin';
DELETE FROM one_time_token WHERE purpose = 'first-start' AND used_utc_s IS NULL
    AND EXISTS (SELECT 1 FROM kv WHERE key = 'app.web.first-link-used');

-- SQLite takes role from the row with the greatest time.
INSERT OR IGNORE INTO user (name, role, password_hash, created_utc_s)
    SELECT user, role, '', MAX(created_utc_s) FROM session GROUP BY user;
INSERT OR IGNORE INTO user (name, role, password_hash, created_utc_s)
    SELECT user, role, '', MAX(expires_utc_s) FROM one_time_token
    WHERE purpose = 'sign-in' AND used_utc_s IS NULL GROUP BY user;
