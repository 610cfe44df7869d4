// System calls that Swift cannot express by itself: variadic ones, and ones without a libc function on
// every Linux we run on. Nothing else belongs here.

#ifndef CLINUX_H
#define CLINUX_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#ifndef __linux__
#error "dwell runs on Linux"
#endif

/// Starts `executable` (looked for in PATH) in a session of its own and in `directory`, with default
/// signals. It has `input` as standard input, `output` as standard output and error, `inherited` (or
/// nothing, when negative) as descriptor 3, and no other descriptor. Returns 0, or an error number, also
/// when the program could not be executed (posix_spawn(3)).
int clinux_spawn(pid_t *pid, const char *executable, char *const argv[], char *const envp[],
                 const char *directory, int input, int output, int inherited);

/// A descriptor that becomes readable when the process ends; -1 and errno on failure (Linux 5.3).
static inline int clinux_pidfd_open(pid_t pid) {
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    return (int)syscall(434, pid, 0);
#endif
}

/// Sends a signal to the process a pidfd stands for; -1 and errno on failure (Linux 5.1).
static inline int clinux_pidfd_send_signal(int pidfd, int signal) {
#ifdef SYS_pidfd_send_signal
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, 0, 0);
#else
    return (int)syscall(424, pidfd, signal, 0, 0);
#endif
}

/// A process's soft limit on file locks, which no kernel since 2.4 looks at (getrlimit(2)), so that it
/// can carry a number. It is 64 bits wide, passes to children and through exec, and is readable from
/// outside. Returns 0, or -1 and errno.
int clinux_lock_limit(pid_t pid, uint64_t *value);

/// Sets this process's own soft limit on file locks; the hard limit is left alone, so that whoever comes
/// after may set another. `UINT64_MAX` stands for the hard limit. Returns 0, or -1 and errno.
int clinux_set_lock_limit(uint64_t value);

/// A descriptor that becomes readable (eventfd(2)) when this process is sent the signal, from this call on: no moment
/// lies between what the signal does by default and that. -1 and errno on failure.
int clinux_catch_signal(int signal);

/// Takes the lock of one byte of an open file (F_OFD_SETLK: it is let go when the file is closed, or its process ends).
/// Waits for whoever has it no longer than so long, or not at all for 0. Returns 0 with the lock, or -1 and errno (EAGAIN,
/// ETIMEDOUT).
int clinux_lock_byte(int descriptor, int64_t byte, int milliseconds);

/// Waits until nobody else has that lock, in the same way, and does not take it. Any number may wait for one.
int clinux_await_byte(int descriptor, int64_t byte, int milliseconds);

/// Whether somebody else has the lock of the byte: not this open file.
bool clinux_is_byte_locked(int descriptor, int64_t byte);

/// Lets go of the locks of so many bytes.
int clinux_unlock_bytes(int descriptor, int64_t first, int64_t count);

/// Lets go of the pages of this program and of its libraries that nobody has written to. They stay in the kernel's cache
/// and come back when they are touched.
void clinux_release_clean_pages(void);

/// Whether the signal is ignored. (The handler's field is a macro, which Swift does not see.)
bool clinux_is_ignored(int signal);

/// Starts `argv` (looked for in PATH) as a child whose calls of bind(2) and connect(2), and those of all its descendants,
/// wait until they are answered on `calls` (seccomp_unotify(2), Linux 5.6). It has default signals, what else this process
/// has, and ends with the thread that called this. Returns 0, or an error number.
int clinux_spawn_held(pid_t *pid, int *calls, char *const argv[]);

/// Whether `clinux_spawn_held` would do: 0, or the error number.
int clinux_can_hold_calls(void);

/// A call that waits for its answer: `bind` or `connect` of a socket to the address of that length in the caller's memory.
struct clinux_call {
    uint64_t id;
    pid_t thread;
    bool is_bind;
    int descriptor;
    uint64_t address;
    uint32_t length;
};

