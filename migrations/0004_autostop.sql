-- What `status` says of autostop beyond the idle window. Rows are written anew from the log afterwards.
ALTER TABLE controllers ADD COLUMN down INTEGER NOT NULL DEFAULT 0;       -- 1: terminated at its idle deadline, not only stopped
ALTER TABLE controllers ADD COLUMN down_source TEXT;
ALTER TABLE controllers ADD COLUMN terminate_after_seconds REAL;          -- how long it may stay stopped; NULL: for ever
ALTER TABLE controllers ADD COLUMN terminate_after_source TEXT;
ALTER TABLE controllers ADD COLUMN paused_by TEXT;                        -- who paused autostop; NULL: nobody
ALTER TABLE controllers ADD COLUMN paused_reason TEXT;
ALTER TABLE controllers ADD COLUMN paused_until_us INTEGER;               -- NULL: until it is resumed
