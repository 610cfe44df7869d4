-- Which replicas flap: fell out of READY at least three times in one life?
SELECT stream AS controller, service, replica, count(*) AS times
FROM (
    SELECT n.stream, n.service, n.replica,
        (SELECT max(a.position) FROM events AS a
            WHERE a.service = n.service AND a.position < n.position AND a.stream = n.stream AND a.replica = n.replica
                AND a.type = 'replica.added') AS life
    FROM events AS n
    WHERE n.type = 'replica.not_ready'
)
GROUP BY stream, service, replica, life
HAVING count(*) >= 3
ORDER BY times DESC, controller, service, replica;
