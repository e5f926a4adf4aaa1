-- Tokens of programs, as SHA-256. A revoked one is deleted; the audit log keeps its name.
CREATE TABLE api_token (
    token_sha256 BLOB PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,           -- separated by spaces
    made_by TEXT NOT NULL,
    made_utc_s INTEGER NOT NULL,
    expires_utc_s INTEGER NOT NULL,
    used_utc_s INTEGER NOT NULL DEFAULT 0   -- to the minute; 0: never
) WITHOUT ROWID;
