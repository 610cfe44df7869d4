import Lifecycle
import Testing

/// When a replica has finished the requests it had, by what its load balancer says.
@Suite struct TrafficReportTests {
    private let balancer = LoadBalancerReference(service: ServiceName(rawValue: "api")!, generation: 7)
    private let draining = ReplicaState.Draining(
        reason: .notWanted,
        deadline: Deadline(wallMicroseconds: 0, bootMicroseconds: 0, bootID: "a", spanMicroseconds: 0), generation: 20)

    private func isDrained(generation: Int = 7, routes: Int?, inFlight: [Int: Int] = [:]) -> Bool {
        TrafficReport(
            generation: generation, writtenAtMicroseconds: 0, perReplicaInFlight: inFlight, routesVersion: routes
        ).shows(drained: 1, draining, by: balancer)
    }

    @Test func itsRequestsAreOver() {
        #expect(isDrained(routes: 20))
        #expect(isDrained(routes: 25, inFlight: [2: 3]), "those of others do not matter")
    }

    @Test func oneIsUnderWay() { #expect(!isDrained(routes: 20, inFlight: [1: 1])) }

    @Test func moreMayCome() {
        #expect(!isDrained(routes: 19), "routes from before it was to go")
        #expect(!isDrained(routes: nil), "the load balancer has read none")
    }

    @Test func anEarlierLoadBalancerSaysNothing() { #expect(!isDrained(generation: 6, routes: 20)) }
}
