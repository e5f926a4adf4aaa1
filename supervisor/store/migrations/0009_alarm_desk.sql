-- What people say of an alarm: what they did, who takes care of it, and until when it is put off.
ALTER TABLE alarm ADD COLUMN comment TEXT NOT NULL DEFAULT '';
ALTER TABLE alarm ADD COLUMN assigned_to TEXT NOT NULL DEFAULT '';
ALTER TABLE alarm ADD COLUMN shelved_until_utc_s INTEGER;
