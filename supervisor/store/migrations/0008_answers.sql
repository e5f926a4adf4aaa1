-- Answers to requests that changed something, so that the same request again changes nothing, also after a restart.
CREATE TABLE answer (
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    key BLOB NOT NULL,              -- SHA-256 of the Idempotency-Key
    fingerprint BLOB NOT NULL,      -- SHA-256 of method, address and body
    utc_s INTEGER NOT NULL,
    status INTEGER NOT NULL,
    content_type TEXT NOT NULL,     -- '' where there is no body
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX answer_key ON answer (user, key);
CREATE INDEX answer_time ON answer (utc_s);
