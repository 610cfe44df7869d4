-- The views people read. They hold nothing, so this file is not frozen: whenever it differs from what the
-- database was given last, it is applied anew. Each view is dropped before it is made.

-- What the views begin with, in the order they are shown in, each an event of a few among many: whoever asks for the
-- first twenty, or for a night, does not wait for a walk through the whole log. No other event writes to any of them.
-- They hold nothing of their own either; one that is to be another needs another name.
CREATE INDEX IF NOT EXISTS events_of_idleness ON events (position, at_us) WHERE type = 'controller.idle';
CREATE INDEX IF NOT EXISTS events_of_starting ON events (position, at_us) WHERE type = 'controller.starting';
CREATE INDEX IF NOT EXISTS events_of_being_started ON events (position, at_us) WHERE type = 'controller.started';
CREATE INDEX IF NOT EXISTS events_of_being_ready ON events (position, at_us)
    WHERE type = 'service.status_changed' AND json_extract(payload, '$.to') = 'READY';
-- What was in force at an event: by which policy, and whether autostop was paused. Few events say so, and many lie between.
CREATE INDEX IF NOT EXISTS events_of_policies ON events (stream, version)
    WHERE type IN ('controller.starting', 'controller.policy_set');
CREATE INDEX IF NOT EXISTS events_of_lives ON events (stream, version) WHERE type = 'controller.starting';
CREATE INDEX IF NOT EXISTS events_of_hooks ON events (stream, version) WHERE type = 'controller.hook_ended';
-- By OR, here and where it is asked for: for IN with more than two, SQLite makes a table of its own at every append.
DROP INDEX IF EXISTS events_of_pauses;
CREATE INDEX IF NOT EXISTS events_of_pausing ON events (stream, version, type)
    WHERE type = 'controller.autostop_paused' OR type = 'controller.autostop_resumed' OR type = 'controller.terminated';

