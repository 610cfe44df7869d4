#ifndef C_GATHERED_WRITES_H
#define C_GATHERED_WRITES_H

/// SQLite writes a commit to the WAL as two small writes for each page, the head of the frame and the page. These are
/// files that gather them and write once, when they are to be synced.
///
/// That is as safe as SQLite's own way under two conditions: every commit is synced before it is shown to others, as
/// synchronous=FULL does, and what is rolled back is forgotten. So a file gathers only during a transaction of whoever
/// sees to both; at all other times, and all other files, are SQLite's own.

/// Registers them as the way in which this process opens files from now on. Once is enough; 0, or an error of SQLite's.
int gathered_writes_install(void);

/// Has the WAL of a connection gather what the transaction that has just begun writes.
///
/// @param connection a `sqlite3 *` that holds the write lock.
/// @return whether it does.
int gathered_writes_begin(void *connection);

/// Ends it.
///
/// @param committed 1 after the commit: what is not written yet, for want of a sync, is written now. 0 before what is left
/// of the transaction is rolled back: what was gathered is forgotten, for others will have committed in its place by the
/// time at which it would be written.
void gathered_writes_end(void *connection, int committed);

#endif
