"""Answers every GET at once with the first of a stream of server-sent events, which lasts until the client closes it."""
import os
import selectors
import socket
import sys

port = int(sys.argv[1] if len(sys.argv) > 1 else os.environ["PORT"])
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", port))
server.listen(256)
ready = selectors.DefaultSelector()
ready.register(server, selectors.EVENT_READ)


def begin():
    client, _ = server.accept()
    client.settimeout(2)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while b"\r\n\r\n" not in client.recv(65536):
            pass
        client.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\n\r\n9\r\ndata: a\n\n\r\n")
        ready.register(client, selectors.EVENT_READ)
    except OSError:
        client.close()


def end(client):
    ready.unregister(client)
    client.close()


while True:
    for key, _ in ready.select():
        begin() if key.fileobj is server else end(key.fileobj)