-- The log as a person reads it: when, who, what, why. Times are local.
DROP VIEW IF EXISTS audit_log;
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
                || coalesce(', held back: ' || json_extract(payload, '$.heldBecause'), '')
        WHEN 'controller.started' THEN
            printf('started in %.3f s by process %s', json_extract(payload, '$.tookMicroseconds') / 1e6, json_extract(payload, '$.process'))
        WHEN 'controller.start_failed' THEN 'could not start: ' || json_extract(payload, '$.reason')
        WHEN 'controller.recovered' THEN 'taken over by process ' || json_extract(payload, '$.process')
                || CASE WHEN json_extract(payload, '$.previous') IS NULL THEN '' ELSE ' after a crash' END
        WHEN 'controller.idle' THEN
            'idle; ' || coalesce(CASE (
                    SELECT json_extract(p.payload, '$.policy.down.value') FROM events AS p
                    WHERE p.stream = events.stream AND p.version < events.version
                        AND p.type IN ('controller.starting', 'controller.policy_set')
                    ORDER BY p.version DESC LIMIT 1)
                    WHEN 1 THEN 'is terminated at ' ELSE 'stops at ' END
                || strftime('%Y-%m-%d %H:%M:%S', json_extract(payload, '$.deadline.wallMicroseconds') / 1000000.0 + 0.5, 'unixepoch', 'localtime')
                || ' unless something is brought up',
                CASE (
                    SELECT p.type FROM events AS p
                    WHERE p.stream = events.stream AND p.version < events.version
                        AND (p.type = 'controller.autostop_paused' OR p.type = 'controller.autostop_resumed'
                            OR p.type = 'controller.terminated')
                    ORDER BY p.version DESC LIMIT 1)
                    WHEN 'controller.autostop_paused' THEN 'does not stop by itself while autostop is paused'
                    ELSE 'never stops by itself' END)
        WHEN 'controller.woken' THEN
            CASE WHEN json_extract(payload, '$.reason') IS NULL
                THEN printf('woken by service %s after %.3f s idle', service, json_extract(payload, '$.idleMicroseconds') / 1e6)
                ELSE printf(CASE WHEN json_extract(payload, '$.keptSinceMicroseconds') IS NULL THEN 'not idle after %.3f s: %s'
                        ELSE 'idle for %.3f s, and its deadline is worked out anew: %s' END, json_extract(payload, '$.idleMicroseconds') / 1e6, json_extract(payload, '$.reason')) END
        WHEN 'controller.use_changed' THEN
            printf('%s: %s (wait_for %s)', CASE WHEN json_extract(payload, '$.isActive') THEN 'in use' ELSE 'not in use' END,
                json_extract(payload, '$.evidence'), json_extract(payload, '$.probe'))
        WHEN 'controller.policy_set' THEN
            -- When it stops, and of all else what is another than it was: without an event before it, all that is said.
            (SELECT 'autostop ' || coalesce('after ' || json_extract(e.payload, '$.policy.idleTimeoutSeconds') || ' s idle', 'never')
                || ' (' || json_extract(e.payload, '$.policy.source') || ')' ||
                CASE WHEN p.position IS NULL OR json_extract(p.payload, '$.policy.idleTimeoutSeconds') IS json_extract(e.payload, '$.policy.idleTimeoutSeconds') THEN '' ELSE
                    ', and not ' || coalesce('after ' || json_extract(p.payload, '$.policy.idleTimeoutSeconds') || ' s', 'never') || ' as before' END ||
                CASE WHEN coalesce(json_extract(p.payload, '$.policy.down.value'), 0) = coalesce(json_extract(e.payload, '$.policy.down.value'), 0) THEN '' ELSE
                    CASE json_extract(e.payload, '$.policy.down.value') WHEN 1 THEN '; then it is terminated' ELSE '; then it is only stopped' END || coalesce(' (' || json_extract(e.payload, '$.policy.down.source') || ')', '') END ||
                CASE WHEN json_extract(p.payload, '$.policy.terminateAfterSeconds.value') IS json_extract(e.payload, '$.policy.terminateAfterSeconds.value') THEN '' ELSE
                    '; terminated ' || coalesce('after ' || json_extract(e.payload, '$.policy.terminateAfterSeconds.value') || ' s stopped', 'never')
                        || coalesce(' (' || json_extract(e.payload, '$.policy.terminateAfterSeconds.source') || ')', '') END ||
                CASE WHEN coalesce(json_extract(p.payload, '$.policy.minStartIntervalSeconds.value'), 0) = coalesce(json_extract(e.payload, '$.policy.minStartIntervalSeconds.value'), 0) THEN '' ELSE
                    '; ' || coalesce(json_extract(e.payload, '$.policy.minStartIntervalSeconds.value'), 0) || ' s from one start to the next at least'
                        || coalesce(' (' || json_extract(e.payload, '$.policy.minStartIntervalSeconds.source') || ')', '') END ||
                CASE WHEN coalesce(json_extract(p.payload, '$.policy.waitFor.value'), '[]') = coalesce(json_extract(e.payload, '$.policy.waitFor.value'), '[]') THEN '' ELSE
                    '; wait_for ' || coalesce((SELECT group_concat(w.value, ', ') FROM json_each(e.payload, '$.policy.waitFor.value') AS w), 'nothing') || coalesce(' (' || json_extract(e.payload, '$.policy.waitFor.source') || ')', '') END ||
                CASE WHEN coalesce(json_extract(p.payload, '$.policy.schedule.value.keepWarm'), '[]') = coalesce(json_extract(e.payload, '$.policy.schedule.value.keepWarm'), '[]') THEN '' ELSE
                    '; keep_warm ' || coalesce((SELECT group_concat(json_extract(w.value, '$.text'), '; ') FROM json_each(e.payload, '$.policy.schedule.value.keepWarm') AS w), 'nothing') || coalesce(' (' || json_extract(e.payload, '$.policy.schedule.source') || ')', '') END ||
                CASE WHEN coalesce(json_extract(p.payload, '$.policy.schedule.value.stopAt'), '[]') = coalesce(json_extract(e.payload, '$.policy.schedule.value.stopAt'), '[]') THEN '' ELSE
                    '; stop_at ' || coalesce((SELECT group_concat(json_extract(w.value, '$.text'), '; ') FROM json_each(e.payload, '$.policy.schedule.value.stopAt') AS w), 'nothing') || coalesce(' (' || coalesce(json_extract(e.payload, '$.policy.stopAtSource'), json_extract(e.payload, '$.policy.schedule.source')) || ')', '') END ||
                CASE WHEN coalesce(json_extract(p.payload, '$.policy.hooks'), '[]') = coalesce(json_extract(e.payload, '$.policy.hooks'), '[]') THEN '' ELSE
                    '; hooks ' || coalesce((SELECT group_concat(w.value, ', ') FROM json_each(e.payload, '$.policy.hooks') AS w), 'nothing') END
            FROM events AS e
            LEFT JOIN events AS p ON p.stream = e.stream AND p.version = (
                SELECT o.version FROM events AS o
                WHERE o.stream = e.stream AND o.version < e.version AND o.type IN ('controller.starting', 'controller.policy_set')
                ORDER BY o.version DESC LIMIT 1)
            WHERE e.position = events.position)
        WHEN 'controller.hook_started' THEN 'hook ' || json_extract(payload, '$.hook') || ' runs'
        WHEN 'controller.hook_ended' THEN 'hook ' || json_extract(payload, '$.hook') || ' ' || CASE
            WHEN json_extract(payload, '$.outcome.exited') IS NOT NULL THEN 'exited with code ' || json_extract(payload, '$.outcome.exited.code')
            WHEN json_extract(payload, '$.outcome.timedOut') IS NOT NULL THEN 'had not ended after ' || json_extract(payload, '$.outcome.timedOut.seconds') || ' s and was killed'
            WHEN json_extract(payload, '$.outcome.failed') IS NOT NULL THEN 'could not be run: ' || json_extract(payload, '$.outcome.failed.reason')
            ELSE 'was interrupted, and is not run again' END
        WHEN 'controller.start_due' THEN printf('may start now, %.6f s late', json_extract(payload, '$.latenessMicroseconds') / 1e6)
        WHEN 'controller.autostop_paused' THEN
            'autostop paused ' || coalesce('until ' || strftime('%Y-%m-%d %H:%M:%S', json_extract(payload, '$.until.wallMicroseconds') / 1000000.0 + 0.5, 'unixepoch', 'localtime'), 'until it is resumed')
                || coalesce(': ' || json_extract(payload, '$.reason'), '')
        WHEN 'controller.autostop_resumed' THEN
            CASE WHEN json_extract(payload, '$.latenessMicroseconds') IS NULL THEN 'autostop resumed by hand' ELSE 'the pause of autostop is over' END
        WHEN 'controller.stopping' THEN
            CASE json_extract(payload, '$.reason')
                WHEN 'idle_deadline' THEN printf('stopping at its idle deadline, %.6f s late', json_extract(payload, '$.latenessMicroseconds') / 1e6)
                ELSE 'stopping by hand'
            END
        WHEN 'controller.start_requested' THEN 'will start again once stopped' || coalesce(', for service ' || service, '')
        WHEN 'controller.stopped' THEN 'stopped ' || CASE json_extract(payload, '$.reason') WHEN 'idle_deadline' THEN 'by its idle deadline' ELSE 'by hand' END
        WHEN 'controller.terminating' THEN 'terminating' || CASE WHEN json_extract(payload, '$.latenessMicroseconds') IS NULL THEN ' by hand' ELSE printf(' by its deadline, %.6f s late', json_extract(payload, '$.latenessMicroseconds') / 1e6) END || CASE WHEN json_extract(payload, '$.force') THEN ' by force' ELSE '' END
        WHEN 'controller.terminated' THEN 'terminated'
        WHEN 'service.up_requested' THEN
            printf('up requested: %d replica(s) at %s:%d', json_extract(payload, '$.spec.replicas'), json_extract(payload, '$.endpoint.host'), json_extract(payload, '$.endpoint.port'))
        WHEN 'service.down_requested' THEN
            CASE WHEN json_extract(payload, '$.unusedMicroseconds') IS NOT NULL THEN printf('not asked for in %.0f s, so it goes (idle_down)', json_extract(payload, '$.unusedMicroseconds') / 1e6) ELSE '' END ||
            CASE WHEN json_extract(payload, '$.purge') THEN 'down requested; what cannot be removed is to be forgotten' WHEN json_extract(payload, '$.unusedMicroseconds') IS NULL THEN 'down requested' ELSE '' END
        WHEN 'service.updated' THEN
            printf('version %d, %s%s%s', json_extract(payload, '$.version'),
                CASE json_extract(payload, '$.mode') WHEN 'blue_green' THEN 'blue-green' ELSE 'rolling' END,
                coalesce(', back to what version ' || json_extract(payload, '$.rolledBackTo') || ' was', ''),
                CASE json_array_length(payload, '$.reused') WHEN 0 THEN '' ELSE
                    ', keeping ' || json_array_length(payload, '$.reused') || ' replica(s)' END)
        WHEN 'service.scaled' THEN
            printf('scaled from %d to %d: %s', json_extract(payload, '$.from'), json_extract(payload, '$.to'), json_extract(payload, '$.reason'))
        WHEN 'service.launches_stopped' THEN 'not launched any more: ' || json_extract(payload, '$.reason')
        WHEN 'service.status_changed' THEN
            json_extract(payload, '$.from') || ' -> ' || json_extract(payload, '$.to') || coalesce(': ' || json_extract(payload, '$.reason'), '')
        WHEN 'service.gone' THEN 'gone'
        WHEN 'load_balancer.added' THEN 'load balancer wanted'
        WHEN 'load_balancer.launch_due' THEN 'load balancer is tried again'
        WHEN 'load_balancer.launched' THEN 'load balancer runs as ' || json_extract(payload, '$.handle')
        WHEN 'load_balancer.ended' THEN 'load balancer ended: ' || json_extract(payload, '$.reason')
        WHEN 'load_balancer.removing' THEN 'load balancer is being removed'
        WHEN 'load_balancer.cleanup_failed' THEN 'load balancer could not be removed: ' || json_extract(payload, '$.leftovers')
        WHEN 'load_balancer.cleanup_due' THEN 'removal of the load balancer is tried again'
        WHEN 'load_balancer.gone' THEN 'load balancer is gone' || coalesce(': purged; may be left: ' || json_extract(payload, '$.leftovers'), '')
        WHEN 'replica.added' THEN
            'wanted, version ' || json_extract(payload, '$.version')
                || coalesce(', not before ' || strftime('%H:%M:%f', json_extract(payload, '$.launchAt.wallMicroseconds') / 1000000.0, 'unixepoch', 'localtime'), '')
        WHEN 'replica.launch_due' THEN 'its back-off is over'
        WHEN 'replica.launched' THEN
            printf('launched as %s for %s:%d', json_extract(payload, '$.handle'), json_extract(payload, '$.endpoint.host'), json_extract(payload, '$.endpoint.port'))
        WHEN 'replica.starting' THEN 'run started'
        WHEN 'replica.probe_failed' THEN 'not ready yet: ' || json_extract(payload, '$.evidence')
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
        WHEN 'replica.draining' THEN 'gets no new requests and finishes those it has'
        WHEN 'replica.removing' THEN
            'being removed: ' || coalesce(json_extract(payload, '$.reason.failed.reason'), json_extract(payload, '$.reason.preempted.reason'), 'not wanted any more')
        WHEN 'replica.cleanup_failed' THEN 'could not be removed: ' || json_extract(payload, '$.leftovers')
        WHEN 'replica.cleanup_due' THEN 'its removal is tried again'
        WHEN 'replica.failed' THEN json_extract(payload, '$.status') || ': ' || json_extract(payload, '$.reason')
        WHEN 'replica.gone' THEN 'gone' || coalesce(': ' || json_extract(payload, '$.reason'), '')
            || coalesce(': purged; may be left: ' || json_extract(payload, '$.leftovers'), '')
        ELSE payload
    END AS what,
    actor,
    component,
    cause,
    at_us,
    payload,
    schema_version,
    version AS stream_version
