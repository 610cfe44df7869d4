"""Sends a sentence word by word as server-sent events. Python's standard library only."""

import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ["PORT"])
PAUSE = float(os.environ.get("PAUSE", "0.2"))
WORDS = "a controller that is idle stays warm for a while and then stops itself".split()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/health":
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        # How long the answer will be is not known yet, so it goes in chunks.
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for number, word in enumerate(WORDS, start=1):
                self.chunk(f"id: {number}\ndata: {word}\n\n")
                time.sleep(PAUSE)
            self.chunk("event: done\ndata: [DONE]\n\n")
            self.chunk("")  # an empty chunk ends the answer
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client left; there is nobody to tell

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def log_message(self, format, *args):
        if self.path != "/health":
            super().log_message(format, *args)


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # the standard library's 5 refuses clients that come all at once


print(f"listens on 127.0.0.1:{PORT}", flush=True)
Server(("127.0.0.1", PORT), Handler).serve_forever()
