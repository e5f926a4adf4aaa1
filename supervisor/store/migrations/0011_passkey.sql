-- Passkeys (WebAuthn): public keys only; the secret stays on the person's device.
CREATE TABLE passkey (
    credential BLOB PRIMARY KEY,    -- id that the device gave
    user TEXT NOT NULL,
    handle BLOB NOT NULL,           -- random; the same for all passkeys of one person
    device TEXT NOT NULL,           -- what it was made on: phone, computer, program
    public_key BLOB NOT NULL,       -- COSE
    sign_count INTEGER NOT NULL,    -- 0 where the device does not count
    made_utc_s INTEGER NOT NULL,
    used_utc_s INTEGER NOT NULL DEFAULT 0   -- 0: never
) WITHOUT ROWID;
CREATE INDEX passkey_user ON passkey (user);
