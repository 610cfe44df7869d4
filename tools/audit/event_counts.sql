-- What is the log full of?
SELECT type AS event, count(*) AS times, count(DISTINCT stream) AS controllers
FROM events
GROUP BY type
ORDER BY times DESC, type;
