#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* The clocks that nobody can set, and the timers on them, are the kernel's own also where a library that is loaded
   before all others answers for the C library. libfaketime, with which people try how a program takes a clock that is
   set, moves the boot clock too, and makes timers on it that never go off: a deadline would be recorded as years late, and
   every sleep of the Swift runtime would be for ever. What it says of the wall clock is believed: that is what it is for.

   A program's own functions come before those of libraries, so it is enough that these are here. */

typedef int (*get_time)(clockid_t, struct timespec *);

/* What the next in line answers with; UINTPTR_MAX where the kernel is asked itself. */
static get_time next_in_line(int *is_libc) {
    static _Atomic(uintptr_t) known;
    static _Atomic int known_libc;
    uintptr_t found = atomic_load_explicit(&known, memory_order_acquire);
    if (!found) {
        Dl_info info;
        get_time next = (get_time)dlsym(RTLD_NEXT, "clock_gettime");
        int libc = !next || (dladdr((void *)next, &info) && info.dli_fname && strstr(info.dli_fname, "libc.so"));
        found = next ? (uintptr_t)next : UINTPTR_MAX;
        atomic_store_explicit(&known_libc, libc, memory_order_relaxed);
        atomic_store_explicit(&known, found, memory_order_release);
    }
    *is_libc = atomic_load_explicit(&known_libc, memory_order_relaxed);
    return found == UINTPTR_MAX ? NULL : (get_time)found;
}

static int can_be_set(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int is_libc;
    get_time next = next_in_line(&is_libc);
    if (next && (is_libc || can_be_set(clock))) return next(clock, time);
    return (int)syscall(SYS_clock_gettime, clock, time);
}

int timerfd_settime(int timer, int flags, const struct itimerspec *when, struct itimerspec *before) {
    return (int)syscall(SYS_timerfd_settime, timer, flags, when, before);
}
