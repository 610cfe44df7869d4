"""What SkyServe's load balancer asks for its replicas: tells it those of the command line."""
import http.server
import json
import sys

replicas = [f"http://127.0.0.1:{port}" for port in sys.argv[2:]]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # What skypilot 0.14 reads is the second, and what came before it the first.
        answer = {"ready_replica_urls": replicas, "replica_info": {url: {"gpu_type": "unknown"} for url in replicas}}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
