-- Who, or what, stopped a controller, and when? For one: add AND controller = 'prod'; for last night:
-- AND time >= '2026-11-01 18:00'.
SELECT position, time, controller, what, actor, component
FROM audit_log
WHERE event = 'controller.stopping' AND event GLOB 'controller.*'
ORDER BY +position;
