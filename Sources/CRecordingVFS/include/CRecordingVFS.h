// A VFS of SQLite that writes down, in order, what is done to the files of a folder: what is made, written,
// cut, synced and deleted. Crash images are built from that order. For tests only; nothing of it is in the
// shipped program.

#ifndef CRECORDINGVFS_H
#define CRECORDINGVFS_H

#include <stddef.h>
#include <stdint.h>

/// What was done.
enum recorded_kind {
    RECORDED_CREATE,
    RECORDED_WRITE,
    RECORDED_TRUNCATE,
    RECORDED_SYNC,
    /// One that failed: what was not synced is read back as it was written, and never gets to the disk.
    RECORDED_FAILED_SYNC,
    RECORDED_DELETE,
    /// Put in by the test: see recording_mark.
    RECORDED_MARK
};

/// One thing that was done. `data` belongs to the recording.
struct recorded_step {
    int kind;
    /// The file, without its folder; empty for a mark.
    const char *name;
    /// Of a write; the new length for a truncation; the number for a mark.
    int64_t offset;
    size_t length;
    const uint8_t *data;
    /// For a deletion: the folder was synced as well.
    int folder_is_synced;
};

typedef struct recording recording;

/// Makes the recording VFS the default of this process, once; it is so from the beginning, so that whatever else is
/// put before SQLite's own is put before this and is recorded as it reaches the disk. It does nothing for files outside
/// the folders that are being recorded. Returns an SQLite result code.
int recording_install(void);

/// Begins to record what is done to files in `folder` (absolute, without a slash at its end).
recording *recording_begin(const char *folder);

/// Notes a moment between two steps.
void recording_mark(recording *it, int64_t number);

/// Has the next `count` syncs of a WAL fail, as Linux fails them: what they were to sync is taken for written from then
/// on, and a sync after them does not complain.
void recording_fail_syncs(recording *it, int count);

/// Stops recording; the steps stay until recording_free.
void recording_end(recording *it);

size_t recording_count(recording *it);
struct recorded_step recording_step(recording *it, size_t index);

/// Only once every file that was opened while recording is closed.
void recording_free(recording *it);

#endif
