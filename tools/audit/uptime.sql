-- How long was each controller up in all, how often, and how often did its process crash?
SELECT controller, count(*) AS periods, round(sum(seconds) / 3600, 3) AS hours, sum(recoveries) AS crashes
FROM controller_uptime
WHERE ended IS NOT NULL
GROUP BY controller
ORDER BY controller;
