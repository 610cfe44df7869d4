-- When did a controller's process die, and how many services did the next one find?
SELECT r.position, strftime('%Y-%m-%d %H:%M:%f', r.at_us / 1000000.0, 'unixepoch', 'localtime') AS time,
    r.stream AS controller,
    (SELECT count(*) FROM events AS u
        WHERE u.stream = r.stream AND u.version < r.version AND u.type GLOB 'service.*'
            AND u.type = 'service.up_requested'
            AND NOT EXISTS (
                SELECT 1 FROM events AS g
                WHERE g.stream = u.stream AND g.version > u.version AND g.version < r.version
                    AND g.service = u.service AND g.type GLOB 'service.*' AND g.type = 'service.gone')) AS services
FROM events AS r
WHERE r.type = 'controller.recovered' AND r.type GLOB 'controller.*'
ORDER BY r.position;
