import Lifecycle
import TestKit
import Testing

/// When a service that says `idle_down` has been of no use for that long, by what its load balancer writes down.
@Suite struct UnusedServiceTests {
    private func moment(_ seconds: Int64, wall: Int64 = 0, boot: String = "a") -> Instant {
        Instant(
            wallMicroseconds: (seconds + wall) * 1_000_000, bootMicroseconds: seconds * 1_000_000, bootID: boot)
    }

    /// The last of these reports, each a number of seconds after boot.
    private func last(_ reports: [(seconds: Int64, TrafficReport)]) -> TrafficReport? {
        var last: TrafficReport?
        for (seconds, report) in reports {
            var next = report
            next.carryOn(last, now: moment(seconds))
            last = next
        }
        return last
    }

    private func report(total: Int = 0, inFlight: Int = 0, held: Int = 0, isServing: Bool = true) -> TrafficReport {
        TrafficReport(
            generation: 1, writtenAtMicroseconds: 0, totalRequests: total, inFlight: inFlight, held: held,
            isServing: isServing)
    }

    @Test func quietBeginsWhenTheLastRequestHasEnded() {
        let quiet = report(total: 1)
        let reports =
            [
                (0, report()), (10, report(total: 1, inFlight: 1)), (40, quiet), (41, quiet), (90, quiet),
            ] as [(Int64, TrafficReport)]
        #expect(last(reports)?.quietSince == moment(40))
    }

    @Test func oneThatCameAndWentBetweenTwoLooksCounts() {
        #expect(last([(0, report()), (10, report(total: 1))])?.quietSince == moment(10))
    }

    @Test func whileNothingCouldAnswerNothingIsQuiet() {
        let reports = [(0, report(isServing: false)), (1_800, report()), (1_801, report())] as [(Int64, TrafficReport)]
        #expect(last(reports)?.quietSince == moment(1_800))
        #expect(last([(0, report()), (5, report(isServing: false))])?.quietSince == moment(0))
    }

    @Test func theTimeTheMachineWasOffDoesNotCount() {
        var next = report()
        var earlier = report()
        earlier.quietSince = moment(0, boot: "a")
        next.carryOn(earlier, now: moment(7, boot: "b"))
        #expect(next.quietSince == moment(7, boot: "b"))
    }

    /// Whoever goes by it is to hear of the next request at once.
    @Test func silenceIsSaidByAReportWithoutRequests() {
        let quiet = last([(0, report()), (3, report())])
        #expect(quiet?.isQuiet(forMicroseconds: 250_000, at: moment(3)) == true)
        #expect(quiet?.isQuiet(forMicroseconds: 3_000_001, at: moment(3)) == false)
        #expect(quiet?.isQuiet(forMicroseconds: 1, at: moment(9, boot: "b")) == false)
        #expect(last([(0, report()), (3, report(total: 1))])?.isQuiet(forMicroseconds: 1, at: moment(3)) == false)
        #expect(last([(0, report()), (3, report(inFlight: 1))])?.isQuiet(forMicroseconds: 1, at: moment(9)) == false)
    }

    // MARK: What follows

    private func serving(_ spec: ServiceSpec = .sample()) throws -> Scenario {
        var spec = spec
        spec.idleDownSeconds = 60
        var it = Scenario()
        try it.given(.start, .takeOver(process: "a"), .up(spec))
        try it.launchLoadBalancer()
        return it
    }

    @Test func itIsSaidOnceThereWasNoRequestForSoLong() throws {
        var it = try serving()
        try it.makeReady(1)
        let balancer = it.loadBalancer()
        #expect(it.state.outstanding.contains { if case .watchLoad = $0 { true } else { false } })
        let service = try #require(it.state.services[balancer.service])
        var report = report(total: 1)
        report.generation = balancer.generation
        report.quietSince = moment(100)
        #expect(report.lackOfUse(of: service, by: balancer, at: moment(159)) == nil)
        // A wall clock that somebody sets changes nothing.
        #expect(report.lackOfUse(of: service, by: balancer, at: moment(159, wall: 86_400)) == nil)
        #expect(
            report.lackOfUse(of: service, by: balancer, at: moment(160, wall: -86_400))
                == .serviceUnused(balancer, version: 1, idleMicroseconds: 60_000_000))
        #expect(report.lackOfUse(of: service, by: balancer, at: moment(500, boot: "b")) == nil)
        for change in [
            { $0.inFlight = 1 }, { $0.held = 1 }, { $0.isServing = false }, { $0.generation -= 1 },
            { $0.quietSince = nil },
        ] as [(inout TrafficReport) -> Void] {
            var other = report
            change(&other)
            #expect(other.lackOfUse(of: service, by: balancer, at: moment(1_000)) == nil)
        }
    }

    @Test func theServiceGoesAndTheControllerDwells() throws {
        var it = try serving()
        try it.makeReady(1)
        let balancer = it.loadBalancer()
        #expect(try it.when(.serviceUnused(balancer, version: 1, idleMicroseconds: 59_000_000)).isEmpty)
        #expect(try it.when(.serviceUnused(balancer, version: 2, idleMicroseconds: 60_000_000)).isEmpty)
        try it.given(.serviceUnused(balancer, version: 1, idleMicroseconds: 60_000_000))
        try it.removeEverything()
        #expect(it.state.services.isEmpty && it.state.status == .idle)
    }

    /// Where requests bring replicas back, only the replicas go.
    @Test func withNoReplicaAtLeastItWaitsForRequests() throws {
        var it = try serving(.scaling(0...2))
        let balancer = it.loadBalancer()
        let name = balancer.service
        try it.given(
            .scale(Command.Scale(loadBalancer: balancer, version: 1, from: 0, to: 2, reason: "two wait")))
        let unused = Command.serviceUnused(balancer, version: 1, idleMicroseconds: 61_000_000)
        #expect(try it.when(unused).map(\.type).first == .serviceScaled)
        try it.given(unused)
        #expect(it.state.services[name]?.replicasForLoad == 0)
        #expect(try it.when(unused).isEmpty)
    }

    /// Requests that were answered before it went bring nothing back, and those that come after do: each a number of
    /// seconds before or after it went to zero.
    @Test(
        arguments: [
            (requests: [-4], after: 1, isBusy: false, wanted: nil), ([-30, -20, -10, 0], 5, false, nil),
            ([-4], 0, false, nil), ([-4, 3], 5, false, 1), ([-4], 5, true, 1), ([-4, 10], 120, false, nil),
        ] as [(requests: [Int64], after: Int64, isBusy: Bool, wanted: Int?)])
    func fromZeroOnlyForRequestsThatCameSince(
        _ requests: [Int64], after: Int64, isBusy: Bool, wanted: Int?
    ) throws {
        var it = try serving(.scaling(0...2))
        let balancer = it.loadBalancer()
        try it.given(.scale(Command.Scale(loadBalancer: balancer, version: 1, from: 0, to: 1, reason: "1 request")))
        try it.makeReady(1)
        try it.given(.serviceUnused(balancer, version: 1, idleMicroseconds: 61_000_000))
        let service = try #require(it.state.services[balancer.service])
        let zero = try #require(service.scale).atMicroseconds
        var report = report(total: requests.count, held: isBusy ? 1 : 0)
        report.recent = requests.map { TrafficReport.SecondCount(second: zero / 1_000_000 + $0, count: 1) }
        var autoscaler = Autoscaler()
        let load = report.load(of: service, atMicroseconds: zero + after * 1_000_000)
        #expect(autoscaler.decide(load, for: service)?.to == wanted)
    }
}
