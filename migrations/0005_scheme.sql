-- What a service's load balancer speaks with clients. Rows are written anew from the log afterwards.
ALTER TABLE services ADD COLUMN scheme TEXT NOT NULL DEFAULT 'http' CHECK (scheme IN ('http', 'https'));
