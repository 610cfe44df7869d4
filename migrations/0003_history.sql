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

-- What happened to a service; and what happened to controllers and to services as such, which is little among
-- what happened to replicas. A question that is to use the last two says the same condition.
CREATE INDEX events_by_service ON events (service, position) WHERE service IS NOT NULL;
CREATE INDEX events_of_controllers ON events (stream, version, type) WHERE type GLOB 'controller.*';
CREATE INDEX events_of_services ON events (stream, version, service, type) WHERE type GLOB 'service.*';
