import NIOCore
import Testing

@testable import LoadBalancer

/// Replicas that refuse, die, stay silent or talk nonsense.
@Suite struct ReplicaFailureTests {
    // MARK: Before an answer

    /// Nothing has been sent, so any request may go elsewhere.
    @Test(arguments: [Stage.get, Stage.post]) func aReplicaThatRefusesIsPassedOver(request: String) async throws {
        let refusing = try RefusingPort(7)
        try await Stage.with({ $0.rules.policy = .roundRobin }) { stage in
            try await stage.route(to: [stage.replica.route, refusing.route])
            let client = try await stage.connect()
            try await client.send(request)
            let upstream = try await stage.replica.accept()
            for _ in 1...4 {
                _ = try await upstream.head()
                if request == Stage.post { try await upstream.expect("hello") }
                try await upstream.send(Stage.ok)
                try await client.expect(Stage.ok)
                try await client.send(request)
            }
            _ = try await upstream.head()
            await client.close()
            try await stage.untilIdle()
            #expect(stage.replica.connections == 1)
        }
    }

    @Test func allReplicasRefuse() async throws {
        let ports = try (1...5).map { try RefusingPort($0) }
        try await Stage.with { stage in
            try await stage.route(to: ports.map(\.route))
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let (head, body) = try #require(try await client.rest().splitOnce("\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
            #expect(body.contains("refuses connections"))
            try await stage.untilIdle()
        }
    }

    /// What may have been acted on is not done twice.
    @Test func aReplicaThatDiesWithARequestThatMayNotBeRepeated() async throws {
        try await Stage.with(replicas: 2) { stage in
            let client = try await stage.connect()
            try await client.send(Stage.post)
            let upstream = try await stage.replicas[1].accept()
            _ = try await upstream.head()
            await upstream.close()
            let (head, body) = try #require(try await client.rest().splitOnce("\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
            #expect(body == "replica 2 closed the connection before its answer was complete\n")
            #expect(stage.replicas[0].connections == 0)
            try await stage.untilIdle()
        }
    }

    /// What may be repeated is sent to another, with the body that had gone already, and the rest of it.
    @Test(arguments: ["", "hello", "hello, wor"]) func aReplicaThatDiesWithARequestThatMay(sent: String) async throws {
        try await Stage.with(replicas: 2) { stage in
            let client = try await stage.connect()
            try await client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n" + sent)
            let upstream = try await stage.replicas[1].accept()
            let first = try await upstream.head()
            try await upstream.expect(sent)
            try await upstream.reset()
            let next = try await stage.replicas[0].accept()
            #expect(try await next.head() == first)
            try await client.send(String("hello, wor".dropFirst(sent.count)))
            try await next.expect("hello, wor")
            try await next.send(Stage.ok)
            try await client.expect(Stage.ok)
            try await stage.untilIdle()
            #expect(try await stage.balancer.load().total == 1)
        }
    }

    /// A body is not kept whole to be sent again.
    @Test func aLongBodyIsNotSentAgain() async throws {
        try await Stage.with(replicas: 2, { $0.replayLimit = 9 }) { stage in
            let client = try await stage.connect()
            try await client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello worl")
            let upstream = try await stage.replicas[1].accept()
            _ = try await upstream.head()
            try await upstream.expect("hello worl")
            await upstream.close()
            #expect(try await client.rest().hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
            #expect(stage.replicas[0].connections == 0)
        }
    }

    /// The request may be what kills them.
    @Test func aRequestDoesNotTakeAllReplicasAlong() async throws {
        try await Stage.with(replicas: 3) { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            for index in [1, 2] {
                let upstream = try await stage.replicas[index].accept()
                _ = try await upstream.head()
                await upstream.close()
            }
            #expect(try await client.rest().hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
            #expect(stage.replicas[0].connections == 0)
            try await stage.untilIdle()
        }
    }

