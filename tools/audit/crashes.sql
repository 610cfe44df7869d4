-- When did a controller's process die, and how many services did the next one find?
SELECT position, strftime('%Y-%m-%d %H:%M:%f', at_us / 1000000.0, 'unixepoch', 'localtime') AS time, controller, services
FROM (
    -- A service is there from when it is asked for until it is gone, or since before the log's beginning, if older
    -- events were archived.
    SELECT position, stream AS controller, at_us, type,
        sum(change) OVER (PARTITION BY stream ORDER BY version) AS services
    FROM (
        SELECT position, stream, version, type, at_us, 0 AS change FROM events
        WHERE type GLOB 'controller.*' AND type = 'controller.recovered'
        UNION ALL
        SELECT position, stream, version, type, NULL, CASE type WHEN 'service.up_requested' THEN 1 ELSE -1 END FROM events
        WHERE type GLOB 'service.*' AND type IN ('service.up_requested', 'service.gone')
        UNION ALL
        SELECT 0, stream, version, 'archived', NULL, (SELECT count(*) FROM json_each(state, '$.services')) FROM bases
    )
)
WHERE type = 'controller.recovered'
ORDER BY position;
