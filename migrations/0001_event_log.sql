-- The log, its projections, and the views people read. This file is frozen once shipped: a change is a
-- new file with the next number.

-- What happened. The only truth; every other table is folded from it.
CREATE TABLE events (
    position       INTEGER PRIMARY KEY CHECK (position > 0),      -- place in the log, from 1, without holes
    stream         TEXT    NOT NULL,                              -- the controller's name
    version        INTEGER NOT NULL CHECK (version > 0),          -- place in the stream, from 1, without holes
    type           TEXT    NOT NULL,                              -- controller.idle, replica.ready, ...
    schema_version INTEGER NOT NULL CHECK (schema_version > 0),   -- version of the payload's form
    at_us          INTEGER NOT NULL,                              -- wall time, microseconds since 1970 UTC
    service        TEXT,
    replica        INTEGER,
    actor          TEXT    NOT NULL,                              -- who: user@host
    component      TEXT    NOT NULL,                              -- through what: cli, controller, keeper
    command_id     TEXT,                                          -- the command it came from; the same id twice is one command
    cause          INTEGER,                                       -- position of the event that led to it
    payload        TEXT    NOT NULL CHECK (json_valid(payload)),
    digest         BLOB    NOT NULL CHECK (length(digest) = 32),  -- SHA-256 over the digest before it and this row
    UNIQUE (stream, version)
) STRICT;

CREATE INDEX events_by_command ON events (stream, command_id) WHERE command_id IS NOT NULL;
CREATE INDEX events_by_time ON events (at_us);

CREATE TRIGGER events_are_never_updated BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only: an event is never changed'); END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only: an event is never deleted'); END;

CREATE TRIGGER events_have_no_holes BEFORE INSERT ON events
WHEN NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'events have no holes: a position follows the one before it'); END;

-- Ids of commands that were accepted and changed nothing: repeated, they must change nothing later either.
CREATE TABLE commands_without_events (
    stream     TEXT    NOT NULL,
    command_id TEXT    NOT NULL,
    at_us      INTEGER NOT NULL,
    PRIMARY KEY (stream, command_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER commands_are_never_deleted BEFORE DELETE ON commands_without_events
BEGIN SELECT RAISE(ABORT, 'commands are append-only: the same id twice is one command'); END;

-- Facts about the log itself.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

INSERT INTO meta VALUES ('log_id', lower(hex(randomblob(8))));

-- Folded states, so that opening a long stream does not read it from its beginning. May be deleted.
CREATE TABLE snapshots (
    stream  TEXT PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version > 0),
    format  INTEGER NOT NULL,
    state   TEXT    NOT NULL CHECK (json_valid(state))
) STRICT;

-- What is true now. Written with the events, in the same transaction.
CREATE TABLE controllers (
    name                 TEXT PRIMARY KEY,
    status               TEXT    NOT NULL CHECK (status IN ('STARTING', 'UP', 'IDLE', 'STOPPING', 'STOPPED',
                                                            'FAILED', 'TERMINATING', 'TERMINATED')),
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
    process              TEXT
) STRICT;

CREATE TABLE services (
    controller   TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    status       TEXT    NOT NULL,
    reason       TEXT,
    live         INTEGER NOT NULL,              -- 1 while it holds its controller up
    host         TEXT    NOT NULL,
    port         INTEGER NOT NULL,
    requested_at_us INTEGER NOT NULL,
    requested_by TEXT    NOT NULL,
    ready_since_us  INTEGER,
    replicas     INTEGER NOT NULL,
    ready_replicas  INTEGER NOT NULL,
    wanted_replicas INTEGER NOT NULL,
    load_balancer TEXT,                         -- its handle while it runs
    spec         TEXT    NOT NULL CHECK (json_valid(spec)),
    PRIMARY KEY (controller, name)
) STRICT;

-- Every service of every controller has a port of its own: they share one host.
CREATE UNIQUE INDEX services_by_endpoint ON services (host, port);

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
) STRICT;

