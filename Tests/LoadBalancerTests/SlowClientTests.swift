import NIOCore
import Testing

@testable import LoadBalancer

/// Clients that do not go on with their request, or do not take their answer.
@Suite struct SlowClientTests {
    // MARK: Requests

    @Test(arguments: ["Content-Length: 10", "Transfer-Encoding: chunked"])
    func aBodyThatDoesNotGoOn(framing: String) async throws {
        try await Stage.with({ $0.bodyTimeoutSeconds = 0.2 }) { stage in
            let client = try await stage.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\(framing)\r\n\r\n")
            let upstream = try await stage.replica.accept()
            let (head, body) = try #require(try await client.rest().splitOnce("\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
            #expect(
                body == #"{"error":"request_timeout","message":"the request's body did not go on for 0.2 s"}"# + "\n")
            _ = try await upstream.rest()
            try await stage.untilIdle()
        }
    }

    /// A client that waits to be told to go on is not the one that is slow.
    @Test func aReplicaThatDoesNotSayContinue() async throws {
        try await Stage.with({
            $0.bodyTimeoutSeconds = 0.1
            $0.rules.streamTimeoutSeconds = 0.3
        }) { stage in
            let client = try await stage.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            #expect(try await client.rest().hasPrefix("HTTP/1.1 504 Gateway Timeout\r\n"))
        }
    }

    /// And one that was told is.
    @Test func aClientThatWasToldToContinue() async throws {
        try await Stage.with({ $0.bodyTimeoutSeconds = 0.2 }) { stage in
            let client = try await stage.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 100 Continue\r\n\r\n")
            try await client.expect("HTTP/1.1 100 Continue\r\n\r\n")
            #expect(try await client.rest().hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        }
    }

    /// Once there is an answer, it is for the two of them how long they are silent.
    @Test func aBodyMayRestWhileTheAnswerComes() async throws {
        try await Stage.with({ $0.bodyTimeoutSeconds = 0.1 }) { stage in
            let client = try await stage.connect()
            // Until the answer has begun it is the replica that is waited for.
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            _ = try await client.head()
            // Longer than the limit: another client's request that ends by it is over before.
            let other = try await stage.connect()
            try await other.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            #expect(try await other.rest().hasPrefix("HTTP/1.1 408 "))
            try await client.send("hello")
            try await upstream.expect("hello")
            try await upstream.send("0\r\n\r\n")
            #expect(try await client.rest() == "0\r\n\r\n")
        }
    }

    /// A replica that takes nothing holds the client up; then it is the one that is slow.
    @Test func aReplicaThatDoesNotTakeTheBody() async throws {
        try await Stage.with(areReading: false, { $0.rules.streamTimeoutSeconds = 1 }) { stage in
            let client = try await stage.connect()
            let body = StreamingTests.pattern(32 << 20)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.readableBytes)\r\n\r\n")
            client.post(body)
            #expect(try await client.rest().hasPrefix("HTTP/1.1 504 Gateway Timeout\r\n"))
        }
    }

    // MARK: Answers

    /// More than the sockets' own buffers between the two ends ever hold.
    private static let tooMuch = StreamingTests.pattern(32 << 20)

    /// An answer that nobody takes: the client is cut off, and the replica is free.
    @Test(arguments: ["Content-Length: \(tooMuch.readableBytes)", "X: until the end"])
    func anAnswerThatIsNotTaken(framing: String) async throws {
        try await Stage.with({ $0.writeTimeoutSeconds = 0.3 }) { stage in
            let client = try await stage.connect(isReading: false)
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n")
            upstream.post(Self.tooMuch)
            _ = try await upstream.rest()
            try await stage.untilIdle()
            // What it had not taken is gone, so that it cannot take a part for the whole.
            try? await client.startReading()
            let read = try await client.rest()
            #expect(read.utf8.count < Self.tooMuch.readableBytes)
            #expect(client.failure != nil)
        }
    }

    /// As long as it takes anything it is served, however long that takes, and whatever the replica's limit is.
    @Test func anAnswerThatIsTakenSlowly() async throws {
        try await Stage.with({
            $0.writeTimeoutSeconds = 6
            $0.rules.streamTimeoutSeconds = 6
        }) { stage in
            let client = try await stage.connect(isReading: false)
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: \(Self.tooMuch.readableBytes)\r\n\r\n")
            upstream.post(Self.tooMuch)
            // Longer than both limits, with a little taken well within each.
            let piece = FixedSizeRecvByteBufferAllocator(capacity: 1 << 18)
            try await client.channel.setOption(.recvAllocator, value: piece).get()
            try await client.channel.setOption(.maxMessagesPerRead, value: 1).get()
            let end = NIODeadline.now() + .seconds(8)
            let reads = client.channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(50)) {
                _ in client.channel.read()
            }
            try await Patience.until("more than the limits") { NIODeadline.now() > end }
            reads.cancel()
            try await client.startReading()
            _ = try await client.head()
            let received = try await client.readBytes(Self.tooMuch.readableBytes)
            #expect(received == Self.tooMuch)
        }
    }

    // MARK: Many requests

    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(1 << 20)\r\n\r\n"
    private static let megabyte = StreamingTests.pattern(1 << 20)
    /// More of them than the sockets' buffers hold.
    private static let count = 48

    /// A client that asks and asks and takes nothing, and a replica that answers whatever it is asked.
    private static func withGreedyClient(
        _ adapt: (inout LoadBalancerConfiguration) -> Void, _ play: (Stage, Wire) async throws -> Void
    ) async throws {
        try await Stage.with(adapt) { stage in
            let client = try await stage.connect(isReading: false)
            client.post(ByteBuffer(string: String(repeating: Stage.get, count: count)))
            let upstream = try await stage.replica.accept()
            let answers = Task {
                for _ in 0..<count {
                    _ = try await upstream.head()
                    upstream.post(ByteBuffer(string: answer))
                    upstream.post(megabyte)
                }
            }
            defer { answers.cancel() }
            try await play(stage, client)
        }
    }

    /// Their answers do not pile up in the load balancer, and none is lost.
    @Test func requestsWhoseAnswersAreNotTakenWait() async throws {
        try await Self.withGreedyClient({ _ in }) { stage, client in
            var seen = (total: -1, turns: 0)
            try await Patience.until("a standstill") {
                let total = try await stage.balancer.load().total
                seen = total == seen.total ? (total, seen.turns + 1) : (total, 0)
                return seen.turns == 500
            }
            #expect(seen.total < Self.count)
            try await client.startReading()
            for _ in 0..<Self.count {
                try await client.expect(Self.answer)
                let body = try await client.readBytes(Self.megabyte.readableBytes)
                #expect(body == Self.megabyte)
            }
        }
    }

    @Test func whoNeverTakesThemIsEnded() async throws {
        try await Self.withGreedyClient({ $0.writeTimeoutSeconds = 0.3 }) { stage, _ in
            try await Patience.until("the end of the client") { await !stage.balancer.hasConnections() }
            try await stage.untilIdle()
        }
    }
}
