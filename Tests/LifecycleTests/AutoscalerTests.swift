import TestKit
import Testing

@testable import Lifecycle

/// How many replicas a load asks for, and when that is followed; worked out by hand.
@Suite struct AutoscalerTests {
    /// A service whose load balancer runs, with this many replicas ready.
    private func service(_ spec: ServiceSpec, ready: Int, scaledTo: Int? = nil) throws -> ServiceState {
        var it = Scenario()
        try it.given(.start, .takeOver(process: "a"), .up(spec))
        try it.launchLoadBalancer()
        if let scaledTo {
            let from = try #require(it.state.services[.api]).replicasForLoad
            let scale = Command.Scale(
                loadBalancer: it.loadBalancer(), version: 1, from: from, to: scaledTo, reason: "load")
            try it.given(.scale(scale))
        }
        for id in 0..<ready { try it.makeReady(id + 1) }
        return try #require(it.state.services[.api])
    }

    private func load(_ requests: Int, isBusy: Bool = false, isWholeWindow: Bool = true) -> Autoscaler.Load {
        Autoscaler.Load(requests: requests, isBusy: isBusy, isWholeWindow: isWholeWindow)
    }

    // What the load asks for.

    /// ceil(requests / 60 / target).
    @Test(arguments: [
        (0, 0), (1, 1), (60, 1), (119, 1), (120, 1), (121, 2), (240, 2), (241, 3), (6_000, 50), (.max, 1_000),
    ])
    func theRateDividedByTheTarget(_ requests: Int, needed: Int) throws {
        let service = try service(.scaling(0...1_000, target: .each(2)), ready: 0)
        #expect(Autoscaler.replicasNeeded(load(requests), for: service) == needed)
    }

    /// 18 requests in a minute are 0.3 a second: three replicas of 0.1, in whatever way the sum is rounded.
    @Test(arguments: 0...4) func fractionsThatAddUpAskForNoMore(_ ready: Int) throws {
        let service = try service(.scaling(0...9, target: .each(0.1)), ready: ready, scaledTo: max(1, ready))
        #expect(Autoscaler.replicasNeeded(load(18), for: service) == 3)
    }

    @Test func aRequestUnderWayNeedsAReplicaHoweverLongAgoItCame() throws {
        let service = try service(.scaling(0...4), ready: 0)
        #expect(Autoscaler.replicasNeeded(load(0, isBusy: true), for: service) == 1)
    }

    /// Two A100s of 10 a second are there, and L4s of 4 are what is launched now: 30 a second are 20 + 4 + 4 + 2.
    @Test func replicasCountWithTheirOwnTargets() throws {
        var spec = ServiceSpec.scaling(1...9, target: .byAccelerator(["A100:1": 10, "L4:1": 4]))
        spec.accelerator = "A100:1"
        var it = Scenario()
        try it.given(.start, .takeOver(process: "a"), .up(spec))
        try it.launchLoadBalancer()
        let scale = Command.Scale(loadBalancer: it.loadBalancer(), version: 1, from: 1, to: 2, reason: "load")
        try it.given(.scale(scale))
        for id in 1...2 { try it.makeReady(id) }
        spec.accelerator = "L4:1"
        try it.given(.update(.api, to: spec))
        // Those of the new version that are on their way count too: 20 + 4 + 4, and one for the last two.
        let service = try #require(it.state.services[.api])
        #expect(service.replicas.values.count { $0.version == 2 } == 2)
        #expect(Autoscaler.replicasNeeded(load(30 * 60), for: service) == 5)
        #expect(Autoscaler.replicasNeeded(load(20 * 60), for: service) == 2)
        #expect(Autoscaler.replicasNeeded(load(22 * 60), for: service) == 3)
    }

    // When it is followed.

    /// `nil` where nothing is changed. One decision each 20 s; 60 s are three in a row.
    private func decisions(
        _ loads: [Autoscaler.Load], _ service: ServiceState
    ) -> [Int?] {
        var autoscaler = Autoscaler()
        return loads.map { autoscaler.decide($0, for: service)?.to }
    }

    @Test func moreOnlyAfterThatManyDecisionsInARow() throws {
        let service = try service(
            .scaling(1...5, upscaleDelaySeconds: 60, downscaleDelaySeconds: 60), ready: 1)
        #expect(decisions([load(300), load(300), load(300)], service) == [nil, nil, 5])
        #expect(decisions([load(300), load(120), load(180)], service) == [nil, nil, 3], "more is more")
        #expect(
            decisions([load(300), load(300), load(1), load(300), load(300)], service) == [nil, nil, nil, nil, nil])
        #expect(decisions([load(999), load(999), load(999)], service) == [nil, nil, 5], "not above the most")
    }

    @Test func fewerOnlyAfterThatManyDecisionsInARow() throws {
        let service = try service(
            .scaling(1...5, upscaleDelaySeconds: 60, downscaleDelaySeconds: 60), ready: 4, scaledTo: 4)
        #expect(decisions([load(0), load(60), load(120)], service) == [nil, nil, 2])
        #expect(decisions([load(0), load(0), load(240), load(0), load(0)], service) == [nil, nil, nil, nil, nil])
        #expect(decisions([load(0), load(0), load(0)], service) == [nil, nil, 1], "not below the fewest")
        #expect(decisions([load(0), load(0), load(300), load(0), load(0)], service).allSatisfy { $0 == nil })
    }

    @Test func whatWasNotWatchedTakesNoReplicaAway() throws {
        let service = try service(.scaling(0...5, downscaleDelaySeconds: 0), ready: 3, scaledTo: 3)
        #expect(decisions([load(0, isWholeWindow: false), load(0)], service) == [nil, 0])
        #expect(
            decisions(
                [load(600, isWholeWindow: false)],
                try self.service(
                    .scaling(0...5, upscaleDelaySeconds: 0), ready: 3, scaledTo: 3)) == [5], "but it may add some")
    }

    @Test func fromZeroAtOnce() throws {
        let service = try service(.scaling(0...5), ready: 0)
        #expect(decisions([load(0), load(1)], service) == [nil, 1])
        #expect(decisions([load(0, isBusy: true, isWholeWindow: false)], service) == [1])
    }

    @Test func aReasonIsGiven() throws {
        let service = try service(.scaling(0...5), ready: 0)
        var autoscaler = Autoscaler()
        #expect(autoscaler.decide(load(120), for: service)?.reason == "120 requests in 60 s")
    }

    @Test(arguments: [
        (300.0, 1200.0, false, 20.0), (300, 1200, true, 5), (0, 1200, false, 1), (300, 10, false, 10), (3, 2, true, 2),
    ])
    func decisionsAreAsFarApartAsTheDelaysAllow(_ up: Double, _ down: Double, _ atZero: Bool, seconds: Double) {
        let policy = ReplicaPolicy(
            minReplicas: 0, maxReplicas: 1, targetQPSPerReplica: .each(1), upscaleDelaySeconds: up,
            downscaleDelaySeconds: down)
        #expect(policy.decisionIntervalSeconds(atZero: atZero) == seconds)
    }

    /// SkyServe's defaults: 300 s are 15 decisions, 1200 s are 60.
    @Test func theDefaultsAreSkyServes() {
        let policy = ReplicaPolicy(minReplicas: 0, maxReplicas: 1, targetQPSPerReplica: .each(1))
        #expect(policy.decisionsBefore(policy.upscaleDelaySeconds) == 15)
        #expect(policy.decisionsBefore(policy.downscaleDelaySeconds) == 60)
    }
}
