-- Who changed when a controller stops by itself?
SELECT position, time, controller, what, actor
FROM audit_log
WHERE event = 'controller.policy_set' AND event GLOB 'controller.*'
ORDER BY +position;
