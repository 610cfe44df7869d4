-- Which replicas flap: fell out of READY at least three times in one life?
SELECT controller, service, replica, count(*) AS times
FROM (
    -- A replica's lives are counted by the times it was wanted.
    SELECT stream AS controller, service, replica, type,
        count(*) FILTER (WHERE type = 'replica.added') OVER (PARTITION BY stream, service, replica ORDER BY position) AS life
    FROM events
    WHERE type IN ('replica.added', 'replica.not_ready')
)
WHERE type = 'replica.not_ready'
GROUP BY controller, service, replica, life
HAVING count(*) >= 3
ORDER BY times DESC, controller, service, replica;
