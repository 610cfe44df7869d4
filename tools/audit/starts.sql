-- How often was each controller started, and how long did a start take?
SELECT controller, count(*) AS starts, count(*) FILTER (WHERE outcome = 'started') AS started,
    round(avg(took_seconds), 3) AS mean_seconds, round(max(took_seconds), 3) AS longest_seconds
FROM starts
GROUP BY controller
ORDER BY controller;