    /// Nor those that it reaches over connections that waited, whose end looks like one that crossed it.
    @Test func aRequestDoesNotTakeAllReplicasAlongOverConnectionsThatWaited() async throws {
        try await Stage.with(replicas: 3, { $0.rules.policy = .roundRobin }) { stage in
            let client = try await stage.connect()
            var order: [(replica: Replica, upstream: Wire)] = []
            for _ in stage.replicas {
                let before = stage.replicas.map(\.connections)
                try await client.send(Stage.get)
                try await Patience.until("a connection") { stage.replicas.map(\.connections) != before }
                let replica = try #require(zip(stage.replicas, before).first { $0.connections > $1 }).0
                let upstream = try await replica.accept()
                _ = try await upstream.head()
                try await upstream.send(Stage.ok)
                try await client.expect(Stage.ok)
                order.append((replica, upstream))
            }
            try await client.send(Stage.get)
            for (replica, upstream) in order.prefix(2) {
                _ = try await upstream.head()
                await replica.close()
                await upstream.close()
            }
            #expect(try await client.rest().hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
            #expect(order[2].replica.connections == 1)
            try await stage.untilIdle()
        }
    }

    /// The end of a waiting connection crossed the request: what may be repeated, is.
    @Test(arguments: ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
    func aRequestThatCrossedTheEndIsSentAgain(method: String) async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await stage.warmUp()
            try await client.send("\(method) /again HTTP/1.1\r\nHost: a\r\n\r\n")
            let first = try await upstream.head()
            try await upstream.reset()
            let next = try await stage.replica.accept()
            #expect(try await next.head() == first)
            try await next.send("HTTP/1.1 204 No Content\r\n\r\n")
            try await client.expect("HTTP/1.1 204 No Content\r\n\r\n")
            try await stage.untilIdle()
            #expect(try await stage.balancer.load().total == 2)
        }
    }

    /// What may have been acted on is not done twice.
    @Test(arguments: [
        "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n", Stage.post,
    ])
    func aRequestThatMayHaveBeenActedOnIsNot(request: String) async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await stage.warmUp()
            try await client.send(request)
            _ = try await upstream.head()
            await upstream.close()
            #expect(try await client.rest().hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
            #expect(stage.replica.connections == 1)
            try await stage.untilIdle()
        }
    }

    /// Nor is one to which an answer has begun.
    @Test func aRequestWithHalfAHeadForAnAnswerIsNotSentAgain() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await stage.warmUp()
            try await client.send(Stage.get)
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-")
            await upstream.close()
            #expect(try await client.rest().hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
            #expect(stage.replica.connections == 1)
        }
    }

    // MARK: In the middle of an answer

    /// The client's connection is cut, and nothing makes what it has look whole.
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "hello"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhe"),
    ])
    func aReplicaThatDiesInTheMiddleOfABody(head: String, part: String) async throws {
        try await Stage.with(replicas: 2) { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let upstream = try await stage.replicas[1].accept()
            _ = try await upstream.head()
            try await upstream.send(head + part)
            try await client.expect(head + part)
            await upstream.close()
            #expect(try await client.rest() == "")
            #expect(stage.replicas[0].connections == 0)
            try await stage.untilIdle()
        }
    }

    @Test func aBadChunkInAnAnswerCutsTheClientOff() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            try await upstream.send(head)
            try await client.expect(head)
            try await upstream.send("5\r\nhello!\r\n0\r\n\r\n")
            #expect(try await !client.rest().contains("0\r\n\r\n"))
            #expect(try await upstream.rest() == "")
            try await stage.untilIdle()
        }
    }

    /// What was good of it is passed on, also when it came in one packet with the fault, and nothing makes it look whole.
    @Test(arguments: ["", "5\r\nhello\r\n"]) func whatCameWithABadChunkIsPassedOn(good: String) async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            try await upstream.send(head + good + "zz\r\nworld\r\n0\r\n\r\n")
            #expect(try await client.rest() == head + good)
            #expect(try await upstream.rest() == "")
            try await stage.untilIdle()
        }
    }

    /// A client of HTTP/1.0 would take what it has for the whole.
    @Test func anOldClientGetsNothingOfIt() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            try await upstream.send(head + "5\r\nhello\r\nzz\r\n")
            #expect(try await client.rest() == "")
            try await stage.untilIdle()
        }
    }

    // MARK: Nonsense

    @Test(arguments: [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.1 999 Much\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 70_000))",
    ])
    func anAnswerThatIsNoneIsRefused(answer: String) async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            upstream.post(ByteBuffer(string: answer))
            let (head, body) = try #require(try await client.rest().splitOnce("\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
            #expect(body.hasPrefix("replica 1 sent "))
            _ = try await upstream.rest()
            try await stage.untilIdle()
        }
    }
}
