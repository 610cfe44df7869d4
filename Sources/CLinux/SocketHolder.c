#define _GNU_SOURCE
#include "CLinux.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* Address and port as sock_diag has them; the family, or 0 for one that is not of the internet. */
static sa_family_t place(const struct sockaddr *address, __be32 words[4], __be16 *port) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;
        words[0] = four->sin_addr.s_addr;
        *port = four->sin_port;
        return AF_INET;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
        memcpy(words, &six->sin6_addr, sizeof six->sin6_addr);
        *port = six->sin6_port;
        return AF_INET6;
    }
    return 0;
}

int clinux_is_socket_held(const struct sockaddr *local, const struct sockaddr *remote) {
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } question;
    struct {
        struct nlmsghdr header;
        struct inet_diag_msg body;
        char attributes[512];
    } answer;
    memset(&question, 0, sizeof question);
    memset(&answer, 0, sizeof answer);
    question.header.nlmsg_len = sizeof question;
    question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question.header.nlmsg_flags = NLM_F_REQUEST;
    question.body.sdiag_protocol = IPPROTO_TCP;
    question.body.idiag_states = ~0U;
    question.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    question.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    question.body.sdiag_family = place(local, question.body.id.idiag_src, &question.body.id.idiag_sport);
    sa_family_t other = place(remote, question.body.id.idiag_dst, &question.body.id.idiag_dport);
    if (question.body.sdiag_family == 0 || question.body.sdiag_family != other) return -1;

    int descriptor = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (descriptor < 0) return -1;
    ssize_t length = -1;
    /* The kernel has answered when send returns. */
    if (send(descriptor, &question, sizeof question, 0) == (ssize_t)sizeof question)
        length = recv(descriptor, &answer, sizeof answer, MSG_DONTWAIT);
    close(descriptor);
    if (length < (ssize_t)(sizeof answer.header + sizeof answer.body)) return -1;
    if (answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return -1;
    /* Where there is no such connection, whoever listens at its port is found instead. */
    if (answer.body.idiag_state == TCP_LISTEN) return -1;
    return answer.body.idiag_inode != 0;
}
