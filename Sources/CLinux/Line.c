#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/// What the file holds.
struct clinux_line {
    /// Boot and C library that the mutex is of.
    char maker[120];
    pthread_mutex_t mutex;
};

static int make(struct clinux_line *line, const char *maker) {
    pthread_mutexattr_t how;
    int error;
    pthread_mutexattr_init(&how);
    pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    /* With it the kernel hands the mutex on, to who has waited longest. Without it whoever comes first takes it: with
       flock(2) too, and there everybody in the line is woken each time, and lies down again. */
    pthread_mutexattr_setprotocol(&how, PTHREAD_PRIO_INHERIT);
    memset(line, 0, sizeof *line);
    error = pthread_mutex_init(&line->mutex, &how);
    pthread_mutexattr_destroy(&how);
    if (error == 0) memcpy(line->maker, maker, strlen(maker) + 1);
    return error;
}

/// Maps the file that is there, or makes it. One of another boot or another C library is taken away, and never written
/// to: should anybody stand in line there after all, that one stays in order. NULL and EAGAIN when it is to be tried again.
static struct clinux_line *map(int descriptor, const char *path, const char *maker) {
    struct clinux_line *line;
    struct stat opened, there;
    int error = 0;
    if (fstat(descriptor, &opened) != 0) return NULL;
    if (stat(path, &there) != 0 || opened.st_dev != there.st_dev || opened.st_ino != there.st_ino) error = EAGAIN;
    /* Room that is there for certain: to touch a page that no room is left for would end the process. */
    if (error == 0 && opened.st_size == 0) error = posix_fallocate(descriptor, 0, sizeof *line);
    if (error != 0) return errno = error, NULL;
    line = MAP_FAILED;
    if (opened.st_size == 0 || opened.st_size >= (off_t)sizeof *line)
        line = mmap(NULL, sizeof *line, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (line != MAP_FAILED) {
        if (opened.st_size == 0) error = make(line, maker);
        if (error == 0 && strncmp(line->maker, maker, sizeof line->maker) == 0) return line;
        munmap(line, sizeof *line);
    }
    unlink(path);
    return errno = error ? error : EAGAIN, NULL;
}

struct clinux_line *clinux_line_open(const char *path, const char *boot) {
    char maker[sizeof ((struct clinux_line *)0)->maker];
    snprintf(maker, sizeof maker, "%s glibc %s, %zu bytes", boot, gnu_get_libc_version(), sizeof(struct clinux_line));
    for (int attempt = 0; attempt < 3; attempt++) {
        struct clinux_line *line = NULL;
        int error, descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (descriptor < 0) return NULL;
        if (clinux_flock_within(descriptor, 1000) == 0) line = map(descriptor, path, maker);
        error = errno;
        /* Not freed by closing alone: what is mapped keeps the file open. */
        flock(descriptor, LOCK_UN);
        close(descriptor);
        errno = error;
        if (line || error != EAGAIN) return line;
    }
    return NULL;
}

void clinux_line_close(struct clinux_line *line) { munmap(line, sizeof *line); }

int clinux_line_take(struct clinux_line *line, int milliseconds) {
    struct timespec limit;
    int error = pthread_mutex_trylock(&line->mutex);
    if (error == EBUSY) {
        clock_gettime(CLOCK_MONOTONIC, &limit);
        limit.tv_sec += milliseconds / 1000;
        limit.tv_nsec += (milliseconds % 1000) * 1000000L;
        if (limit.tv_nsec >= 1000000000L) {
            limit.tv_sec += 1;
            limit.tv_nsec -= 1000000000L;
        }
        error = pthread_mutex_clocklock(&line->mutex, CLOCK_MONOTONIC, &limit);
    }
    /* Who had it died. Nothing is in disorder: what it did, SQLite has rolled back. */
    if (error == EOWNERDEAD) error = pthread_mutex_consistent(&line->mutex);
    if (error == 0) return 0;
    errno = error;
    return -1;
}

void clinux_line_give_back(struct clinux_line *line) { pthread_mutex_unlock(&line->mutex); }
