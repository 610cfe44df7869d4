import Foundation
import NIOCore
import Testing

@testable import LoadBalancer

/// Requests that wait while no replica can take them.
@Suite struct HoldingTests {
    private func client(_ stage: Stage, _ path: String = "/") async throws -> Wire {
        let client = try await stage.connect()
        try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n")
        return client
    }

    private func answer(_ client: Wire) async throws -> (head: String, members: [String: String]) {
        let (head, body) = try #require(try await client.rest().splitOnce("\r\n\r\n"))
        return (head, try JSONDecoder().decode([String: String].self, from: Data(body.utf8)))
    }

    // MARK: Served in the end

    @Test func requestsGoOutAsSoonAsAReplicaIsReady() async throws {
        try await Stage.with { stage in
            try await stage.route(to: [], isReplicaExpected: true)
            var clients: [Wire] = []
            for number in 1...5 {
                clients.append(try await client(stage, "/\(number)"))
                try await stage.untilHeld(number)
            }
            #expect(stage.replica.connections == 0)
            try await stage.route(to: [stage.replica.route], isReplicaExpected: true)
            // Each has a connection of its own, so what the replica accepts first is the kernel's affair.
            var paths: Set<Substring> = []
            for _ in clients {
                let upstream = try await stage.replica.accept()
                paths.insert(try await upstream.head().split(separator: " ")[1])
                try await upstream.send(Stage.ok)
            }
            #expect(paths == ["/1", "/2", "/3", "/4", "/5"])
            for client in clients { try await client.expect(Stage.ok) }
            try await stage.untilIdle()
            #expect(try await stage.balancer.traffic().held == 0)
            #expect(try await stage.balancer.load().total == 5)
        }
    }

    /// Whoever starts replicas hears of the first at once.
    @Test func theFirstIsUrgent() async throws {
        try await Stage.with { stage in
            var changes = stage.balancer.trafficChanges.makeAsyncIterator()
            try await stage.route(to: [])
            while await changes.next() != .urgent {}  // that the replica gets no more
            _ = try await stage.balancer.traffic()
            try await stage.route(to: [], isReplicaExpected: true)
            _ = try await client(stage)
            while await changes.next() != .urgent {}
            #expect(try await stage.balancer.traffic().held == 1)
        }
    }