-- What is waited for. On the boot it was set on the boot clock decides, on any other the wall clock.
CREATE TABLE deadlines (
    controller TEXT    NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('idle', 'readiness', 'launch', 'cleanup', 'load_balancer_launch')),
    service    TEXT    NOT NULL DEFAULT '',
    replica    INTEGER NOT NULL DEFAULT 0,
    due_at_us  INTEGER NOT NULL,
    due_at_boot_us INTEGER NOT NULL,
    boot_id    TEXT    NOT NULL,
    span_us    INTEGER NOT NULL,                -- how long it was from the moment it was set
    generation INTEGER NOT NULL,                -- stream version of the event that set it
    PRIMARY KEY (controller, kind, service, replica)
) STRICT;

CREATE INDEX deadlines_by_due ON deadlines (due_at_us);

-- The log as a person reads it: when, who, what, why. Times are local.
CREATE VIEW audit_log AS
SELECT
    position,
    strftime('%Y-%m-%d %H:%M:%f', at_us / 1000000.0, 'unixepoch', 'localtime') AS time,
    stream AS controller,
    service,
    replica,
    type AS event,
    CASE type
        WHEN 'controller.starting' THEN
            'starting' || coalesce(' for service ' || service, '') || ', life ' || json_extract(payload, '$.incarnation')
        WHEN 'controller.started' THEN
            printf('started in %.3f s by process %s', json_extract(payload, '$.tookMicroseconds') / 1e6, json_extract(payload, '$.process'))
        WHEN 'controller.start_failed' THEN 'could not start: ' || json_extract(payload, '$.reason')
        WHEN 'controller.recovered' THEN 'taken over by process ' || json_extract(payload, '$.process') || ' after a crash'
        WHEN 'controller.idle' THEN
            'idle; ' || coalesce('stops at ' || strftime('%Y-%m-%d %H:%M:%S', json_extract(payload, '$.deadline.wallMicroseconds') / 1000000.0, 'unixepoch', 'localtime')
                || ' unless something is brought up', 'never stops by itself')
        WHEN 'controller.woken' THEN
            printf('woken by service %s after %.3f s idle', service, json_extract(payload, '$.idleMicroseconds') / 1e6)
        WHEN 'controller.policy_set' THEN
            'autostop ' || coalesce('after ' || json_extract(payload, '$.policy.idleTimeoutSeconds') || ' s idle', 'never')
                || ' (' || json_extract(payload, '$.policy.source') || ')'
        WHEN 'controller.stopping' THEN
            CASE json_extract(payload, '$.reason')
                WHEN 'idle_deadline' THEN printf('stopping at its idle deadline, %.6f s late', json_extract(payload, '$.latenessMicroseconds') / 1e6)
                ELSE 'stopping by hand'
            END
        WHEN 'controller.start_requested' THEN 'will start again once stopped' || coalesce(', for service ' || service, '')
        WHEN 'controller.stopped' THEN 'stopped ' || CASE json_extract(payload, '$.reason') WHEN 'idle_deadline' THEN 'by its idle deadline' ELSE 'by hand' END
        WHEN 'controller.terminating' THEN 'terminating' || CASE WHEN json_extract(payload, '$.force') THEN ' by force' ELSE '' END
        WHEN 'controller.terminated' THEN 'terminated'
        WHEN 'service.up_requested' THEN
            printf('up requested: %d replica(s) at %s:%d', json_extract(payload, '$.spec.replicas'), json_extract(payload, '$.endpoint.host'), json_extract(payload, '$.endpoint.port'))
        WHEN 'service.down_requested' THEN 'down requested'
        WHEN 'service.launches_stopped' THEN 'not launched any more: ' || json_extract(payload, '$.reason')
        WHEN 'service.status_changed' THEN
            json_extract(payload, '$.from') || ' -> ' || json_extract(payload, '$.to') || coalesce(': ' || json_extract(payload, '$.reason'), '')
        WHEN 'service.gone' THEN 'gone'
        WHEN 'load_balancer.added' THEN 'load balancer wanted'
        WHEN 'load_balancer.launch_due' THEN 'load balancer is tried again'
        WHEN 'load_balancer.launched' THEN 'load balancer runs as ' || json_extract(payload, '$.handle')
        WHEN 'load_balancer.ended' THEN 'load balancer ended: ' || json_extract(payload, '$.reason')
        WHEN 'load_balancer.removing' THEN 'load balancer is being removed'
        WHEN 'load_balancer.gone' THEN 'load balancer is gone'
        WHEN 'replica.added' THEN
            'wanted, version ' || json_extract(payload, '$.version')
                || coalesce(', not before ' || strftime('%H:%M:%f', json_extract(payload, '$.launchAt.wallMicroseconds') / 1000000.0, 'unixepoch', 'localtime'), '')
        WHEN 'replica.launch_due' THEN 'its back-off is over'
        WHEN 'replica.launched' THEN
            printf('launched as %s for %s:%d', json_extract(payload, '$.handle'), json_extract(payload, '$.endpoint.host'), json_extract(payload, '$.endpoint.port'))
        WHEN 'replica.starting' THEN 'run started'
        WHEN 'replica.ready' THEN 'ready: ' || json_extract(payload, '$.evidence')
        WHEN 'replica.not_ready' THEN 'not ready: ' || json_extract(payload, '$.evidence')
        WHEN 'replica.ended' THEN
            CASE
                WHEN json_extract(payload, '$.ending.exited') IS NOT NULL THEN
                    printf('%s exited with code %d', json_extract(payload, '$.ending.exited.stage'), json_extract(payload, '$.ending.exited.code'))
                WHEN json_extract(payload, '$.ending.signaled') IS NOT NULL THEN
                    printf('%s was ended by signal %d', json_extract(payload, '$.ending.signaled.stage'), json_extract(payload, '$.ending.signaled.signal'))
                WHEN json_extract(payload, '$.ending.rebooted') IS NOT NULL THEN 'lost: the machine was booted again'
                ELSE 'its process is gone'
            END
        WHEN 'replica.removing' THEN
            'being removed: ' || coalesce(json_extract(payload, '$.reason.failed.reason'), json_extract(payload, '$.reason.preempted.reason'), 'not wanted any more')
        WHEN 'replica.cleanup_failed' THEN 'could not be removed: ' || json_extract(payload, '$.leftovers')
        WHEN 'replica.cleanup_due' THEN 'its removal is tried again'
        WHEN 'replica.failed' THEN json_extract(payload, '$.status') || ': ' || json_extract(payload, '$.reason')
        WHEN 'replica.gone' THEN 'gone' || coalesce(': ' || json_extract(payload, '$.reason'), '')
        ELSE payload
    END AS what,
    actor,
    component,
    cause,
    at_us,
    payload
