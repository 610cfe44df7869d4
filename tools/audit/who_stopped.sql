-- Who, or what, stopped or terminated a controller, and when? For one: add AND controller = 'prod'; for last night:
-- AND time >= '2026-11-01 18:00'.
SELECT position, time, controller, what, actor, component
FROM audit_log
WHERE event IN ('controller.stopping', 'controller.terminating') AND event GLOB 'controller.*'
ORDER BY +position;
