-- Who may use the operator API. Of a key only its SHA-256 is here: it is shown once, when it is made.
CREATE TABLE operator_keys (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name VARCHAR(64) NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'),
    scope VARCHAR(8) NOT NULL CHECK (scope IN ('read', 'act', 'admin')),
    hash BYTEA NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    created_by VARCHAR(80) NOT NULL,
    expires_at TIMESTAMPTZ,
    -- To the minute or so: not every request writes.
    last_used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    revoked_by VARCHAR(80),
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
-- A name stands in the records of what its key did, so of the keys in force each has its own.
CREATE UNIQUE INDEX operator_keys_name_in_force ON operator_keys (name) WHERE revoked_at IS NULL;

-- Of a session only the SHA-256 of its cookie is here. It was opened with a key of the table, or with one of the setting
-- server.http.operatorKeys, which must not be guessable from here: proof is an HMAC of that key under the cookie.
CREATE TABLE operator_sessions (
    hash BYTEA PRIMARY KEY CHECK (octet_length(hash) = 32),
    key_id BIGINT REFERENCES operator_keys (id),
    proof BYTEA CHECK (octet_length(proof) = 32),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    expires_at TIMESTAMPTZ NOT NULL,
    CHECK ((key_id IS NULL) <> (proof IS NULL))
);
CREATE INDEX operator_sessions_expiry ON operator_sessions (expires_at);
