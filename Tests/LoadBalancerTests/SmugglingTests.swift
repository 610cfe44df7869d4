import Testing

@testable import LoadBalancer

/// Requests that could be read in two ways, over the wire: answered, cut off, and seen by no replica.
@Suite struct SmugglingTests {
    private static let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"

    static let attempts: [(status: String, head: String)] = [
        ("400 Bad Request", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("400 Bad Request", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
        ("400 Bad Request", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"),
        ("400 Bad Request", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"),
        ("400 Bad Request", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        ("400 Bad Request", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("400 Bad Request", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        ("400 Bad Request", "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("400 Bad Request", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 0\r\n\r\n"),
        ("400 Bad Request", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n"),
        ("400 Bad Request", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n"),
        ("400 Bad Request", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
        ("400 Bad Request", "GET / HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 5\r\n\r\n"),
        ("400 Bad Request", "GET / HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n"),
        ("400 Bad Request", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("400 Bad Request", "GET / HTTP/1.1\r\n\r\n"),
        ("400 Bad Request", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        ("400 Bad Request", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("400 Bad Request", "\u{16}\u{3}\u{1}\u{0}\u{5}\r\n\r\n"),
        ("417 Expectation Failed", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\n"),
        (
            "417 Expectation Failed",
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x\r\nContent-Length: 5\r\n\r\n"
        ),
        ("501 Not Implemented", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
        (
            "431 Request Header Fields Too Large",
            "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 70_000))\r\n\r\n"
        ),
    ]

    @Test(arguments: attempts) func anAttemptIsRefused(status: String, head: String) async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(head + Self.hidden)
            let answer = try await client.rest()
            #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"))
            #expect(answer.ranges(of: "Connection: close").count == 1)
            #expect(stage.replica.connections == 0)
            #expect(try await stage.balancer.load() == (0, 0))
        }
    }

    /// A program is told in the form that it asks for, although its request cannot be read.
    @Test(arguments: [
        ("bad_request", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\nACCEPT: text/x, application/json\r\n\r\n"),
        ("bad_request", "accept:application/JSON\r\nX: y\n"),
        ("head_too_large", "Accept: application/json\r\nX: \(String(repeating: "x", count: 70_000))\r\n\r\n"),
        ("head_too_large", "Accept: application/json\r\nX: \(String(repeating: "x", count: 70_000))"),
    ])
    func aProgramIsToldInJSON(code: String, fields: String) async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\n" + fields)
            let (head, body) = try #require(try await client.rest().splitOnce("\r\n\r\n"))
            #expect(head.contains("Content-Type: application/json\r\n"))
            #expect(body.hasPrefix("{\"error\":\"\(code)\",\"message\":\""))
        }
    }

    /// A body that goes wrong half way: the replica must not take what it has for the whole.
    @Test(arguments: ["5 5\r\nhello\r\n", "5\r\nhello!\r\n", "5\nhello\n", "0\r\nX\r\n\r\n", "-1\r\n"])
    func aBadChunkCutsTheReplicaOff(chunk: String) async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.expect("2\r\nok\r\n")
            try await client.send(chunk + Self.hidden)
            #expect(try await client.rest().hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
            let seen = try await upstream.rest()
            #expect(!seen.contains("hidden"))
            #expect(!seen.contains("0\r\n\r\n"))
            try await stage.untilIdle()
        }
    }

    /// A body that looks like a request is a body.
    @Test func aRequestInABodyIsNoRequest() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(Self.hidden.utf8.count)\r\n\r\n\(Self.hidden)")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.expect(Self.hidden)
            try await upstream.send(Stage.ok)
            try await client.expect(Stage.ok)
            #expect(try await stage.balancer.load() == (0, 1))
        }
    }
}
