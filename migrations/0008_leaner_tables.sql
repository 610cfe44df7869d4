-- What an append pays for besides its event. The tables are projections, written anew from the log afterwards.

-- What is waited for. On the boot it was set on the boot clock decides, on any other the wall clock. Few rows that come
-- and go: its key is the table, and whoever wants the next one first sorts them.
DROP TABLE deadlines;
CREATE TABLE deadlines (
    controller TEXT    NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind <> ''),
    service    TEXT    NOT NULL DEFAULT '',
    replica    INTEGER NOT NULL DEFAULT 0,
    due_at_us  INTEGER NOT NULL,
    due_at_boot_us INTEGER NOT NULL,
    boot_id    TEXT    NOT NULL,
    span_us    INTEGER NOT NULL,                -- how long it was from the moment it was set
    generation INTEGER NOT NULL,                -- stream version of the event that set it
    PRIMARY KEY (controller, kind, service, replica)
) STRICT, WITHOUT ROWID;

-- The same columns as before in one statement. What a status may be is said by OR: for IN with more than two, SQLite
-- makes a table of its own at every write.
DROP TABLE controllers;
CREATE TABLE controllers (
    name                 TEXT PRIMARY KEY NOT NULL,
    status               TEXT    NOT NULL CHECK (status = 'STARTING' OR status = 'UP' OR status = 'IDLE'
                                                 OR status = 'STOPPING' OR status = 'STOPPED' OR status = 'FAILED'
                                                 OR status = 'TERMINATING' OR status = 'TERMINATED'),
    reason               TEXT,
    incarnation          INTEGER NOT NULL,
    version              INTEGER NOT NULL,
    idle_timeout_seconds REAL,                  -- NULL: never
    policy_source        TEXT    NOT NULL,
    started_at_us        INTEGER,
    since_us             INTEGER,               -- when it became idle, stopping or stopped
    autostop_at_us       INTEGER,               -- when it stops unless something is brought up
    start_again          INTEGER NOT NULL DEFAULT 0,
    recoveries           INTEGER NOT NULL,
    needs_process        INTEGER NOT NULL,      -- 1 while a controller process must be running
    process              TEXT,
    down                 INTEGER NOT NULL DEFAULT 0,    -- 1: terminated at its idle deadline, not only stopped
    down_source          TEXT,
    terminate_after_seconds REAL,               -- how long it may stay stopped; NULL: for ever
    terminate_after_source TEXT,
    paused_by            TEXT,                  -- who paused autostop; NULL: nobody
    paused_reason        TEXT,
    paused_until_us      INTEGER                -- NULL: until it is resumed
) STRICT, WITHOUT ROWID;

DROP TABLE replicas;
CREATE TABLE replicas (
    controller TEXT    NOT NULL,
    service    TEXT    NOT NULL,
    id         INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    status     TEXT    NOT NULL,
    reason     TEXT,
    endpoint   TEXT,
    handle     TEXT,
    added_at_us    INTEGER NOT NULL,
    launched_at_us INTEGER,
    since_us       INTEGER NOT NULL,
    PRIMARY KEY (controller, service, id)
) STRICT, WITHOUT ROWID;

-- As before, but the whole transaction ends and not its last statement only: else SQLite would keep, at every append, a
-- copy of each page that the statement changes.
DROP TRIGGER events_have_no_holes;
CREATE TRIGGER events_have_no_holes BEFORE INSERT ON events
WHEN NEW.position <> 1 + coalesce((SELECT max(position) FROM events), (SELECT max(position) FROM archives), 0)
BEGIN SELECT RAISE(ROLLBACK, 'events have no holes: a position follows the one before it'); END;
