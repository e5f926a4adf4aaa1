-- Names of people in old audit entries give place to pseudonyms; the chain keeps the hash of the entry as it was.
ALTER TABLE audit ADD COLUMN pseudonymised INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER audit_stands;
CREATE TRIGGER audit_stands BEFORE UPDATE ON audit
    WHEN NOT (OLD.pseudonymised = 0 AND NEW.pseudonymised = 1 AND NEW.id = OLD.id AND NEW.utc_s = OLD.utc_s
              AND NEW.action = OLD.action AND NEW.hash = OLD.hash)
    BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
-- Deleted with a person's last entry under their name; then nobody can tell who it was.
CREATE TABLE pseudonym (name TEXT PRIMARY KEY, alias TEXT NOT NULL UNIQUE) WITHOUT ROWID;
