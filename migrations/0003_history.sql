-- What looking back needs.

-- Folded states of the past, so that a moment long ago is folded from the one before it and not from the
-- beginning. A cache: may be deleted, and comes back with a rebuild.
CREATE TABLE checkpoints (
    stream   TEXT    NOT NULL,
    version  INTEGER NOT NULL CHECK (version > 0),
    position INTEGER NOT NULL,                 -- the event it is the state after
    format   INTEGER NOT NULL,
    state    TEXT    NOT NULL CHECK (json_valid(state)),
    PRIMARY KEY (stream, version)
) STRICT, WITHOUT ROWID;

-- What happened to a service, and what happened to controllers, without a look at every event.
CREATE INDEX events_by_service ON events (service, position) WHERE service IS NOT NULL;
CREATE INDEX events_of_controllers ON events (stream, version) WHERE type GLOB 'controller.*';
