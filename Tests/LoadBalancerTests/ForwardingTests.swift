import Testing

@testable import LoadBalancer

/// One request and its answer, over real sockets.
@Suite struct ForwardingTests {
    @Test func aPlainGet() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(
                "GET /path?q=1 HTTP/1.1\r\nHost: example.org\r\nConnection: X-Mine\r\nX-Mine: 1\r\n\r\n")
            let upstream = try await stage.replica.accept()
            let expected = [
                "GET /path?q=1 HTTP/1.1", "Host: example.org", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http",
                "X-Forwarded-Host: example.org",
            ]
            #expect(try await upstream.head() == expected.map { $0 + "\r\n" }.joined() + "\r\n")
            #expect(try await stage.balancer.load().inFlight == 1)
            try await upstream.send("HTTP/1.1 200 Fine\r\nServer: x\r\nContent-Length: 5\r\nKeep-Alive: x\r\n\r\nhello")
            try await client.expect("HTTP/1.1 200 Fine\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello")
            try await stage.untilIdle()
            #expect(try await stage.balancer.load().total == 1)
            #expect(!client.isClosed)
            #expect(!upstream.isClosed)
        }
    }

    /// Answers without a body say how long it would be; the next answer follows at once.
    @Test(arguments: [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")])
    func anAnswerWithoutABody(method: String, status: String) async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await stage.replica.accept()
            #expect(try await upstream.head().hasPrefix("\(method) / HTTP/1.1\r\n"))
            let answer = "HTTP/1.1 \(status)\r\nContent-Length: 500\r\n\r\n"
            try await upstream.send(answer)
            try await client.expect(answer)
            try await client.send(Stage.get)
            _ = try await upstream.head()
            try await upstream.send(Stage.ok)
            try await client.expect(Stage.ok)
        }
    }

    @Test func aHeadRequestIsAnsweredWithoutAnyLength() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 200 OK\r\n\r\n")
            try await client.expect("HTTP/1.1 200 OK\r\n\r\n")
            try await stage.untilIdle()
            #expect(!client.isClosed)
        }
    }

    // MARK: Bodies of requests

    @Test func aBodyWithALengthIsPassedOnAsItComes() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
            let upstream = try await stage.replica.accept()
            #expect(try await upstream.head().contains("\r\nContent-Length: 10\r\n"))
            for part in ["hello", "w", "orld"] {
                try await client.send(part)
                try await upstream.expect(part)
            }
            try await upstream.send(Stage.ok)
            try await client.expect(Stage.ok)
        }
    }

    @Test func aChunkedBodyIsPassedOnAsItComes() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhe")
            let upstream = try await stage.replica.accept()
            #expect(try await upstream.head().hasSuffix("\r\nTransfer-Encoding: chunked\r\n\r\n"))
            try await upstream.expect("5;ext=1\r\nhe")
            for part in ["llo\r\n", "0\r\n", "Checksum: ", "x\r\n", "\r\n"] {
                try await client.send(part)
                try await upstream.expect(part)
            }
            try await upstream.send(Stage.ok)
            try await client.expect(Stage.ok)
        }
    }

    @Test func headAndBodyByteByByte() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            for byte in Stage.post { try await client.send(String(byte)) }
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.expect("hello")
            for byte in Stage.ok { try await upstream.send(String(byte)) }
            try await client.expect(Stage.ok)
        }
    }

    // MARK: Interim answers

    @Test func aClientIsToldToContinue() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            let upstream = try await stage.replica.accept()
            #expect(try await upstream.head().contains("\r\nExpect: 100-continue\r\n"))
            try await upstream.send("HTTP/1.1 100 Continue\r\n\r\n")
            try await client.expect("HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("hello")
            try await upstream.expect("hello")
            try await upstream.send(Stage.ok)
            try await client.expect(Stage.ok)
            try await stage.untilIdle()
            #expect(!client.isClosed)
        }
    }

    @Test func severalInterimAnswersAtOnce() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            let answers = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Wait\r\n\r\n" + Stage.ok
            try await upstream.send(answers)
            try await client.expect(answers)
        }
    }

    @Test func anOldClientGetsNoInterimAnswer() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("GET / HTTP/1.0\r\n\r\n")
            let upstream = try await stage.replica.accept()
            #expect(try await upstream.head().hasPrefix("GET / HTTP/1.1\r\n"))
            try await upstream.send("HTTP/1.1 103 Early Hints\r\n\r\n" + Stage.ok)
            #expect(try await client.rest() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        }
    }

    // MARK: The client's connection

    @Test func aClientThatAsksToCloseIsClosed() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let upstream = try await stage.replica.accept()
            #expect(try await !upstream.head().contains("Connection:"))
            try await upstream.send(Stage.ok)
            #expect(try await client.rest() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            #expect(!upstream.isClosed)
        }
    }

    /// HTTP/1.0 knows no chunks, however the replica sends its answer.
    @Test func anOldClientGetsNoChunks() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhel")
            try await client.expect("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhel")
            try await upstream.send("lo\r\n1\r\n!\r\n0\r\nChecksum: x\r\n\r\n")
            #expect(try await client.rest() == "lo!")
            try await stage.untilIdle()
            #expect(!upstream.isClosed)
        }
    }

    @Test func anOldClientAsksForTheHeadOfChunks() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            try await client.expect("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n")
        }
    }

    @Test func anOldClientMayKeepItsConnection() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            let expected = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"
            for _ in 1...2 {
                try await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                let upstream = try await stage.replica.accept()
                _ = try await upstream.head()
                try await upstream.send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
                try await client.expect(expected)
            }
        }
    }
}
