-- Which updates were there, and did the version come up, or was it given up?
SELECT u.position, u.stream AS controller, u.service, json_extract(u.payload, '$.version') AS version,
    json_extract(u.payload, '$.mode') AS mode, u.actor,
    coalesce(json_extract((
        SELECT s.payload FROM events AS s
        WHERE s.stream = u.stream AND s.version > u.version AND s.service = u.service AND s.type GLOB 'service.*'
            AND s.type IN ('service.launches_stopped', 'service.updated', 'service.gone')
        ORDER BY s.version LIMIT 1), '$.reason'), 'not given up') AS outcome
FROM events AS u
WHERE u.type = 'service.updated' AND u.type GLOB 'service.*'
ORDER BY +u.position;
