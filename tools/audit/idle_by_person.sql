-- Whose `down` left controllers idle, for how long, and how often did a service find them warm?
SELECT coalesce(taken_down_by, 'nobody') AS taken_down_by, count(*) AS idle_periods,
    count(*) FILTER (WHERE how = 'woken') AS woken, round(sum(seconds) / 3600, 3) AS idle_hours
FROM idle_periods
WHERE ended IS NOT NULL
GROUP BY 1
ORDER BY sum(seconds) DESC;