/// The next call that waits. Returns 0, or -1 and errno: EAGAIN when none waits any more.
int clinux_next_call(int calls, struct clinux_call *call);
/// Whether the call still waits: if so, what was read of its caller until now was the caller's, and not that of a later
/// process with the same number.
bool clinux_is_call_pending(int calls, uint64_t id);
/// Ends the call: with success for 0, or with an error number.
int clinux_answer_call(int calls, uint64_t id, int error);
/// Lets the kernel do the call as it was made.
int clinux_let_call_through(int calls, uint64_t id);

/// This process's own descriptor for what is `descriptor` in another; -1 and errno on failure.
int clinux_take_descriptor(pid_t thread, int descriptor);
/// Reads another process's memory: the number of bytes, or -1 and errno.
ssize_t clinux_read_memory(pid_t process, uint64_t address, void *into, size_t length);

/// Makes this process the parent of its descendants whose own parents end.
static inline int clinux_become_subreaper(void) {
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/// A timer on `clock` that is read through a descriptor.
static inline int clinux_timer(int clock) {
    return timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);
}

/// A timer that never goes off, but can be read as soon as somebody sets the wall clock.
static inline int clinux_wall_clock_watch(void) {
    int timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    struct itimerspec never = {{0, 0}, {(time_t)1 << 33, 0}};
    if (timer >= 0 && timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, 0) != 0) {
        close(timer);
        return -1;
    }
    return timer;
}

/// Arms the timer for an absolute time; zero disarms it.
static inline int clinux_timer_set(int timer, int64_t microseconds) {
    struct itimerspec when = {{0, 0}, {microseconds / 1000000, (microseconds % 1000000) * 1000}};
    return timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, 0);
}

/// A descriptor that becomes readable when somebody writes a number to it (eventfd(2)); -1 and errno.
static inline int clinux_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/// A descriptor that becomes readable when `path` is written to, or something is made in or moved into it.
static inline int clinux_watch(const char *path) {
    int descriptor = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (descriptor < 0) return -1;
    if (inotify_add_watch(descriptor, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
        int error = errno;
        close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

/// Whether `count` more threads can run at once: 0, or the error of the one that could not be started.
int clinux_try_threads(int count);

/// How many processes and threads the user may have (RLIMIT_NPROC).
unsigned long clinux_process_limit(void);

/// Whether `count` more files can be open at once: 0, or the error of the one that could not be opened.
int clinux_try_descriptors(int count);

/// Sets the close-on-exec flag.
static inline int clinux_set_cloexec(int descriptor) {
    return fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

/// Opens the folder `name` of a folder to be read, unless it is a link, or something is mounted there (EXDEV; openat2(2),
/// Linux 5.6, without which only a mount of another file system is seen). A descriptor, or -1 and errno.
int clinux_open_folder_within(int directory, const char *name);

/// For open(2): a descriptor that only stands for the place (O_PATH).
static const int clinux_path_only = 010000000;

/// Takes what is mounted at `path` out of sight at once (umount2(2)). Returns 0, or -1 and errno.
int clinux_detach_mount(const char *path);

/// Renames unless something has the new name (renameat2(2)). Returns 0, or -1 and errno (EEXIST).
int clinux_rename_to_new(const char *from, const char *to);

/// Makes an empty file share the blocks of another, where the file system can (FICLONE). Returns 0, or -1 and errno.
int clinux_share_blocks(int to, int from);

/// Waits until what was written to the file system of `descriptor` is on disk. Returns 0, or -1 and errno.
int clinux_sync_file_system(int descriptor);

/// Gives the first `length` bytes of a file back to the disk: they read as zeros, and its length stays (fallocate(2)).
/// Returns 0, or -1 and errno.
int clinux_punch_hole(int descriptor, int64_t length);

/// How many files this process may have open (getrlimit(2)), once the limit has been raised as far towards `wanted` as may
/// be without privilege.
int64_t clinux_open_file_limit(int64_t wanted);

/// Whether a process of this machine holds the TCP socket at `local` that is connected to `remote` (sock_diag(7)): 1 if one
/// does, 0 if it has been closed, -1 if there is no such socket here or the kernel does not say.
int clinux_is_socket_held(const struct sockaddr *local, const struct sockaddr *remote);

/// Where the first byte of a file lies that is no hole (lseek(2)); -1 when there is none.
int64_t clinux_first_data(int descriptor);

#endif
