/* The smallest server a replica can be: answers "ok" to every request, one at a time, on $PORT of loopback. */

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int main(void) {
    const char *port = getenv("PORT");
    const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port ? port : "0"))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listening, (struct sockaddr *)&address, sizeof address) != 0 || listen(listening, 64) != 0) return 1;
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        char request[8192];
        size_t length = 0;
        ssize_t count;
        struct timeval limit = {.tv_sec = 5};
        int client = accept(listening, NULL, NULL);
        if (client < 0) continue;
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        while (length < sizeof request - 1 && (count = read(client, request + length, sizeof request - 1 - length)) > 0) {
            length += (size_t)count;
            request[length] = 0;
            if (strstr(request, "\r\n\r\n")) {
                (void)!write(client, answer, sizeof answer - 1);
                break;
            }
        }
        close(client);
    }
}
