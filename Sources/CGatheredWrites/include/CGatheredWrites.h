#ifndef C_GATHERED_WRITES_H
#define C_GATHERED_WRITES_H

#include <stdint.h>

/// SQLite writes a commit to the WAL as two small writes for each page, the head of the frame and the page, and syncs it
/// before it shows the commit and lets the next writer in. These are files that gather the writes and write once, when
/// the commit is to be synced, and leave the sync itself to be done when the lock is free again: so the syncs of several
/// processes go to the disk together, and nobody waits for another's.
///
/// That is as safe as SQLite's own way under three conditions. What is rolled back is forgotten. Nobody is told of a
/// commit before its sync has succeeded; who was let in meanwhile and wrote upon it syncs the same file, and with it
/// everything before, so that nothing is ever kept without what it rests on. And a sync that fails is not tried again
/// by itself: the kernel may have dropped what it could not write, and have no complaint the second time. So a file
/// does this only during a transaction of whoever sees to all three; at all other times, and all other files, are
/// SQLite's own.

/// Registers them as the way in which this process opens files from now on. Once is enough; 0, or an error of SQLite's.
int gathered_writes_install(void);

/// Whether the WAL stays as it is when this connection is closed, though it be the last: of a WAL that is damaged, what is
/// behind the damage is not read, and would be gone.
void gathered_writes_keep_wal(void *connection, int is_kept);

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

/// How many frames of the WAL are in use, as every connection of every process sees it.
///
/// @param connection a `sqlite3 *` within a transaction.
/// @return -1 when that is not known.
int64_t gathered_writes_frames(void *connection);

/// Does the sync that commits have been shown without: this connection's, and those of others that it has read.
///
/// @return 0, or an error of SQLite's; then what is in the file is in doubt, and so is every later sync until it was
/// written anew.
int gathered_writes_sync(void *connection);

/// Whether a sync failed, and what is in the file was not written anew since.
int gathered_writes_is_in_doubt(void *connection);

/// Writes what is in the file once more, and syncs it: the way on after a sync that failed.
///
/// @param connection one that holds the write lock, so that nobody else writes meanwhile.
/// @return 0, or an error of SQLite's; then all is as before.
int gathered_writes_sync_anew(void *connection);

#endif