FROM events
ORDER BY position;

-- Every idle period: from when nothing was asked of a controller to when it was not idle any more. Changes of policy,
-- pauses and their ends, and a clock that is set where there is a schedule (a `controller.woken` that keeps since when it
-- was idle), move its deadline, and are the end of no period (in the log each is followed by another
-- `controller.idle`, law L5). Which service was the last that went or failed, and whose `down` that was (nobody's when it
-- failed or went by itself); the deadline that was in force when it ended (none while autostop was paused), and how often
-- it had been moved; how it ended and who ended it.
DROP VIEW IF EXISTS idle_periods;
CREATE VIEW idle_periods AS
SELECT
    began.stream AS controller,
    began.position AS began_position,
    strftime('%Y-%m-%d %H:%M:%f', began.at_us / 1000000.0, 'unixepoch', 'localtime') AS began,
    last.service AS last_service,
    CASE last.type WHEN 'service.gone' THEN (
        SELECT CASE d.component WHEN 'cli' THEN d.actor END FROM events AS d
        WHERE d.stream = last.stream AND d.version < last.version AND d.service = last.service AND d.type GLOB 'service.*'
            AND d.type = 'service.down_requested'
        ORDER BY d.version DESC LIMIT 1)
    END AS taken_down_by,
    strftime('%Y-%m-%d %H:%M:%f', json_extract(set_last.payload, '$.deadline.wallMicroseconds') / 1000000.0, 'unixepoch', 'localtime') AS deadline,
    (SELECT count(*) FROM events AS m
        WHERE m.stream = began.stream AND m.version > began.version AND m.version <= set_last.version
            AND m.type GLOB 'controller.*' AND m.type = 'controller.idle') AS moved,
    strftime('%Y-%m-%d %H:%M:%f', ended.at_us / 1000000.0, 'unixepoch', 'localtime') AS ended,
    CASE ended.type
        WHEN 'controller.woken' THEN 'woken'
        WHEN 'controller.terminating' THEN
            CASE WHEN json_extract(ended.payload, '$.latenessMicroseconds') IS NULL THEN 'terminated by hand' ELSE 'terminated by deadline' END
        WHEN 'controller.stopping' THEN
            CASE json_extract(ended.payload, '$.reason') WHEN 'idle_deadline' THEN 'stopped by deadline' ELSE 'stopped by hand' END
    END AS how,
    CASE WHEN ended.component = 'cli' THEN ended.actor END AS ended_by,
    (ended.at_us - began.at_us) / 1e6 AS seconds,
    json_extract(ended.payload, '$.latenessMicroseconds') / 1e6 AS lateness_seconds
