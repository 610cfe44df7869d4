import Testing

@testable import LoadBalancer

/// Connections that serve more than one request.
@Suite struct ReuseTests {
    /// Sends a request over `client` and answers it over `upstream`.
    private func exchange(_ client: Wire, _ upstream: Wire) async throws {
        try await client.send(Stage.get)
        _ = try await upstream.head()
        try await upstream.send(Stage.ok)
        try await client.expect(Stage.ok)
    }

    @Test func aConnectionToAReplicaIsUsedAgain() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await stage.warmUp()
            for _ in 1...10 { try await exchange(client, upstream) }
            // By other clients as well.
            try await exchange(try await stage.connect(), upstream)
            #expect(stage.replica.connections == 1)
            #expect(try await stage.balancer.load().total == 12)
        }
    }

    @Test func twoRequestsAtOnceUseTwo() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await stage.warmUp()
            try await client.send(Stage.get)
            _ = try await upstream.head()
            let (other, second) = try await stage.warmUp()
            #expect(try await stage.balancer.load().inFlight == 1)
            try await upstream.send(Stage.ok)
            try await client.expect(Stage.ok)
            try await exchange(other, upstream)
            #expect(!second.isClosed)
        }
    }

    /// The answers that end their connection: it is not used again, and the client's goes on where it can.
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", Stage.ok),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", Stage.ok),
    ])
    func aConnectionThatIsNotToBeUsedAgainIsClosed(answer: String, seen: String) async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send(answer)
            try await client.expect(seen)
            #expect(try await upstream.rest() == "")
            try await client.send(Stage.get)
            let next = try await stage.replica.accept()
            _ = try await next.head()
            try await next.send(Stage.ok)
            try await client.expect(Stage.ok)
        }
    }

    /// What nobody asked for must not become the answer to the next request.
    @Test func bytesBetweenAnswersEndTheConnection() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await stage.warmUp()
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            #expect(try await upstream.rest() == "")
            try await client.send(Stage.get)
            let next = try await stage.replica.accept()
            _ = try await next.head()
            try await next.send(Stage.ok)
            try await client.expect(Stage.ok)
        }
    }

    /// The same, when they come with the answer.
    @Test func bytesBehindAnAnswerEndTheConnection() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send(Stage.ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            try await client.expect(Stage.ok)
            #expect(try await upstream.rest() == "")
            #expect(client.unread == "")
        }
    }

    @Test func aConnectionThatIsIdleForTooLongIsClosed() async throws {
        try await Stage.with({ $0.upstreamIdleSeconds = 0.05 }) { stage in
            let (client, upstream) = try await stage.warmUp()
            #expect(try await upstream.rest() == "")
            #expect(!client.isClosed)
        }
    }

    /// However often there was none in between: a timer for each time would be one for every other request.
    @Test func thoseThatAreIdleAreLookedAtByOneTimer() {
        let eventLoop = CountingEventLoop()
        let loop = BalancerLoop(
            LoadBalancerConfiguration(listening: .address(host: "127.0.0.1", port: 0), upstreamIdleSeconds: 60),
            eventLoop)
        let backend = Backend(Route(replica: 1, host: "127.0.0.1", port: 1))
        let connection = UpstreamConnection(backend)
        func serve() {
            loop.keep(connection, .now())
            #expect(loop.idleConnection(backend, .now()) === connection)
        }
        for _ in 0..<10 { serve() }
        #expect(eventLoop.scheduled == 1)
        eventLoop.advanceTime(by: .seconds(60))
        #expect(eventLoop.scheduled == 1, "there is none, and so nothing to look at later")
        for _ in 0..<10 { serve() }
        #expect(eventLoop.scheduled == 2)
        eventLoop.advanceTime(by: .seconds(60))
    }

    @Test func aReplicaMayCloseAConnectionThatIsIdle() async throws {
        try await Stage.with { stage in
            let (client, upstream) = try await stage.warmUp()
            await upstream.close()
            try await client.send(Stage.get)
            let next = try await stage.replica.accept()
            _ = try await next.head()
            try await next.send(Stage.ok)
            try await client.expect(Stage.ok)
        }
    }

    // MARK: Pipelines

    @Test func requestsSentAheadAreAnsweredInOrder() async throws {
        try await Stage.with(replicas: 2) { stage in
            let client = try await stage.connect()
            let requests = (1...5).map { "POST /\($0) HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n\($0)" }
            try await client.send(requests.joined())
            // Idle replicas take turns, beginning with the second.
            var wires = [try await stage.replicas[1].accept()]
            for number in 1...5 {
                if number == 2 { wires.append(try await stage.replicas[0].accept()) }
                let wire = wires[(number - 1) % 2]
                #expect(try await wire.head().hasPrefix("POST /\(number) "))
                try await wire.expect("\(number)")
                // The next is not sent before this one is answered.
                #expect(try await stage.balancer.load() == (1, number))
                let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(number)"
                try await wire.send(answer)
                try await client.expect(answer)
            }
            try await stage.untilIdle()
            #expect(!client.isClosed)
        }
    }

    @Test func nothingAfterTheLastRequestIsServed() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send(Stage.ok)
            #expect(try await client.rest() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            #expect(try await stage.balancer.load() == (0, 1))
        }
    }

    /// A request that cannot be read is answered after those before it.
    @Test func aBadRequestBehindAGoodOne() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get + "GET / HTTP/1.1\r\nNo-Host: a\r\n\r\n")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            #expect(client.unread == "")
            try await upstream.send(Stage.ok)
            try await client.expect(Stage.ok)
            #expect(try await client.rest().hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        }
    }
}
