#ifndef C_GATHERED_WRITES_H
#define C_GATHERED_WRITES_H

/// SQLite writes a commit to the WAL as two small writes for each page, the head of the frame and the page. These are
/// files that gather them and write once, when they are to be synced.
///
/// That is as safe as SQLite's own way under one condition: every commit is synced before it is shown to others, as
/// synchronous=FULL does. So a file gathers only once whoever opened the database has said that this is so; until then,
/// and all other files, are SQLite's own.

/// Registers them as the way in which this process opens files from now on. Once is enough; 0, or an error of SQLite's.
int gathered_writes_install(void);

/// Has the WAL of a connection gather its writes, or not any more.
///
/// @param connection a `sqlite3 *` that has read from its database, so that its WAL is open.
/// @param on 1 for one that commits with synchronous=FULL; 0 before it commits with less.
/// @return whether it gathers.
int gathered_writes_set(void *connection, int on);

#endif