FROM events
ORDER BY position;

-- Every idle period (law L5): when it began, when it would have stopped its controller, how it ended.
CREATE VIEW idle_periods AS
SELECT
    began.stream AS controller,
    began.position AS began_position,
    strftime('%Y-%m-%d %H:%M:%f', began.at_us / 1000000.0, 'unixepoch', 'localtime') AS began,
    strftime('%Y-%m-%d %H:%M:%f', json_extract(began.payload, '$.deadline.wallMicroseconds') / 1000000.0, 'unixepoch', 'localtime') AS deadline,
    strftime('%Y-%m-%d %H:%M:%f', ended.at_us / 1000000.0, 'unixepoch', 'localtime') AS ended,
    CASE ended.type
        WHEN 'controller.woken' THEN 'woken'
        WHEN 'controller.policy_set' THEN 'policy changed'
        WHEN 'controller.terminating' THEN 'terminated by hand'
        WHEN 'controller.stopping' THEN
            CASE json_extract(ended.payload, '$.reason') WHEN 'idle_deadline' THEN 'stopped by deadline' ELSE 'stopped by hand' END
    END AS how,
    (ended.at_us - began.at_us) / 1e6 AS seconds,
    json_extract(ended.payload, '$.latenessMicroseconds') / 1e6 AS lateness_seconds
FROM events AS began
LEFT JOIN events AS ended
    ON ended.stream = began.stream
    AND ended.version = (
        SELECT min(e.version) FROM events AS e
        WHERE e.stream = began.stream AND e.version > began.version
            AND e.type IN ('controller.woken', 'controller.policy_set', 'controller.terminating', 'controller.stopping')
            AND json_extract(e.payload, '$.idleVersion') = began.version)
WHERE began.type = 'controller.idle'
ORDER BY began.position;
