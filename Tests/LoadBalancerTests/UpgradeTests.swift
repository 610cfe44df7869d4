import Testing

@testable import LoadBalancer

/// Connections that change to another protocol.
@Suite struct UpgradeTests {
    private static let asking =
        "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    private static let agreeing =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"

    private func tunnel(_ stage: Stage) async throws -> (client: Wire, upstream: Wire) {
        let client = try await stage.connect()
        try await client.send(Self.asking + "early")
        let upstream = try await stage.replica.accept()
        #expect(try await upstream.head().hasSuffix("\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"))
        // Not before the replica has agreed: it could still answer in HTTP.
        _ = try await stage.balancer.load()
        #expect(upstream.unread == "")
        try await upstream.send(Self.agreeing + "first")
        try await client.expect(Self.agreeing + "first")
        try await upstream.expect("early")
        return (client, upstream)
    }

    @Test func bytesGoBothWays() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await tunnel(stage)
            for part in ["GET / HTTP/1.1\r\n\r\n", "\u{0}\u{1}", "x"] {
                try await client.send(part)
                try await upstream.expect(part)
                try await upstream.send(part)
                try await client.expect(part)
            }
            #expect(try await stage.balancer.load() == (1, 1))
            await client.close()
            #expect(try await upstream.rest() == "")
            try await stage.untilIdle()
        }
    }

    /// All that comes after the first request would go past the load balancer.
    @Test(arguments: ["h2c", "H2C", "websocket, h2c", "h2c\r\nUpgrade: websocket"])
    func http2IsNotTunnelled(_ offer: String) async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: \(offer)\r\n"
                    + "HTTP2-Settings: AAMAAABk\r\n\r\n")
            let upstream = try await stage.replica.accept()
            let head = try await upstream.head().lowercased()
            #expect(!head.contains("upgrade") && !head.contains("http2-settings"), "\(head)")
            try await upstream.send(Stage.ok)
            try await client.expect(Stage.ok)
        }
    }

    @Test func theReplicaMayEndIt() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await tunnel(stage)
            try await upstream.send("last")
            await upstream.close()
            #expect(try await client.rest() == "last")
            try await stage.untilIdle()
        }
    }

    @Test func manyBytesBothWays() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await tunnel(stage)
            let body = StreamingTests.pattern(3_000_000)
            client.post(body)
            upstream.post(body)
            let up = try await upstream.readBytes(body.readableBytes)
            let down = try await client.readBytes(body.readableBytes)
            #expect(up == body)
            #expect(down == body)
        }
    }

    @Test func aReplicaMayRefuse() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(Self.asking)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            try await client.expect("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            try await client.send(Stage.get)
            _ = try await upstream.head()
            try await upstream.send(Stage.ok)
            try await client.expect(Stage.ok)
        }
    }
}
