/* Calls of a child that are held until its parent has answered them: seccomp_unotify(2). */

#define _GNU_SOURCE
#include "CLinux.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* Of younger headers than some that we are built with. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* Makes bind(2) and connect(2) of this process and its descendants wait for an answer. Returns the descriptor that
   answers are given on, or -1 and errno. */
static int hold_calls(void) {
#ifdef OWN_ARCHITECTURE
    struct sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        /* A program of another architecture has other numbers; its calls are let through. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bind, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    };
    struct sock_fprog program = {.len = sizeof instructions / sizeof instructions[0], .filter = instructions};
    /* A call that has been taken up is interrupted by what kills, and by no other signal, or it would be begun again
       after it has had its effect (Linux 5.19). */
    unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    int has_given_up_privileges = 0;
    for (;;) {
        int descriptor = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
        if (descriptor >= 0) return descriptor;
        if (errno == EINVAL && (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)) {
            flags &= ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
        } else if (errno == EACCES && !has_given_up_privileges) {
            /* Without CAP_SYS_ADMIN: what it starts may not gain privileges either. */
            if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
            has_given_up_privileges = 1;
        } else {
            return -1;
        }
    }
#else
    errno = ENOSYS;
    return -1;
#endif
}

static void close_both(int ends[2]) {
    close(ends[0]);
    close(ends[1]);
}

int clinux_spawn_held(pid_t *pid, int *calls, char *const argv[]) {
    int upwards[2], downwards[2];
    if (pipe2(upwards, O_CLOEXEC) != 0) return errno;
    if (pipe2(downwards, O_CLOEXEC) != 0) {
        int error = errno;
        close_both(upwards);
        return error;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        /* It does not outlive the one who answers for it: its calls would fail from then on. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(127);
        int held = hold_calls();
        int told = held < 0 ? -errno : held;
        char go;
        if (write(upwards[1], &told, sizeof told) != sizeof told || held < 0) _exit(127);
        close(downwards[1]);
        if (read(downwards[0], &go, 1) != 1 || !argv) _exit(0);
        struct sigaction standard = {.sa_handler = SIG_DFL};
        for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execvp(argv[0], argv);
        dprintf(2, "%s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    int error = child < 0 ? errno : 0;
    close(upwards[1]);
    close(downwards[0]);
    int told = -1;
    if (!error && read(upwards[0], &told, sizeof told) != sizeof told) error = EPIPE;
    if (!error && told < 0) error = -told;
    *calls = -1;
    if (!error) {
        /* Taken rather than sent, for so will be every socket: a system that does not let us says so here. */
        *calls = clinux_take_descriptor(child, told);
        if (*calls < 0) error = errno;
    }
    if (!error && write(downwards[1], "!", 1) != 1) error = errno;
    close(upwards[0]);
    close(downwards[1]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error && child > 0) {
        kill(child, SIGKILL);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
        if (*calls >= 0) close(*calls);
    }
    *pid = child;
    return error;
}

int clinux_can_hold_calls(void) {
    pid_t pid;
    int calls;
    int error = clinux_spawn_held(&pid, &calls, NULL);
    if (error) return error;
    close(calls);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    return 0;
}

int clinux_next_call(int calls, struct clinux_call *call) {
    struct seccomp_notif notice;
    for (;;) {
        memset(&notice, 0, sizeof notice);
        if (ioctl(calls, SECCOMP_IOCTL_NOTIF_RECV, &notice) == 0) break;
        /* ENOENT: whoever made the call was killed meanwhile. */
        if (errno != EINTR && errno != ENOENT) return -1;
        struct pollfd ready = {.fd = calls, .events = POLLIN};
        if (poll(&ready, 1, 0) <= 0 || !(ready.revents & POLLIN)) {
            errno = EAGAIN;
            return -1;
        }
    }
    call->id = notice.id;
    call->thread = (pid_t)notice.pid;
    call->is_bind = notice.data.nr == SYS_bind;
    call->descriptor = (int)notice.data.args[0];
    call->address = notice.data.args[1];
    call->length = (uint32_t)notice.data.args[2];
    return 0;
}

bool clinux_is_call_pending(int calls, uint64_t id) {
    return ioctl(calls, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

int clinux_answer_call(int calls, uint64_t id, int error) {
    struct seccomp_notif_resp answer = {.id = id, .error = -error};
    return ioctl(calls, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

int clinux_let_call_through(int calls, uint64_t id) {
    struct seccomp_notif_resp answer = {.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    return ioctl(calls, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* The process a thread belongs to. */
static pid_t process_of(pid_t thread) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)thread);
    FILE *file = fopen(path, "re");
    if (!file) return -1;
    char line[256];
    int process = -1;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Tgid: %d", &process) == 1) break;
    fclose(file);
    return process;
}

int clinux_take_descriptor(pid_t thread, int descriptor) {
    int process = clinux_pidfd_open(thread);
    if (process < 0 && (errno == EINVAL || errno == ENOENT)) process = clinux_pidfd_open(process_of(thread));
    if (process < 0) return -1;
    int taken = (int)syscall(SYS_pidfd_getfd, process, descriptor, 0);
    int error = errno;
    close(process);
    errno = error;
    return taken;
}

ssize_t clinux_read_memory(pid_t process, uint64_t address, void *into, size_t length) {
    struct iovec here = {into, length};
    struct iovec there = {(void *)(uintptr_t)address, length};
    return process_vm_readv(process, &here, 1, &there, 1, 0);
}