FROM events AS began
LEFT JOIN events AS ended ON ended.stream = began.stream AND ended.version = (
    SELECT e.version FROM events AS e
    WHERE e.stream = began.stream AND e.version > began.version AND e.type GLOB 'controller.*'
        AND e.type IN ('controller.woken', 'controller.terminating', 'controller.stopping')
        AND (e.type <> 'controller.woken' OR json_extract(e.payload, '$.keptSinceMicroseconds') IS NULL)
    ORDER BY e.version LIMIT 1)
LEFT JOIN events AS set_last ON set_last.stream = began.stream AND set_last.version = (
    SELECT i.version FROM events AS i
    WHERE i.stream = began.stream AND i.version < coalesce(ended.version, 9223372036854775807) AND i.type GLOB 'controller.*'
        AND i.type = 'controller.idle'
    ORDER BY i.version DESC LIMIT 1)
LEFT JOIN events AS last ON last.stream = began.stream AND last.version = (
    SELECT d.version FROM events AS d
    -- That it is FAILED is told in the same moment, and after that nothing is asked of the controller.
    WHERE d.stream = began.stream AND d.version < began.version + 16 AND (d.version < began.version OR d.at_us = began.at_us)
        AND d.type GLOB 'service.*'
        AND (d.type = 'service.gone'
            OR d.type = 'service.status_changed' AND json_extract(d.payload, '$.to') = 'FAILED')
    ORDER BY d.version DESC LIMIT 1)
