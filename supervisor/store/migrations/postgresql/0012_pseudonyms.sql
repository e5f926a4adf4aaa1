-- The audit log only grows: the triggers of 0003 and 0012, of which only the later ones count for a new record.
CREATE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log only grows' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_keeps BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keeps();
CREATE TRIGGER audit_stands BEFORE UPDATE ON audit FOR EACH ROW
    WHEN (NOT (OLD.pseudonymised = 0 AND NEW.pseudonymised = 1 AND NEW.id = OLD.id AND NEW.utc_s = OLD.utc_s
               AND NEW.action = OLD.action AND NEW.hash = OLD.hash))
    EXECUTE FUNCTION audit_keeps();
