-- Which deadlines fired more than a second late?
SELECT position, time, controller, service, replica, event,
    json_extract(payload, '$.latenessMicroseconds') / 1e6 AS late_seconds
FROM audit_log
WHERE json_extract(payload, '$.latenessMicroseconds') > 1000000
ORDER BY late_seconds DESC, position;