    @Test func aBodyIsNotTakenMeanwhile() async throws {
        try await Stage.with { stage in
            try await stage.route(to: [], isReplicaExpected: true)
            let client = try await stage.connect()
            let body = StreamingTests.pattern(32 << 20)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.readableBytes)\r\n\r\n")
            try await stage.untilHeld(1)
            client.post(body)
            #expect(try await stage.untilNothingMoves(from: client) > 16 << 20)
            try await stage.route(to: [stage.replica.route])
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            #expect(try await upstream.readBytes(body.readableBytes) == body)
            try await upstream.send(Stage.ok)
            try await client.expect(Stage.ok)
        }
    }

    /// The log says that it is ready, and it is not there: another comes, or it comes back.
    @Test func aReplicaThatRefusesIsWaitedFor() async throws {
        try await Stage.with { stage in
            let refusing = try RefusingPort(7)
            try await stage.route(to: [refusing.route], isReplicaExpected: true)
            let first = try await client(stage)
            try await stage.untilHeld(1)
            try await stage.route(to: [stage.replica.route], isReplicaExpected: true)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send(Stage.ok)
            try await first.expect(Stage.ok)

            let gone = stage.replica.route.port
            await stage.replica.close()
            let second = try await client(stage)
            try await Patience.until("a request that waits") { try await stage.balancer.traffic().held == 1 }
            let back = try await Replica(1, port: gone)
            let late = try await back.accept()
            _ = try await late.head()
            try await late.send(Stage.ok)
            try await second.expect(Stage.ok)
            await back.close()
        }
    }

    /// A crash of the only replica costs whoever waits for it nothing but time.
    @Test func theOnlyReplicaDiesWithARequest() async throws {
        try await Stage.with(replicas: 2) { stage in
            try await stage.route(to: [stage.replicas[0].route], isReplicaExpected: true)
            let client = try await client(stage)
            let upstream = try await stage.replicas[0].accept()
            _ = try await upstream.head()
            await stage.replicas[0].close()
            try await stage.untilHeld(1)
            try await stage.route(to: [], isReplicaExpected: true)
            try await stage.route(to: [stage.replicas[1].route], isReplicaExpected: true)
            let next = try await stage.replicas[1].accept()
            _ = try await next.head()
            try await next.send(Stage.ok)
            try await client.expect(Stage.ok)
            try await stage.untilIdle()
        }
    }

    // MARK: Not served

    @Test func aClientThatGoesWaitsNoMore() async throws {
        try await Stage.with { stage in
            try await stage.route(to: [], isReplicaExpected: true)
            let (leaving, staying) = (try await client(stage, "/leaving"), try await client(stage, "/staying"))
            try await stage.untilHeld(2)
            await leaving.close()
            try await stage.untilHeld(1)
            try await stage.route(to: [stage.replica.route])
            let upstream = try await stage.replica.accept()
            #expect(try await upstream.head().hasPrefix("GET /staying "))
            try await upstream.send(Stage.ok)
            try await staying.expect(Stage.ok)
            #expect(stage.replica.connections == 1)
        }
    }

    @Test func patienceHasAnEnd() async throws {
        try await Stage.with({ $0.holdSeconds = 0.3 }) { stage in
            try await stage.route(to: [], isReplicaExpected: true)
            let (head, members) = try await answer(client(stage))
            #expect(head.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(head.contains("\r\nRetry-After: "))
            #expect(members["error"] == "no_ready_replica")
            #expect(
                members["message"]
                    == "service web has no replica that is ready: 1 replica is STARTING (waited 0.3 s)")
            #expect(try await stage.balancer.traffic().held == 0)
        }
    }

    @Test func aReplicaThatGoesOnRefusingIsNamed() async throws {
        try await Stage.with({ $0.holdSeconds = 0.3 }) { stage in
            let refusing = try RefusingPort(7)
            try await stage.route(to: [refusing.route], isReplicaExpected: true)
            let (head, members) = try await answer(client(stage))
            #expect(head.hasPrefix("HTTP/1.1 502 Bad Gateway\r\n"))
            #expect(members["message"] == "replica 7 refuses connections")
            #expect(try await stage.balancer.traffic().held == 0)
            try await stage.untilIdle()
        }
    }

    @Test func noMoreThanSoManyWait() async throws {
        try await Stage.with({ $0.heldLimit = 2 }) { stage in
            try await stage.route(to: [], isReplicaExpected: true)
            _ = try await client(stage)
            try await stage.untilHeld(1)
            _ = try await client(stage)
            try await stage.untilHeld(2)
            let (head, members) = try await answer(client(stage))
            #expect(head.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(head.contains("\r\nRetry-After: "))
            #expect(members["error"] == "too_many_waiting")
            #expect(members["message"]?.hasSuffix("and 2 requests wait already") == true)
        }
    }

    @Test func nobodyWaitsForWhatWillNotCome() async throws {
        try await Stage.with { stage in
            try await stage.route(to: [], isReplicaExpected: true)
            let waiting = try await client(stage)
            try await stage.untilHeld(1)
            try await stage.route(to: [], explanation: "1 replica is FAILED")
            let (head, members) = try await answer(waiting)
            #expect(head.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(members["message"] == "service web has no replica that is ready: 1 replica is FAILED")
            let (_, late) = try await answer(client(stage))
            #expect(late == members)
        }
    }

    @Test func theEndOfTheLoadBalancerIsTold() async throws {
        try await Stage.with { stage in
            try await stage.route(to: [], isReplicaExpected: true)
            let waiting = try await client(stage)
            try await stage.untilHeld(1)
            async let end: Void = stage.shutDown(gracePeriodSeconds: 60)
            let (head, members) = try await answer(waiting)
            #expect(head.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(members["error"] == "shutting_down")
            await waiting.close()
            await end
        }
    }
}