WHERE began.type = 'controller.idle' AND began.type GLOB 'controller.*'
    -- One that follows another, with nothing between that ended it, goes on with its period.
    AND (SELECT b.type FROM events AS b
        WHERE b.stream = began.stream AND b.version < began.version AND b.type GLOB 'controller.*'
            AND b.type IN ('controller.idle', 'controller.started', 'controller.woken', 'controller.terminating',
                'controller.stopping')
            AND (b.type <> 'controller.woken' OR json_extract(b.payload, '$.keptSinceMicroseconds') IS NULL)
        ORDER BY b.version DESC LIMIT 1) IS NOT 'controller.idle'
ORDER BY began.position;

-- Every start that was asked for: by whom and for what, how long it took, what became of it.
DROP VIEW IF EXISTS starts;
CREATE VIEW starts AS
SELECT
    asked.stream AS controller,
    asked.position,
    strftime('%Y-%m-%d %H:%M:%f', asked.at_us / 1000000.0, 'unixepoch', 'localtime') AS asked,
    asked.actor AS asked_by,
    asked.service AS for_service,
    json_extract(asked.payload, '$.incarnation') AS life,
    CASE became.type
        WHEN 'controller.started' THEN 'started'
        WHEN 'controller.start_failed' THEN 'failed: ' || json_extract(became.payload, '$.reason')
        WHEN 'controller.stopping' THEN 'stopped before it was up'
        WHEN 'controller.terminating' THEN 'terminated before it was up'
        ELSE 'under way'
    END AS outcome,
    CASE became.type WHEN 'controller.started' THEN json_extract(became.payload, '$.tookMicroseconds') / 1e6 END AS took_seconds,
    asked.at_us
