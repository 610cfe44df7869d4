-- Which deadlines fired more than a second late?
SELECT position, time, controller, service, replica, event,
    json_extract(payload, '$.latenessMicroseconds') / 1e6 AS late_seconds
FROM audit_log
-- No other type has it, and to look into every payload would take three times as long.
WHERE event IN ('controller.start_due', 'controller.autostop_resumed', 'controller.stopping', 'controller.terminating',
        'load_balancer.launch_due', 'load_balancer.cleanup_due', 'replica.launch_due', 'replica.removing',
        'replica.cleanup_due')
    AND json_extract(payload, '$.latenessMicroseconds') > 1000000
ORDER BY late_seconds DESC, position;
