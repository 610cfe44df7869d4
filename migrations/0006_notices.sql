-- Who is told what happens (`notify` of config.yaml), and how far they have been told. No projection: it does not
-- follow from the log, and is not written anew with it.
CREATE TABLE notice_receivers (
    key         TEXT    PRIMARY KEY,           -- its name, or a digest of what it is
    label       TEXT    NOT NULL,              -- as people call it
    types       TEXT    NOT NULL CHECK (json_valid(types)),        -- of the events it is told of
    controllers TEXT    NOT NULL CHECK (json_valid(controllers)),  -- patterns of their controllers; empty: all
    position    INTEGER NOT NULL CHECK (position >= 0),            -- everything up to here it was told, or need not be
    delivered   INTEGER NOT NULL DEFAULT 0,    -- how many events it was told of
    failures    INTEGER NOT NULL DEFAULT 0,    -- tries in a row that failed for the next one
    retry_at_us INTEGER,                       -- not before this
    error       TEXT,                          -- what the last of them said
    error_at_us INTEGER
) STRICT, WITHOUT ROWID;
