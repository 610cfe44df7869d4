-- Which services were brought up and went without ever having been READY?
SELECT asked.position, asked.stream AS controller, asked.service, asked.actor AS asked_by
FROM events AS asked
JOIN events AS gone ON gone.stream = asked.stream AND gone.version = (
    SELECT g.version FROM events AS g
    WHERE g.stream = asked.stream AND g.version > asked.version AND g.service = asked.service
        AND g.type GLOB 'service.*' AND g.type = 'service.gone'
    ORDER BY g.version LIMIT 1)
WHERE asked.type = 'service.up_requested' AND asked.type GLOB 'service.*'
    AND NOT EXISTS (
        SELECT 1 FROM events AS s
        WHERE s.stream = asked.stream AND s.version BETWEEN asked.version AND gone.version
            AND s.service = asked.service AND s.type GLOB 'service.*' AND s.type = 'service.status_changed'
            AND json_extract(s.payload, '$.to') = 'READY')
ORDER BY +asked.position;
