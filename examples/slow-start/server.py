"""Loads for a while before it is ready. Python's standard library only.

It listens from the first moment and answers 503 until it has loaded: a probe then sees "not ready yet"
instead of a refused connection. Either is fine for dwell; this one says more.
"""

import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ["PORT"])
LOAD_SECONDS = float(os.environ.get("LOAD_SECONDS", "8"))
loaded = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if not loaded.is_set():
            self.answer(503, "loading\n")
        elif self.path == "/ready":
            self.answer(200, "ready\n")
        else:
            self.answer(200, f"It took me {LOAD_SECONDS:g} seconds to get ready.\n")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        if self.path != "/ready":
            super().log_message(format, *args)


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # the standard library's 5 refuses clients that come all at once


def load():
    for second in range(int(LOAD_SECONDS)):
        print(f"loading: {100 * second / LOAD_SECONDS:.0f} %", flush=True)
        time.sleep(1)
    time.sleep(LOAD_SECONDS % 1)
    loaded.set()
    print("loaded", flush=True)


threading.Thread(target=load, daemon=True).start()
Server(("127.0.0.1", PORT), Handler).serve_forever()
