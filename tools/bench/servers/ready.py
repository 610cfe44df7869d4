"""A server that is ready a given time after its start, and answers every GET with two bytes."""
import os
import socket
import sys
import time

begun = time.monotonic()
seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0
port = int(sys.argv[2] if len(sys.argv) > 2 else os.environ["PORT"])
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", port))
time.sleep(max(0, seconds - (time.monotonic() - begun)))
server.listen(64)
while True:
    client, _ = server.accept()
    client.settimeout(1)
    try:
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    except OSError:
        pass
    client.close()
