#include "CGatheredWrites.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/// Commits are seldom larger; what is, is written in pieces of this size. SQLite's own files write 2^17 - 1 bytes at most.
enum { most = 124 * 1024 };

/// A WAL; the file of the VFS below lies behind it in the same allocation.
struct gathering_file {
    sqlite3_file base;
    int gathers;
    /// What was written and is not in the file yet: `length` bytes of it from `offset` on.
    sqlite3_int64 offset;
    int length;
    char *bytes;
    /// Whether what was written last is the last frame of a commit: what follows then is the sync of the commit.
    int ends_with_commit;
    /// Whether somebody sees to the syncs of commits, and to those that fail.
    int is_seen_to;
    /// Whether a sync failed, and what it was to bring to the disk was not written anew.
    int is_in_doubt;
};

static sqlite3_vfs *below;
static sqlite3_vfs ours;

static sqlite3_file *real(sqlite3_file *file) { return (sqlite3_file *)((struct gathering_file *)file + 1); }

/// Writes what was gathered. If that fails it is gone, and the commit it is of fails too: nobody was shown it, for a
/// commit is shown after SQLite has asked for its sync, and what is written before that belongs to no commit yet.
static int flush(sqlite3_file *file) {
    struct gathering_file *it = (struct gathering_file *)file;
    int length = it->length;
    if (length == 0) return SQLITE_OK;
    it->length = 0;
    return real(file)->pMethods->xWrite(real(file), it->bytes, length, it->offset);
}

/// Each frame is two writes, its head and its page. In the head the size that the database has after the commit is
/// the second number, and is 0 unless the frame is the last of a commit (https://sqlite.org/fileformat2.html#walformat).
enum { frame_head = 24 };

static int is_last_of_commit(const unsigned char *head) { return (head[4] | head[5] | head[6] | head[7]) != 0; }

static int file_write(sqlite3_file *file, const void *from, int length, sqlite3_int64 offset) {
    struct gathering_file *it = (struct gathering_file *)file;
    if (length == frame_head) it->ends_with_commit = is_last_of_commit(from);
    if (!it->gathers) return real(file)->pMethods->xWrite(real(file), from, length, offset);
    if (it->length > 0 && (offset != it->offset + it->length || length > most - it->length)) {
        int result = flush(file);
        if (result != SQLITE_OK) return result;
    }
    if (length > most) return real(file)->pMethods->xWrite(real(file), from, length, offset);
    if (it->length == 0) it->offset = offset;
    memcpy(it->bytes + it->length, from, (size_t)length);
    it->length += length;
    return SQLITE_OK;
}

/* Everything else finds the file as if nothing had been gathered. */

static int file_close(sqlite3_file *file) {
    struct gathering_file *it = (struct gathering_file *)file;
    int flushed = flush(file);
    int result = real(file)->pMethods->xClose(real(file));
    free(it->bytes);
    it->bytes = NULL;
    return flushed != SQLITE_OK ? flushed : result;
}

