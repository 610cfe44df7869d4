-- Who gives the most commands, and which?
SELECT actor, type AS event, count(*) AS times
FROM events
WHERE component = 'cli' AND cause IS NULL
GROUP BY actor, type
ORDER BY times DESC, actor, type;
