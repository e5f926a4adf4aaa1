-- Who may do what, and what was done. Tokens are kept as SHA-256 only.
CREATE TABLE user (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_utc_s INTEGER NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE session (
    token_sha256 BLOB PRIMARY KEY,
    user TEXT NOT NULL,
    role TEXT NOT NULL,
    csrf TEXT NOT NULL,
    created_utc_s INTEGER NOT NULL,
    expires_utc_s INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE one_time_token (
    token_sha256 BLOB PRIMARY KEY,
    purpose TEXT NOT NULL,
    user TEXT NOT NULL,
    role TEXT NOT NULL,
    expires_utc_s INTEGER NOT NULL,
    used_utc_s INTEGER
) WITHOUT ROWID;

-- Each entry's hash covers the one before, so that nothing can be changed or left out unseen.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    utc_s INTEGER NOT NULL,
    user TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BLOB NOT NULL
);
CREATE TRIGGER audit_keeps BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_stands BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
