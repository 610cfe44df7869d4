#include "CRecordingVFS.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct recording {
    char *folder;
    int is_over;
    int failing_syncs;
    /// How many syncs have failed.
    int failures;
    struct recorded_step *steps;
    size_t count, capacity;
    struct recording *next;
};

/// A file of ours; the file of the VFS below lies behind it in the same allocation.
struct recorded_file {
    sqlite3_file base;
    recording *owner;
    char *name;
    /// How many failures of the owner it has told.
    int failures_told;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static recording *recordings;
static sqlite3_vfs *below;
static sqlite3_vfs ours;

static sqlite3_file *real(sqlite3_file *file) { return (sqlite3_file *)((struct recorded_file *)file + 1); }

static void add(recording *it, struct recorded_step step) {
    pthread_mutex_lock(&mutex);
    if (!it->is_over) {
        if (it->count == it->capacity) {
            it->capacity = it->capacity ? it->capacity * 2 : 1024;
            it->steps = realloc(it->steps, it->capacity * sizeof *it->steps);
            if (!it->steps) abort();
        }
        it->steps[it->count++] = step;
    }
    pthread_mutex_unlock(&mutex);
}

/// The recording that a path belongs to, and the name of the file in its folder.
static recording *owner_of(const char *path, const char **name) {
    if (!path) return NULL;
    pthread_mutex_lock(&mutex);
    recording *it = recordings;
    for (; it; it = it->next) {
        size_t length = strlen(it->folder);
        if (!it->is_over && !strncmp(path, it->folder, length) && path[length] == '/') {
            *name = path + length + 1;
            break;
        }
    }
    pthread_mutex_unlock(&mutex);
    return it;
}

/* The files' methods: each goes to the file below, and what changes it is written down first, for a crash may
   come in the middle of it. */

static int file_close(sqlite3_file *file) {
    struct recorded_file *it = (struct recorded_file *)file;
    int result = real(file)->pMethods->xClose(real(file));
    free(it->name);
    it->name = NULL;
    return result;
}

static int file_read(sqlite3_file *file, void *into, int length, sqlite3_int64 offset) {
    return real(file)->pMethods->xRead(real(file), into, length, offset);
}

static int file_write(sqlite3_file *file, const void *from, int length, sqlite3_int64 offset) {
    struct recorded_file *it = (struct recorded_file *)file;
    uint8_t *copy = malloc((size_t)length);
    if (!copy) return SQLITE_IOERR_NOMEM;
    memcpy(copy, from, (size_t)length);
    add(it->owner, (struct recorded_step){.kind = RECORDED_WRITE, .name = strdup(it->name), .offset = offset,
                                          .length = (size_t)length, .data = copy});
    return real(file)->pMethods->xWrite(real(file), from, length, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    struct recorded_file *it = (struct recorded_file *)file;
    add(it->owner, (struct recorded_step){.kind = RECORDED_TRUNCATE, .name = strdup(it->name), .offset = size});
    return real(file)->pMethods->xTruncate(real(file), size);
}

/// Written down once it has returned: until then nothing is promised.
static int file_sync(sqlite3_file *file, int flags) {
    struct recorded_file *it = (struct recorded_file *)file;
    int is_wal = strstr(it->name, "-wal") != NULL;
    if (it->owner->failing_syncs > 0 && is_wal) {
        it->owner->failing_syncs--;
        it->failures_told = ++it->owner->failures;
        add(it->owner, (struct recorded_step){.kind = RECORDED_FAILED_SYNC, .name = strdup(it->name)});
        return SQLITE_IOERR_FSYNC;
    }
    int result = real(file)->pMethods->xSync(real(file), flags);
    if (result == SQLITE_OK)
        add(it->owner, (struct recorded_step){.kind = RECORDED_SYNC, .name = strdup(it->name)});
    // Everybody who had the file open then is told once.
    if (is_wal && it->failures_told != it->owner->failures) {
        it->failures_told = it->owner->failures;
        return SQLITE_IOERR_FSYNC;
    }
    return result;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real(file)->pMethods->xFileSize(real(file), size);
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
static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
static void file_shm_barrier(sqlite3_file *file) { real(file)->pMethods->xShmBarrier(real(file)); }
static int file_shm_unmap(sqlite3_file *file, int delete) {
    return real(file)->pMethods->xShmUnmap(real(file), delete);
}

/// Version 2: without memory mapping, which would be writing behind our back.
static const sqlite3_io_methods methods = {
    2, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_unlock,
    file_is_reserved, file_control, file_sector_size, file_characteristics, file_shm_map, file_shm_lock,
    file_shm_barrier, file_shm_unmap, NULL, NULL};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out) {
    (void)vfs;
    const char *name = NULL;
    recording *owner = owner_of(path, &name);
    if (!owner) return below->xOpen(below, path, file, flags, out);
    struct recorded_file *it = (struct recorded_file *)file;
    memset(it, 0, sizeof *it);
    int is_new = access(path, F_OK) != 0;
    int result = below->xOpen(below, path, real(file), flags, out);
    if (result != SQLITE_OK) return result;
    it->owner = owner;
    it->name = strdup(name);
    it->failures_told = owner->failures;
    it->base.pMethods = &methods;
    if (is_new) add(owner, (struct recorded_step){.kind = RECORDED_CREATE, .name = strdup(name)});
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder) {
    (void)vfs;
    const char *name = NULL;
    recording *owner = owner_of(path, &name);
    int result = below->xDelete(below, path, sync_folder);
    if (owner && result == SQLITE_OK)
        add(owner, (struct recorded_step){.kind = RECORDED_DELETE, .name = strdup(name),
                                          .folder_is_synced = sync_folder});
    return result;
}

__attribute__((constructor)) static void install_first(void) { recording_install(); }

int recording_install(void) {
    static int result = -1;
    pthread_mutex_lock(&mutex);
    if (result < 0) {
        below = sqlite3_vfs_find(NULL);
        ours = *below;
        ours.zName = "recording";
        ours.szOsFile = below->szOsFile + (int)sizeof(struct recorded_file);
        ours.xOpen = vfs_open;
        ours.xDelete = vfs_delete;
        result = sqlite3_vfs_register(&ours, 1);
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

recording *recording_begin(const char *folder) {
    recording *it = calloc(1, sizeof *it);
    if (!it) abort();
    it->folder = strdup(folder);
    pthread_mutex_lock(&mutex);
    it->next = recordings;
    recordings = it;
    pthread_mutex_unlock(&mutex);
    return it;
}

void recording_mark(recording *it, int64_t number) {
    add(it, (struct recorded_step){.kind = RECORDED_MARK, .name = strdup(""), .offset = number});
}

void recording_end(recording *it) {
    pthread_mutex_lock(&mutex);
    it->is_over = 1;
    pthread_mutex_unlock(&mutex);
}

size_t recording_count(recording *it) { return it->count; }
struct recorded_step recording_step(recording *it, size_t index) { return it->steps[index]; }

void recording_free(recording *it) {
    pthread_mutex_lock(&mutex);
    for (recording **link = &recordings; *link; link = &(*link)->next) {
        if (*link == it) {
            *link = it->next;
            break;
        }
    }
    pthread_mutex_unlock(&mutex);
    for (size_t index = 0; index < it->count; index++) {
        free((void *)it->steps[index].name);
        free((void *)it->steps[index].data);
    }
    free(it->steps);
    free(it->folder);
    free(it);
}

void recording_fail_syncs(recording *it, int count) { it->failing_syncs = count; }
