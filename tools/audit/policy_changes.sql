-- Who changed when a controller stops by itself, or kept it from doing so for a time?
SELECT position, time, controller, what, actor
FROM audit_log
WHERE event IN ('controller.policy_set', 'controller.autostop_paused', 'controller.autostop_resumed') AND event GLOB 'controller.*'
ORDER BY +position;
