import NIOCore
import NIOEmbedded
import Testing

@testable import LoadBalancer

/// What is counted of requests, and when it is told.
@Suite struct TrafficTests {
    // MARK: By the second

    @Test func requestsAreCountedByTheSecond() {
        var counts = RequestCounts()
        for at: Int64 in [5_000_000, 5_999_999, 6_000_000, 8_500_000] { counts.count(atMicroseconds: at) }
        #expect(counts.seconds.map(\.second) == [5, 6, 8])
        #expect(counts.seconds.map(\.count) == [2, 1, 1])
        #expect(counts.total == 4)
        #expect(counts.lastMicroseconds == 8_500_000)
    }

    @Test func oldSecondsAreForgotten() {
        var counts = RequestCounts()
        for second in Int64(1)...1000 { counts.count(atMicroseconds: second * 1_000_000) }
        #expect(counts.seconds.map(\.second) == Array(910...1000))
        #expect(counts.total == 1000)
    }

    @Test func aClockThatIsSetBackLeavesNothingInTheFuture() {
        var counts = RequestCounts()
        for second: Int64 in [98, 99, 150, 99, 100] { counts.count(atMicroseconds: second * 1_000_000) }
        #expect(counts.seconds.map(\.second) == [98, 99, 100])
        #expect(counts.seconds.map(\.count) == [1, 2, 1])
        #expect(counts.lastMicroseconds == 100_000_000)
    }

    @Test func loopsAddUp() {
        var one = Traffic()
        one.inFlight = 1
        one.total = 3
        one.lastRequestAtMicroseconds = 7
        one.perReplicaInFlight = [1: 1]
        one.perSecond = [5: 2, 6: 1]
        var two = one
        two.lastRequestAtMicroseconds = 9
        two.perReplicaInFlight = [2: 1]
        two.held = 4
        two.perSecond = [6: 1, 8: 1]
        var sum = Traffic()
        for part in [two, one, Traffic()] { sum.add(part) }
        #expect(sum.inFlight == 2)
        #expect(sum.held == 4)
        #expect(sum.total == 6)
        #expect(sum.lastRequestAtMicroseconds == 9)
        #expect(sum.perReplicaInFlight == [1: 1, 2: 1])
        #expect(sum.perSecond == [5: 2, 6: 2, 8: 1])
    }

    // MARK: Told

    private func route(_ id: Int) -> Route { Route(replica: id, host: "127.0.0.1", port: 9000 + id) }

    @Test func aChangeIsToldOnceForEachLook() throws {
        var told: [TrafficChange] = []
        let configuration = LoadBalancerConfiguration(listening: .address(host: "127.0.0.1", port: 0))
        let loop = BalancerLoop(configuration, EmbeddedEventLoop()) { told.append($0) }
        loop.update(RoutingTable(service: "web", ready: [route(1)], explanation: ""))
        #expect(told == [.urgent])
        _ = loop.traffic()
        told = []
        let backend = try #require(loop.choose())
        for _ in 1...3 {
            loop.arrived()
            loop.begin(backend)
        }
        #expect(told == [.some])
        #expect(loop.traffic().inFlight == 3)
        loop.end(backend)
        loop.end(backend)
        #expect(told == [.some, .some])
        // It has left, which whoever drains it waits to hear, and is seen off.
        loop.update(RoutingTable(service: "web", ready: [], explanation: ""))
        #expect(loop.traffic().perReplicaInFlight == [1: 1])
        loop.end(backend)
        #expect(told == [.some, .some, .urgent, .some, .urgent])
        #expect(loop.traffic().perReplicaInFlight == [:])
        #expect(loop.traffic().total == 3)
    }

    /// One that was not ready got no requests before it is drained; that it gets none is waited for all the same.
    @Test func thatAReplicaIsToBeDrainedIsToldAlsoOfOneThatWasNotReady() {
        var told: [TrafficChange] = []
        let configuration = LoadBalancerConfiguration(listening: .address(host: "127.0.0.1", port: 0))
        let loop = BalancerLoop(configuration, EmbeddedEventLoop()) { told.append($0) }
        func route(_ explanation: String, version: Int) {
            loop.update(
                RoutingTable(service: "web", ready: [self.route(1)], explanation: explanation, version: version))
        }
        route("1 replica is NOT_READY, 1 replica is READY", version: 5)
        _ = loop.traffic()
        told = []
        route("1 replica is READY, 1 replica is SHUTTING_DOWN", version: 6)
        #expect(told == [.urgent])
        #expect(loop.traffic().routesVersion == 6)
        // An event of another service changes nothing here.
        route("1 replica is READY, 1 replica is SHUTTING_DOWN", version: 7)
        #expect(told == [.urgent])
    }

    @Test func aRequestIsCountedOnceHoweverOftenItIsTried() async throws {
        let refusing = try (2...4).map { try RefusingPort($0) }
        try await Stage.with({ $0.rules.policy = .roundRobin }) { stage in
            try await stage.route(to: refusing.map(\.route) + [stage.replica.route])
            let (client, _) = try await stage.warmUp()
            let traffic = try await stage.balancer.traffic()
            #expect(traffic.total == 1)
            #expect(traffic.perSecond.values.reduce(0, +) == 1)
            #expect(traffic.lastRequestAtMicroseconds != nil)
            #expect(traffic.perReplicaInFlight == [:])
            await client.close()
        }
    }

    @Test func whoeverFollowsLearnsOfEachRequest() async throws {
        try await Stage.with { stage in
            _ = try await stage.balancer.traffic()
            var changes = stage.balancer.trafficChanges.makeAsyncIterator()
            let client = try await stage.connect()
            try await client.send(Stage.get)
            while await changes.next() != .some {}  // of the routes it was told before
            let upstream = try await stage.replica.accept()
            #expect(try await stage.balancer.traffic().perReplicaInFlight == [1: 1])
            _ = try await upstream.head()
            try await upstream.send(Stage.ok)
            #expect(await changes.next() == .some)
            try await client.expect(Stage.ok)
        }
    }
}
