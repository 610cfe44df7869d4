/* A wall clock of one's own, for the programs it is loaded into (LD_PRELOAD): CLOCK_REALTIME is what the file named by
   WALLCLOCK says it is, an offset and a rate that may be changed at any time; every other clock and every timer is
   the kernel's. (libfaketime cannot be told anew while a program runs, and moves the boot clock too.) */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* now = real + offset + (real - since) * parts_per_million / 1e6, in microseconds */
struct wall { int64_t offset, since, parts_per_million; };
static volatile struct wall *wall;

__attribute__((constructor)) static void load(void) {
    const char *path = getenv("WALLCLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *at = mmap(NULL, sizeof *wall, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (at != MAP_FAILED) wall = at;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result || !wall || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
    int64_t real = (int64_t)time->tv_sec * 1000000 + time->tv_nsec / 1000;
    int64_t shown = real + wall->offset + (real - wall->since) * wall->parts_per_million / 1000000;
    time->tv_sec = shown / 1000000;
    time->tv_nsec = shown % 1000000 * 1000;
    return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    struct timespec time;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &time);
    out->tv_sec = time.tv_sec;
    out->tv_usec = time.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
