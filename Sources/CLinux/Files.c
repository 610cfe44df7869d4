// What is done to files beyond what Swift sees of libc.

#define _GNU_SOURCE
#include "CLinux.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Of younger headers than some that we are built with. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef FICLONE
#define FICLONE _IOW(0x94, 9, int)
#endif
#define DWELL_RESOLVE_NO_XDEV 0x01
#define DWELL_RESOLVE_NO_SYMLINKS 0x04
#define DWELL_RESOLVE_BENEATH 0x08
#define DWELL_RENAME_NOREPLACE 1

int clinux_open_folder_within(int directory, const char *name) {
    struct {
        uint64_t flags, mode, resolve;
    } how = {O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
             DWELL_RESOLVE_NO_XDEV | DWELL_RESOLVE_NO_SYMLINKS | DWELL_RESOLVE_BENEATH};
    int descriptor = (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
    if (descriptor >= 0 || (errno != ENOSYS && errno != EPERM)) return descriptor;
    descriptor = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) return -1;
    struct stat above, below;
    if (fstat(directory, &above) != 0 || fstat(descriptor, &below) != 0 || above.st_dev != below.st_dev) {
        close(descriptor);
        errno = EXDEV;
        return -1;
    }
    return descriptor;
}

int clinux_detach_mount(const char *path) {
    return umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
}

int clinux_rename_to_new(const char *from, const char *to) {
    if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, DWELL_RENAME_NOREPLACE) == 0) return 0;
    if (errno != ENOSYS && errno != EINVAL) return -1;
    struct stat there;
    if (lstat(to, &there) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

int clinux_share_blocks(int to, int from) {
    return ioctl(to, FICLONE, from);
}

int clinux_sync_file_system(int descriptor) {
    return syncfs(descriptor);
}
