-- How long do replicas take from being wanted to their first READY, by service and version?
SELECT added.stream AS controller, added.service, json_extract(added.payload, '$.version') AS version,
    count(*) AS replicas,
    round(avg(ready.at_us - added.at_us) / 1e6, 3) AS mean_seconds,
    round(max(ready.at_us - added.at_us) / 1e6, 3) AS longest_seconds
FROM events AS added
JOIN events AS ready ON ready.stream = added.stream AND ready.version = (
    SELECT r.version FROM events AS r
    WHERE r.service = added.service AND r.position > added.position AND r.stream = added.stream
        AND r.replica = added.replica AND r.type IN ('replica.ready', 'replica.added')
    ORDER BY r.position LIMIT 1)
WHERE added.type = 'replica.added' AND ready.type = 'replica.ready'
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;
