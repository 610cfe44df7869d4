import NIOCore
import Testing

@testable import LoadBalancer

/// Clients that end their side of the connection once they have asked, and wait for what they asked for.
@Suite struct HalfClosedTests {
    /// A client that has asked and ended its side, and the replica's end of its request.
    private func halfClosed(_ stage: Stage) async throws -> (client: Wire, upstream: Wire) {
        let client = try await stage.connect()
        try await client.send(Stage.get)
        try await client.endSending()
        let upstream = try await stage.replica.accept()
        _ = try await upstream.head()
        try await stage.untilNoticed()
        return (client, upstream)
    }

    @Test func theAnswerStillComes() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await halfClosed(stage)
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\non")
            try await client.expect("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\non")
            try await upstream.send("ce")
            #expect(try await client.rest() == "ce")
            #expect(client.failure == nil)
            try await stage.untilIdle()
            #expect(!upstream.isClosed)
        }
    }

    /// Also where the end comes first, while the request waits for a replica.
    @Test func theAnswerComesToOneThatWaitedForAReplica() async throws {
        try await Stage.with { stage in
            try await stage.route(to: [], isReplicaExpected: true)
            let client = try await stage.connect()
            try await client.send(Stage.post)
            try await client.endSending()
            try await stage.untilHeld(1)
            try await stage.untilNoticed()
            try await stage.route(to: [stage.replica.route])
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.expect("hello")
            try await upstream.send(Stage.ok)
            #expect(try await client.rest() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        }
    }

    @Test func everyRequestThatCameBeforeTheEndIsAnswered() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get + Stage.post + Stage.get)
            try await client.endSending()
            let upstream = try await stage.replica.accept()
            for body in ["", "hello", ""] {
                _ = try await upstream.head()
                try await upstream.expect(body)
                try await upstream.send(Stage.ok)
            }
            let answers = try await client.rest()
            #expect(answers.ranges(of: "HTTP/1.1 200 OK\r\n").count == 3)
            #expect(answers.ranges(of: "Connection: close\r\n").count == 1)
        }
    }

    @Test func anEndBetweenRequestsIsTheEnd() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await stage.warmUp()
            try await client.endSending()
            #expect(try await client.rest() == "")
            #expect(!upstream.isClosed)
        }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nHo", ""]) func anEndInsteadOfAHeadIsTheEnd(sent: String) async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(sent)
            try await client.endSending()
            #expect(try await client.rest() == "")
            #expect(stage.replica.connections == 0)
        }
    }

    /// What came of it must not be taken for the whole.
    @Test(arguments: ["Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"])
    func aBodyThatEndsEarlyIsRefused(rest: String) async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\n" + rest)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            _ = try await upstream.read(through: "hello")
            try await client.endSending()
            let answer = try await client.rest()
            #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
            #expect(answer.hasSuffix("the request has a body that ends before it is whole\n"))
            #expect(try await !upstream.rest().contains("0\r\n\r\n"))
            try await stage.untilIdle()
        }
    }

    /// It says nothing more and then goes: the replica need not go on.
    @Test func oneThatGoesAfterItsEndTakesItsConnectionAlong() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await halfClosed(stage)
            #expect(!upstream.isClosed)
            await client.close()
            #expect(try await upstream.rest() == "")
            try await stage.untilIdle()
        }
    }

    @Test func theEndPassesThroughATunnel() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            let upstream = try await stage.replica.accept()
            try await upstream.staysHalfClosed()
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
            _ = try await client.head()
            try await client.send("last words")
            try await client.endSending()
            try await upstream.expect("last words")
            try await upstream.untilEnded()
            try await upstream.send("answer")
            await upstream.close()
            #expect(try await client.rest() == "answer")
            try await stage.untilIdle()
        }
    }
}
