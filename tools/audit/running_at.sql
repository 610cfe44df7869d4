-- Which services were there when an event was the last? Without a parameter: half way through the log. For
-- another moment: .parameter set :position 4711. One that was there when the log was archived has no position; of a
-- moment before that the archive is asked.
WITH at AS (SELECT coalesce(:position, (min(position) - 1 + max(position)) / 2) AS position FROM events),
    asked AS (
        SELECT stream, service, version, position, actor FROM events
        WHERE type = 'service.up_requested' AND type GLOB 'service.*' AND position <= (SELECT position FROM at)
        UNION ALL
        SELECT bases.stream, s.key, bases.version, NULL, json_extract(s.value, '$.requestedBy')
        FROM bases, json_each(bases.state, '$.services') AS s
        WHERE (SELECT max(position) FROM archives) <= (SELECT position FROM at)
    )
SELECT asked.stream AS controller, asked.service, asked.position AS since_position, asked.actor AS asked_by
FROM asked, at
WHERE NOT EXISTS (
        SELECT 1 FROM events AS gone
        WHERE gone.stream = asked.stream AND gone.version > asked.version AND gone.service = asked.service
            AND gone.type GLOB 'service.*' AND gone.type = 'service.gone' AND gone.position <= at.position)
    AND NOT EXISTS (
        SELECT 1 FROM events AS over
        WHERE over.stream = asked.stream AND over.version > asked.version AND over.type GLOB 'controller.*'
            AND over.type = 'controller.terminated' AND over.position <= at.position)
ORDER BY +asked.position, 1, 2;
