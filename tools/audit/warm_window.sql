-- How often did the warm window pay: of all idle periods, how many ended with a service that found its
-- controller warm? One that its deadline ended was stopped, or terminated where its policy says `down`.
SELECT controller, count(*) AS idle_periods,
    count(*) FILTER (WHERE how = 'woken') AS woken,
    count(*) FILTER (WHERE how IN ('stopped by deadline', 'terminated by deadline')) AS stopped_by_deadline,
    round(100.0 * count(*) FILTER (WHERE how = 'woken') / count(*), 1) AS percent_woken
FROM idle_periods
GROUP BY controller
ORDER BY controller;
