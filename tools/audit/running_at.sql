-- Which services were there when an event was the last? Without a parameter: half way through the log. For
-- another moment: .parameter set :position 4711
SELECT asked.stream AS controller, asked.service, asked.position AS since_position, asked.actor AS asked_by
FROM events AS asked, (SELECT coalesce(:position, max(position) / 2) AS position FROM events) AS at
WHERE asked.type = 'service.up_requested' AND asked.type GLOB 'service.*' AND asked.position <= at.position
    AND NOT EXISTS (
        SELECT 1 FROM events AS gone
        WHERE gone.stream = asked.stream AND gone.version > asked.version AND gone.service = asked.service
            AND gone.type GLOB 'service.*' AND gone.type = 'service.gone' AND gone.position <= at.position)
    AND NOT EXISTS (
        SELECT 1 FROM events AS over
        WHERE over.stream = asked.stream AND over.version > asked.version AND over.type GLOB 'controller.*'
            AND over.type = 'controller.terminated' AND over.position <= at.position)
ORDER BY +asked.position;