static int file_read(sqlite3_file *file, void *into, int length, sqlite3_int64 offset) {
    int result = flush(file);
    return result != SQLITE_OK ? result : real(file)->pMethods->xRead(real(file), into, length, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int result = flush(file);
    return result != SQLITE_OK ? result : real(file)->pMethods->xTruncate(real(file), size);
}

static int file_sync(sqlite3_file *file, int flags) {
    struct gathering_file *it = (struct gathering_file *)file;
    int result = flush(file);
    if (result != SQLITE_OK) return result;
    // Of all syncs only that of a commit can come later. That of a new WAL's head, and those of a checkpoint, which may
    // come within the same COMMIT, hold the file together and are done at once.
    if (it->gathers && it->ends_with_commit) {
        it->ends_with_commit = 0;
        return SQLITE_OK;
    }
    // What a sync that failed was to bring to the disk is not there, and no other sync would say so.
    if (it->is_in_doubt) return SQLITE_IOERR_FSYNC;
    result = real(file)->pMethods->xSync(real(file), flags);
    if (result != SQLITE_OK && it->is_seen_to) it->is_in_doubt = 1;
    return result;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    int result = flush(file);
    return result != SQLITE_OK ? result : real(file)->pMethods->xFileSize(real(file), size);
}

static int file_lock(sqlite3_file *file, int lock) { return real(file)->pMethods->xLock(real(file), lock); }
static int file_unlock(sqlite3_file *file, int lock) { return real(file)->pMethods->xUnlock(real(file), lock); }
static int file_is_reserved(sqlite3_file *file, int *out) {
    return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
static int file_control(sqlite3_file *file, int operation, void *argument) {
    return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
static int file_sector_size(sqlite3_file *file) { return real(file)->pMethods->xSectorSize(real(file)); }
static int file_characteristics(sqlite3_file *file) {
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

/// Version 1: shared memory and mapping are the database's, not its WAL's.
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out) {
    (void)vfs;
    if (!(flags & SQLITE_OPEN_WAL)) return below->xOpen(below, path, file, flags, out);
    struct gathering_file *it = (struct gathering_file *)file;
    memset(it, 0, sizeof *it);
    int result = below->xOpen(below, path, real(file), flags, out);
    if (result == SQLITE_OK) it->base.pMethods = &methods;
    return result;
}

static int installed = SQLITE_ERROR;

static void install(void) {
    // Nobody asks how much memory SQLite has; to count it is a lock, and a look at the size, for every allocation.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    below = sqlite3_vfs_find(NULL);
    if (!below) return;
    ours = *below;
    ours.pNext = NULL;
    ours.zName = "gathered-writes";
    ours.szOsFile = below->szOsFile + (int)sizeof(struct gathering_file);
    ours.xOpen = vfs_open;
    installed = sqlite3_vfs_register(&ours, 1);
}

int gathered_writes_install(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    return installed;
}

static struct gathering_file *wal_of(void *connection) {
    sqlite3_file *file = NULL;
    if (sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK) return NULL;
    return file && file->pMethods == &methods ? (struct gathering_file *)file : NULL;
}

void gathered_writes_keep_wal(void *connection, int is_kept) {
    sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_kept, (int *)NULL);
}

static int has_room(struct gathering_file *it) {
    if (!it->bytes) it->bytes = malloc(most);
    return it->bytes != NULL;
}

int gathered_writes_begin(void *connection) {
    struct gathering_file *it = wal_of(connection);
    if (!it) return 0;
    it->is_seen_to = 1;
    it->ends_with_commit = 0;
    return it->gathers = has_room(it);
}

void gathered_writes_end(void *connection, int committed) {
    struct gathering_file *it = wal_of(connection);
    if (!it) return;
    if (committed) flush(&it->base);
    it->gathers = 0;
    it->length = 0;
    it->ends_with_commit = 0;
}

/// The wal-index begins with a header whose fifth number it is (https://sqlite.org/walformat.html#the_wal_index_header).
enum { frames_in_header = 4 };

int64_t gathered_writes_frames(void *connection) {
    sqlite3_file *file = NULL;
    void volatile *index = NULL;
    if (sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK) return -1;
    if (!file || !file->pMethods || file->pMethods->iVersion < 2 || !file->pMethods->xShmMap) return -1;
    // The first part of it, which a transaction has mapped already, in the size by which SQLite maps it.
    if (file->pMethods->xShmMap(file, 0, 32 * 1024, 0, &index) != SQLITE_OK || !index) return -1;
    return ((uint32_t volatile *)index)[frames_in_header];
}

int gathered_writes_sync(void *connection) {
    struct gathering_file *it = wal_of(connection);
    if (!it) return SQLITE_OK;
    if (it->is_in_doubt) return SQLITE_IOERR_FSYNC;
    int result = real(&it->base)->pMethods->xSync(real(&it->base), SQLITE_SYNC_NORMAL);
    it->is_in_doubt = result != SQLITE_OK;
    return result;
}

int gathered_writes_is_in_doubt(void *connection) {
    struct gathering_file *it = wal_of(connection);
    return it && it->is_in_doubt;
}

int gathered_writes_sync_anew(void *connection) {
    struct gathering_file *it = wal_of(connection);
    if (!it) return SQLITE_OK;
    if (!has_room(it)) return SQLITE_NOMEM;
    sqlite3_file *wal = real(&it->base);
    sqlite3_int64 size = 0;
    int result = wal->pMethods->xFileSize(wal, &size);
    for (sqlite3_int64 offset = 0; result == SQLITE_OK && offset < size; offset += most) {
        int length = size - offset < most ? (int)(size - offset) : most;
        result = wal->pMethods->xRead(wal, it->bytes, length, offset);
        if (result == SQLITE_OK) result = wal->pMethods->xWrite(wal, it->bytes, length, offset);
    }
    if (result == SQLITE_OK) result = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
    it->is_in_doubt = result != SQLITE_OK;
    return result;
}
