-- Which idle periods were the longest, and who had left the controller alone?
SELECT controller, began_position, began, ended, how, moved, taken_down_by, round(seconds, 3) AS seconds
FROM idle_periods
-- The ten are found first: to find who took a service down takes longer than all else.
WHERE began_position IN (
    SELECT began_position FROM idle_periods WHERE ended IS NOT NULL ORDER BY seconds DESC, began_position LIMIT 10)
ORDER BY idle_periods.seconds DESC, began_position;
