-- Why did replicas fail, and how often?
SELECT json_extract(payload, '$.status') AS status, json_extract(payload, '$.reason') AS reason, count(*) AS times
FROM events
WHERE type = 'replica.failed'
GROUP BY 1, 2
ORDER BY times DESC, status, reason;
