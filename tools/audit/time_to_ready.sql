-- How long do replicas take from being wanted to their first READY, by service and version?
SELECT controller, service, version, count(*) AS replicas,
    round(avg(ready_us - added_us) / 1e6, 3) AS mean_seconds, round(max(ready_us - added_us) / 1e6, 3) AS longest_seconds
FROM (
    -- Each time one was wanted, and what came next of these two.
    SELECT stream AS controller, service, type, json_extract(payload, '$.version') AS version, at_us AS added_us,
        lead(type) OVER life AS next, lead(at_us) OVER life AS ready_us
    FROM events
    WHERE type IN ('replica.added', 'replica.ready')
    WINDOW life AS (PARTITION BY stream, service, replica ORDER BY position)
)
WHERE type = 'replica.added' AND next = 'replica.ready'
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;