FROM events AS asked
LEFT JOIN events AS became ON became.stream = asked.stream AND became.version = (
    SELECT e.version FROM events AS e
    WHERE e.stream = asked.stream AND e.version > asked.version AND e.type GLOB 'controller.*'
        AND e.type IN ('controller.started', 'controller.start_failed', 'controller.stopping', 'controller.terminating')
    ORDER BY e.version LIMIT 1)
WHERE asked.type = 'controller.starting' AND asked.type GLOB 'controller.*'
ORDER BY asked.position;

-- Every time a controller was up: from its start to its stop, or to now.
DROP VIEW IF EXISTS controller_uptime;
CREATE VIEW controller_uptime AS
SELECT
    began.stream AS controller,
    strftime('%Y-%m-%d %H:%M:%f', began.at_us / 1000000.0, 'unixepoch', 'localtime') AS started,
    strftime('%Y-%m-%d %H:%M:%f', ended.at_us / 1000000.0, 'unixepoch', 'localtime') AS ended,
    CASE ended.type
        WHEN 'controller.terminated' THEN 'terminated'
        WHEN 'controller.stopped' THEN
            CASE json_extract(ended.payload, '$.reason') WHEN 'idle_deadline' THEN 'stopped by its idle deadline' ELSE 'stopped by hand' END
        ELSE 'still up'
    END AS how,
    (coalesce(ended.at_us, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) - began.at_us) / 1e6 AS seconds,
    (SELECT count(*) FROM events AS r
        WHERE r.stream = began.stream AND r.version > began.version AND r.version < coalesce(ended.version, 9223372036854775807)
            AND r.type = 'controller.recovered' AND r.type GLOB 'controller.*') AS recoveries,
    began.at_us AS started_us,
    ended.at_us AS ended_us
FROM events AS began
LEFT JOIN events AS ended ON ended.stream = began.stream AND ended.version = (
    SELECT e.version FROM events AS e
    WHERE e.stream = began.stream AND e.version > began.version AND e.type GLOB 'controller.*'
        AND e.type IN ('controller.stopped', 'controller.terminated')
    ORDER BY e.version LIMIT 1)
WHERE began.type = 'controller.started' AND began.type GLOB 'controller.*'
ORDER BY began.position;

-- Every time a service was READY: from when to when, and what it became then.
DROP VIEW IF EXISTS service_uptime;
CREATE VIEW service_uptime AS
SELECT
    began.stream AS controller,
    began.service,
    strftime('%Y-%m-%d %H:%M:%f', began.at_us / 1000000.0, 'unixepoch', 'localtime') AS ready,
    strftime('%Y-%m-%d %H:%M:%f', ended.at_us / 1000000.0, 'unixepoch', 'localtime') AS ended,
    coalesce(json_extract(ended.payload, '$.to'), CASE WHEN ended.position IS NULL THEN 'still READY' ELSE 'gone' END) AS became,
    json_extract(ended.payload, '$.reason') AS reason,
    (coalesce(ended.at_us, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) - began.at_us) / 1e6 AS seconds,
    began.at_us AS ready_us,
    ended.at_us AS ended_us
FROM events AS began
LEFT JOIN events AS ended ON ended.stream = began.stream AND ended.version = (
    SELECT e.version FROM events AS e
    WHERE e.stream = began.stream AND e.version > began.version AND e.service = began.service AND e.type GLOB 'service.*'
        AND e.type IN ('service.status_changed', 'service.gone')
    ORDER BY e.version LIMIT 1)
WHERE began.type = 'service.status_changed' AND began.type GLOB 'service.*' AND json_extract(began.payload, '$.to') = 'READY'
ORDER BY began.position;

-- What is waited for, the next first. On the boot it was set on the boot clock decides, so after the wall clock
-- was set the time shown is off by that much.
DROP VIEW IF EXISTS pending_deadlines;
CREATE VIEW pending_deadlines AS
SELECT
    controller,
    kind,
    nullif(service, '') AS service,
    nullif(replica, 0) AS replica,
    strftime('%Y-%m-%d %H:%M:%f', due_at_us / 1000000.0, 'unixepoch', 'localtime') AS due,
    due_at_us / 1e6 - (julianday('now') - 2440587.5) * 86400 AS in_seconds,
    span_us / 1e6 AS span_seconds,
    generation
FROM deadlines
ORDER BY due_at_us;
