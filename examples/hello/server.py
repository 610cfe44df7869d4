"""Greets whoever asks, and says which replica answered. Python's standard library only."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# dwell tells each replica its port and its number; the greeting is from `envs` in the service file.
PORT = int(os.environ["PORT"])
REPLICA = os.environ.get("DWELL_REPLICA_ID", "?")
GREETING = os.environ.get("GREETING", "Hello")


class Handler(BaseHTTPRequestHandler):
    # Connections stay open between requests, so the load balancer need not open one for each.
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/health":
            self.answer("ok\n")
        else:
            self.answer(f"{GREETING} from replica {REPLICA}\n")

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        # What a replica prints is in `dwell logs hello`. Probes are not worth a line each.
        if self.path != "/health":
            super().log_message(format, *args)


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # the standard library's 5 refuses clients that come all at once


print(f"replica {REPLICA} listens on 127.0.0.1:{PORT}", flush=True)
# On loopback: only the load balancer, on the same machine, is meant to reach a replica.
Server(("127.0.0.1", PORT), Handler).serve_forever()
