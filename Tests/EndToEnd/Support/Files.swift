import Testing

/// Service files and servers that tests use.
enum Files {
    /// A server that answers with its replica's id, and with `$GREETING` under `/greeting`. It takes
    /// `$LINGER` seconds to end.
    static let server = """
        import http.server, os, signal, time
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_GET(self):
                body = os.environ.get("GREETING", "") if self.path == "/greeting" else os.environ["DWELL_REPLICA_ID"]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())
            def log_message(self, *args): pass
        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 1024
        def end(*args):
            time.sleep(float(os.environ.get("LINGER", "0")))
            os._exit(0)
        signal.signal(signal.SIGTERM, end)
        Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
        """

    /// A service of the server above.
    static func service(name: String = "hello", replicas: Int = 1, more: String = "") -> String {
        """
        name: \(name)
        run: exec python3 server.py
        workdir: .
        service:
          readiness_probe: /
          replicas: \(replicas)
        \(more)
        """
    }
}

extension Sandbox {
    /// Writes the server and a service file that serves it.
    func writeService(name: String = "hello", replicas: Int = 1, more: String = "") throws {
        try write(Files.server, to: "server.py")
        try write(Files.service(name: name, replicas: replicas, more: more), to: "\(name).yaml")
    }

    /// Brings a service up and returns its URL.
    func up(name: String = "hello", replicas: Int = 1, _ options: String...) async throws -> String {
        try writeService(name: name, replicas: replicas)
        let output = try await dwell(["up", "\(name).yaml"] + options)
        try #require(output.exitCode == 0, "\(output)")
        return try "http://" + #require(
            await query("select host || ':' || port from services where name = '\(name)'").first)
    }
}
