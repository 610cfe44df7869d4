-- Old events may be moved into a file of their own. What the log then begins with is kept here.

-- Each time events were archived: those up to `position` are in `file`, or in an earlier one. The first event that
-- remains is chained to `digest`.
CREATE TABLE archives (
    position       INTEGER PRIMARY KEY CHECK (position > 0),      -- the last event that was moved
    digest         BLOB    NOT NULL CHECK (length(digest) = 32),  -- of that event
    at_us          INTEGER NOT NULL,                              -- wall time of that event
    file           TEXT    NOT NULL,                              -- where they were written; it may have been moved since
    archived_at_us INTEGER NOT NULL,
    archived_by    TEXT    NOT NULL
) STRICT;

CREATE TRIGGER archives_are_never_updated BEFORE UPDATE ON archives
BEGIN SELECT RAISE(ABORT, 'archives are append-only: an archive is never changed'); END;

CREATE TRIGGER archives_are_never_deleted BEFORE DELETE ON archives
BEGIN SELECT RAISE(ABORT, 'archives are append-only: an archive is never forgotten'); END;

-- What the archived events of each controller led to. Not a cache: without it what remains cannot be folded.
CREATE TABLE bases (
    stream  TEXT PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version > 0),                 -- of its last archived event
    digest  BLOB    NOT NULL CHECK (length(digest) = 32),         -- of that event
    format  INTEGER NOT NULL,
    state   TEXT    NOT NULL CHECK (json_valid(state))
) STRICT;

-- Where archived events lay that later ones may follow from.
CREATE TABLE archived_causes (
    stream   TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (stream, version)
) STRICT, WITHOUT ROWID;

-- As before, but for what is archived.
DROP TRIGGER events_are_never_deleted;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
WHEN OLD.position > (SELECT coalesce(max(position), 0) FROM archives)
BEGIN SELECT RAISE(ABORT, 'events are append-only: an event is never deleted'); END;

DROP TRIGGER events_have_no_holes;
CREATE TRIGGER events_have_no_holes BEFORE INSERT ON events
WHEN NEW.position <> 1 + coalesce((SELECT max(position) FROM events), (SELECT max(position) FROM archives), 0)
BEGIN SELECT RAISE(ABORT, 'events have no holes: a position follows the one before it'); END;
