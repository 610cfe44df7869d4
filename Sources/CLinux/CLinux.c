#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <link.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>

int clinux_spawn(pid_t *pid, const char *executable, char *const argv[], char *const envp[],
                 const char *directory, int input, int output, int inherited) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    sigemptyset(&none);
    sigfillset(&all);
    /* The inherited one last: until then, number 3 may be the input's or the output's own. */
    error = posix_spawn_file_actions_adddup2(&actions, input, 0);
    if (!error) error = posix_spawn_file_actions_adddup2(&actions, output, 1);
    if (!error) error = posix_spawn_file_actions_adddup2(&actions, output, 2);
    if (!error && inherited >= 0) error = posix_spawn_file_actions_adddup2(&actions, inherited, 3);
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, inherited >= 0 ? 4 : 3);
    if (!error) error = posix_spawn_file_actions_addchdir_np(&actions, directory);
    if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
    if (!error) error = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!error)
        error = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!error) error = posix_spawnp(pid, executable, &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int clinux_lock_limit(pid_t pid, uint64_t *value) {
    struct rlimit64 limit;
    if (prlimit64(pid, RLIMIT_LOCKS, 0, &limit) != 0) return -1;
    *value = limit.rlim_cur;
    return 0;
}

int clinux_set_lock_limit(uint64_t value) {
    struct rlimit64 limit;
    if (prlimit64(0, RLIMIT_LOCKS, 0, &limit) != 0) return -1;
    limit.rlim_cur = value == UINT64_MAX ? limit.rlim_max : value;
    return prlimit64(0, RLIMIT_LOCKS, &limit, 0);
}

/* By signal number; -1 is not a descriptor, and 0 belongs to nobody who catches signals. */
static _Atomic int caught[NSIG];

static void note_signal(int signal) {
    int kept = errno;
    uint64_t one = 1;
    (void)!write(caught[signal], &one, sizeof one);
    errno = kept;
}

int clinux_catch_signal(int signal) {
    if (signal <= 0 || signal >= NSIG) {
        errno = EINVAL;
        return -1;
    }
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0) return -1;
    caught[signal] = descriptor;
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    if (sigaction(signal, &action, NULL) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

bool clinux_is_ignored(int signal) {
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void interrupt(int signal) { (void)signal; }

static void prepare_interrupt(void) {
    /* Without SA_RESTART, so that the call that is waited in returns. */
    struct sigaction action = {.sa_handler = interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGRTMIN + 7, &action, NULL);
}

static int lock_bytes(int descriptor, int command, int type, int64_t first, int64_t count) {
    struct flock lock = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = first, .l_len = count};
    return fcntl(descriptor, command, &lock);
}

int clinux_unlock_bytes(int descriptor, int64_t first, int64_t count) {
    return lock_bytes(descriptor, F_OFD_SETLK, F_UNLCK, first, count);
}

bool clinux_is_byte_locked(int descriptor, int64_t byte) {
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static int lock_byte(int descriptor, int type, int64_t byte, int milliseconds) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 7};
    struct itimerspec when;
    sigset_t wanted, before;
    timer_t timer;
    int result = -1, error = 0;
    if (lock_bytes(descriptor, F_OFD_SETLK, type, byte, 1) == 0) return 0;
    if (milliseconds == 0 || (errno != EAGAIN && errno != EACCES && errno != EINTR)) return -1;
    pthread_once(&once, prepare_interrupt);
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return -1;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGRTMIN + 7);
    pthread_sigmask(SIG_UNBLOCK, &wanted, &before);
    when.it_value.tv_sec = milliseconds / 1000;
    when.it_value.tv_nsec = (milliseconds % 1000) * 1000000L;
    /* And again and again, should it come in the moment before the wait begins. */
    when.it_interval.tv_sec = 0;
    when.it_interval.tv_nsec = 10000000L;
    timer_settime(timer, 0, &when, NULL);
    while ((result = lock_bytes(descriptor, F_OFD_SETLKW, type, byte, 1)) != 0) {
        struct itimerspec left;
        error = errno;
        if (error != EINTR) break;
        /* Other signals interrupt too: it is over once the first span is, which is longer than the interval. */
        if (timer_gettime(timer, &left) == 0 && left.it_value.tv_sec == 0 && left.it_value.tv_nsec <= 10000000L) {
            error = ETIMEDOUT;
            break;
        }
    }
    timer_delete(timer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) errno = error;
    return result;
}

int clinux_lock_byte(int descriptor, int64_t byte, int milliseconds) {
    return lock_byte(descriptor, F_WRLCK, byte, milliseconds);
}

int clinux_await_byte(int descriptor, int64_t byte, int milliseconds) {
    /* A lock that many may share, and that is let go at once. */
    if (lock_byte(descriptor, F_RDLCK, byte, milliseconds) != 0) return -1;
    clinux_unlock_bytes(descriptor, byte, 1);
    return 0;
}

static int release_clean_pages(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        /* Never one that may be written to: what was written would be gone. */
        if (part->p_type != PT_LOAD || part->p_flags & PF_W) continue;
        uintptr_t begin = (info->dlpi_addr + part->p_vaddr + page - 1) / page * page;
        uintptr_t end = (info->dlpi_addr + part->p_vaddr + part->p_memsz) / page * page;
        if (end > begin) (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

void clinux_release_clean_pages(void) { dl_iterate_phdr(release_clean_pages, NULL); }

int clinux_punch_hole(int descriptor, int64_t length) {
    return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, length);
}

int64_t clinux_first_data(int descriptor) {
    return lseek(descriptor, 0, SEEK_DATA);
}

int64_t clinux_open_file_limit(int64_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    if (wanted > 0 && limit.rlim_cur < (rlim_t)wanted && limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = limit;
        raised.rlim_cur = limit.rlim_max < (rlim_t)wanted ? limit.rlim_max : (rlim_t)wanted;
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}

static void *wait_for_gate(void *gate) {
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

int clinux_try_threads(int count) {
    pthread_t threads[32];
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_attr_t attributes;
    int started = 0, error = pthread_attr_init(&attributes);
    if (error) return error;
    if (count > 32) count = 32;
    error = pthread_attr_setstacksize(&attributes, 64 * 1024);
    /* None ends before all have begun. */
    pthread_mutex_lock(&gate);
    while (!error && started < count) {
        error = pthread_create(&threads[started], &attributes, wait_for_gate, &gate);
        if (!error) started++;
    }
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

unsigned long clinux_process_limit(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NPROC, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

int clinux_try_descriptors(int count) {
    int opened[64], number = 0, error = 0;
    if (count > 64) count = 64;
    while (!error && number < count) {
        opened[number] = open("/", O_PATH | O_CLOEXEC);
        if (opened[number] < 0) error = errno;
        else number++;
    }
    while (number > 0) close(opened[--number]);
    return error;
}
