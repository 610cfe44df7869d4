-- How many idle hours were paid for, and how many of them ended in a stop, or in a termination, all the same?
SELECT controller, round(sum(seconds) / 3600, 3) AS idle_hours,
    round(coalesce(sum(seconds) FILTER (WHERE how <> 'woken'), 0) / 3600, 3) AS in_vain_hours
FROM idle_periods
WHERE ended IS NOT NULL
GROUP BY controller
ORDER BY controller;
