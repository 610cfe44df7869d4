-- The views people read. They hold nothing, so this file is not frozen: whenever it differs from what the
-- database was given last, it is applied anew. Each view is dropped before it is made.

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
        WHEN 'service.down_requested' THEN
            CASE WHEN json_extract(payload, '$.purge') THEN 'down requested; what cannot be removed is to be forgotten' ELSE 'down requested' END
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
        WHEN 'load_balancer.gone' THEN 'load balancer is gone' || coalesce(': ' || json_extract(payload, '$.reason'), '')
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

-- Every idle period (law L5): when it began, when it would have stopped its controller, how it ended.
DROP VIEW IF EXISTS idle_periods;
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
