-- Versions of a service, draining and scaling. The tables are projections, written anew from the log
-- afterwards.

-- What is waited for. On the boot it was set on the boot clock decides, on any other the wall clock.
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
) STRICT;

CREATE INDEX deadlines_by_due ON deadlines (due_at_us);

DROP VIEW audit_log;
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
        WHEN 'service.updated' THEN
            printf('version %d, %s%s%s', json_extract(payload, '$.version'),
                CASE json_extract(payload, '$.mode') WHEN 'blue_green' THEN 'blue-green' ELSE 'rolling' END,
                coalesce(', back to what version ' || json_extract(payload, '$.rolledBackTo') || ' was', ''),
                CASE json_array_length(payload, '$.reused') WHEN 0 THEN '' ELSE
                    ', keeping ' || json_array_length(payload, '$.reused') || ' replica(s)' END)
        WHEN 'service.scaled' THEN
            printf('%d -> %d replicas: %s', json_extract(payload, '$.from'), json_extract(payload, '$.to'), json_extract(payload, '$.reason'))
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
        WHEN 'replica.draining' THEN 'gets no new requests and finishes those it has'
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
