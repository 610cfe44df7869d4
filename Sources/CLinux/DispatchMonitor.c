#include <stdint.h>

/* On Linux libdispatch looks once a second, for as long as the process lives, whether its workers are all blocked, so that
   it may start more. It is the only thing for which an idle controller would wake that often. Where the program is linked
   with --wrap=dispatch_source_set_timer (tools/install.sh), what libdispatch asks of itself comes here, and the look is
   taken every five seconds: no call of ours that blocks a worker, on the lock of the log above all, takes longer. */

enum { nanoseconds = 1000000000 };

extern void __real_dispatch_source_set_timer(void *source, uint64_t start, uint64_t interval, uint64_t leeway)
    __attribute__((weak));

void __wrap_dispatch_source_set_timer(void *source, uint64_t start, uint64_t interval, uint64_t leeway) {
    /* Nothing else here repeats itself every second, to the nanosecond. */
    if (interval == nanoseconds && leeway == 0) interval = 5ull * nanoseconds, leeway = nanoseconds;
    __real_dispatch_source_set_timer(source, start, interval, leeway);
}
