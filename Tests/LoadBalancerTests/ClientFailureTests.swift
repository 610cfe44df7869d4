import NIOCore
import NIOPosix
import Testing

@testable import LoadBalancer

/// Clients that go, dawdle or get their answer early.
@Suite struct ClientFailureTests {
    // MARK: Gone

    /// Whoever asked has gone: the replica need not go on.
    @Test(arguments: [false, true]) func aClientThatGoesTakesItsConnectionAlong(hasAnswer: Bool) async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            if hasAnswer {
                try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
                _ = try await client.read(through: "hello")
            }
            await client.close()
            #expect(try await upstream.rest() == "")
            try await stage.untilIdle()
        }
    }

    @Test func aClientThatResetsTakesItsConnectionAlong() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.expect("hello")
            try await client.reset()
            #expect(try await upstream.rest() == "")
            try await stage.untilIdle()
        }
    }

    @Test func aClientThatGoesBetweenRequestsLeavesTheReplicaAlone() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await stage.warmUp()
            await client.close()
            let other = try await stage.connect()
            try await other.send(Stage.get)
            _ = try await upstream.head()
            try await upstream.send(Stage.ok)
            try await other.expect(Stage.ok)
        }
    }

    // MARK: Early answers

    /// A replica that does not want the whole body says so. A connection closed with the rest of it unread
    /// would be reset, and a reset may take the answer from the client.
    @Test func anAnswerBeforeTheBodyHasBeenSent() async throws {
        try await Stage.with(areReading: false) { stage in
            let client = try await stage.connect(isReading: false)
            let body = StreamingTests.pattern(32 << 20)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.readableBytes)\r\n\r\n")
            client.post(body)
            let upstream = try await stage.replica.accept()
            _ = try await stage.untilNothingMoves(from: client)
            try await upstream.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
            try await stage.untilIdle()
            // It may have read to the end already, on noticing that there is one.
            try? await client.startReading()
            let answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
            #expect(try await client.rest() == answer)
            #expect(client.failure == nil)
        }
    }

    // MARK: Limits

    @Test func aClientTooManyIsToldSo() async throws {
        try await Stage.with({
            $0.connectionLimit = 2
            $0.surplusIdleSeconds = 60
            $0.surplusHeadSeconds = 20
        }) { stage in
            let (first, upstream) = try await stage.warmUp()
            let second = try await stage.connect()
            try await second.send("G")
            let third = try await stage.connect()
            try await third.send("GET / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n")
            let (head, body) = try #require(try await third.rest().splitOnce("\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(head.contains("\r\nRetry-After: 1"))
            #expect(
                body
                    == #"{"error":"too_many_connections","message":"this load balancer has as many connections as it may"}"#
                    + "\n")
            // Those that are in stay in, and their places are given on.
            try await second.send("ET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            _ = try await upstream.head()
            try await upstream.send(Stage.ok)
            _ = try await second.rest()
            await third.close()
            try await Patience.until("a place for another") {
                let next = try await stage.connect()
                try await next.send("OPTIONS * HTTP/1.1\r\n\r\n")
                return try await next.rest().hasPrefix("HTTP/1.1 400 ")
            }
            #expect(!first.isClosed)
        }
    }

    /// One that asks for nothing is not kept, and told so in words.
    @Test func aClientTooManyThatSaysNothing() async throws {
        try await Stage.with({ $0.connectionLimit = 0 }) { stage in
            let client = try await stage.connect()
            let answer = try await client.rest()
            #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(answer.hasSuffix("\r\n\r\nthis load balancer has as many connections as it may\n"))
        }
    }

    /// Who lies idle makes room for who asks for something, the longest idle first; who is busy does not.
    @Test func idleClientsMakeRoom() async throws {
        try await Stage.with({
            $0.connectionLimit = 3
            $0.surplusIdleSeconds = 0
            $0.surplusHeadSeconds = 20
        }) { stage in
            let busy = try await stage.connect()
            try await busy.send("G")
            let (first, upstream) = try await stage.warmUp()
            let second = try await stage.connect()
            try await stage.untilNoticed()
            let third = try await stage.connect()
            try await third.send(Stage.get)
            #expect(try await first.rest() == "")
            _ = try await upstream.head()
            try await upstream.send(Stage.ok)
            try await third.expect(Stage.ok)
            #expect(!second.isClosed)
            #expect(!busy.isClosed)
        }
    }

    /// While as many as can be told are being told, the others wait in the kernel's line, and are told in the end.
    @Test func manyTooManyWaitInLine() async throws {
        try await Stage.with({
            $0.connectionLimit = 1
            $0.surplusIdleSeconds = 60
        }) { stage in
            let (first, _) = try await stage.warmUp()
            var others: [Wire] = []
            for _ in 0..<DescriptorBudget.surplusCount + 30 { others.append(try await stage.connect()) }
            for other in others { #expect(try await other.rest().hasPrefix("HTTP/1.1 503 ")) }
            #expect(!first.isClosed)
        }
    }

    /// A request for which no connection to a replica can be made is told so too; with one that is there it is served.
    @Test func noOpenFileForAReplica() async throws {
        // Four: three clients, and the one that is kept for replicas.
        try await Stage.with({ $0.openFileLimit = 8 }) { stage in
            var clients: [Wire] = []
            for _ in 0..<3 { clients.append(try await stage.connect()) }
            try await stage.untilNoticed()
            try await clients[0].send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await clients[1].send(Stage.get)
            let answer = try await clients[1].rest()
            #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(answer.hasSuffix("this load balancer has as many connections as it may\n"))
            try await upstream.send(Stage.ok)
            try await clients[0].expect(Stage.ok)
            try await clients[2].send(Stage.get)
            _ = try await upstream.head()
            try await upstream.send(Stage.ok)
            try await clients[2].expect(Stage.ok)
            try await stage.untilIdle()
        }
    }

    /// A connection to one replica that waits for a request makes room for one to another.
    @Test func anIdleConnectionMakesRoom() async throws {
        try await Stage.with(
            replicas: 2,
            {
                $0.openFileLimit = 8
                $0.rules.policy = .roundRobin
            }
        ) { stage in
            var clients: [Wire] = []
            for _ in 0..<3 { clients.append(try await stage.connect()) }
            try await stage.untilNoticed()
            try await clients[0].send(Stage.get)
            let idle = try await stage.replicas[1].accept()
            _ = try await idle.head()
            try await idle.send(Stage.ok)
            try await clients[0].expect(Stage.ok)
            try await clients[1].send(Stage.get)
            let upstream = try await stage.replicas[0].accept()
            _ = try await upstream.head()
            #expect(try await idle.rest() == "")
            try await upstream.send(Stage.ok)
            try await clients[1].expect(Stage.ok)
        }
    }

    // MARK: Time

    @Test func aHeadThatDoesNotEnd() async throws {
        try await Stage.with({ $0.headTimeoutSeconds = 0.1 }) { stage in
            let client = try await stage.connect()
            try await client.send("GET / HTTP/1.1\r\nHost")
            #expect(try await client.rest().hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        }
    }

    /// One byte now and then is no head either.
    @Test func aHeadThatDripsIn() async throws {
        try await Stage.with({ $0.headTimeoutSeconds = 0.3 }) { stage in
            let client = try await stage.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: ")
            let drops = client.channel.eventLoop.scheduleRepeatedTask(
                initialDelay: .zero, delay: .milliseconds(20)
            ) { _ in client.post(ByteBuffer(string: "a")) }
            defer { drops.cancel() }
            #expect(try await client.rest().hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
            #expect(stage.replica.connections == 0)
        }
    }

    @Test func aConnectionThatIsIdleForTooLong() async throws {
        try await Stage.with({ $0.idleTimeoutSeconds = 0.1 }) { stage in
            let client = try await stage.connect()
            #expect(try await client.rest() == "")
        }
    }

    @Test func aReplicaThatSaysNothing() async throws {
        try await Stage.with({ $0.rules.streamTimeoutSeconds = 0.2 }) { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            let (head, body) = try #require(try await client.rest().splitOnce("\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 504 Gateway Timeout\r\n"))
            #expect(body == "replica 1 said nothing for 0.2 s (stream_timeout_seconds)\n")
            _ = try await upstream.rest()
            try await stage.untilIdle()
        }
    }

    @Test func aReplicaThatFallsSilent() async throws {
        try await Stage.with({ $0.rules.streamTimeoutSeconds = 3 }) { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            let part = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
            try await upstream.send(part)
            #expect(try await client.rest() == part)
            _ = try await upstream.rest()
            try await stage.untilIdle()
        }
    }
}
