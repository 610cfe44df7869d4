import NIOCore
import NIOEmbedded
import Testing

@testable import LoadBalancer

/// Which replica a request goes to.
@Suite struct ChoosingTests {
    private func loop(_ policy: BalancingPolicy, _ ids: [Int]) -> BalancerLoop {
        let configuration = LoadBalancerConfiguration(
            listening: .address(host: "127.0.0.1", port: 0), rules: BalancingRules(policy: policy))
        let loop = BalancerLoop(configuration, EmbeddedEventLoop())
        loop.update(table(ids))
        return loop
    }

    private func table(_ ids: [Int]) -> RoutingTable {
        let routes = ids.map { Route(replica: $0, host: "127.0.0.1", port: 9000 + $0) }
        return RoutingTable(service: "web", ready: routes, explanation: "none")
    }

    private func choice(_ loop: BalancerLoop) -> Int? { loop.choose()?.route.replica }

    /// Takes requests until each replica has been chosen, and gives them back by id.
    private func backends(_ loop: BalancerLoop, _ count: Int) -> [Int: Backend] {
        var found: [Int: Backend] = [:]
        for _ in 0..<count * 2 {
            if let backend = loop.choose() { found[backend.route.replica] = backend }
        }
        return found
    }

    @Test(arguments: BalancingPolicy.allCases) func thereIsNobodyToChoose(policy: BalancingPolicy) {
        #expect(choice(loop(policy, [])) == nil)
    }

    @Test(arguments: BalancingPolicy.allCases) func idleReplicasTakeTurns(policy: BalancingPolicy) {
        let loop = loop(policy, [1, 2, 3])
        let choices = (0..<6).compactMap { _ in choice(loop) }
        #expect(choices == [2, 3, 1, 2, 3, 1])
    }

    @Test func roundRobinDoesNotLookAtTheLoad() throws {
        let loop = loop(.roundRobin, [1, 2])
        let busy = try #require(backends(loop, 2)[2])
        for _ in 0..<5 { loop.begin(busy) }
        let choices = (0..<4).compactMap { _ in choice(loop) }
        #expect(choices == [2, 1, 2, 1])
    }

    @Test func leastLoadTakesTheOneWithTheFewest() throws {
        let loop = loop(.leastLoad, [1, 2, 3])
        let backends = backends(loop, 3)
        let (one, two, three) = (try #require(backends[1]), try #require(backends[2]), try #require(backends[3]))
        loop.begin(one)
        loop.begin(one)
        loop.begin(two)
        loop.begin(three)
        loop.begin(three)
        #expect((0..<6).map { _ in choice(loop) } == Array(repeating: 2, count: 6))
        loop.begin(two)
        loop.end(one)
        #expect((0..<6).map { _ in choice(loop) } == Array(repeating: 1, count: 6))
        #expect(loop.inFlight == 5)
        #expect(loop.traffic().perReplicaInFlight == [1: 1, 2: 2, 3: 2])
    }

    @Test func leastLoadTakesTurnsAmongEquals() throws {
        let loop = loop(.leastLoad, [1, 2, 3])
        loop.begin(try #require(backends(loop, 3)[2]))
        #expect(Set((0..<6).compactMap { _ in choice(loop) }) == [1, 3])
    }

    /// Requests under way in proportion to what each can take.
    @Test func instanceAwareLeastLoadGoesByTheWeight() throws {
        let loop = loop(.instanceAwareLeastLoad, [])
        let weights = [1: 3.0, 2: 1.0, 3: 0.5]
        let routes = weights.map { Route(replica: $0.key, host: "127.0.0.1", port: $0.key, weight: $0.value) }
        loop.update(RoutingTable(service: "web", ready: routes, explanation: ""))
        for _ in 0..<9 { loop.begin(try #require(loop.choose())) }
        #expect(loop.traffic().perReplicaInFlight == [1: 6, 2: 2, 3: 1])
        // A new weight is the same replica's.
        let turned = weights.map { Route(replica: $0.key, host: "127.0.0.1", port: $0.key, weight: 7 / $0.value) }
        loop.update(RoutingTable(service: "web", ready: turned, explanation: ""))
        #expect(loop.traffic().perReplicaInFlight == [1: 6, 2: 2, 3: 1])
        #expect(choice(loop) == 3)
    }

    @Test(arguments: [0, -1, .nan, .infinity]) func aWeightThatIsNoneIsOne(weight: Double) {
        #expect(Route(replica: 1, host: "127.0.0.1", port: 1, weight: weight).weight == 1)
    }

    @Test func anotherPolicyHoldsFromTheNextRequestOn() throws {
        let loop = loop(.roundRobin, [1, 2])
        loop.begin(try #require(backends(loop, 2)[2]))
        #expect(Set((0..<4).compactMap { _ in choice(loop) }) == [1, 2])
        loop.update(BalancingRules(policy: .leastLoad))
        #expect(Set((0..<4).compactMap { _ in choice(loop) }) == [1])
    }

    // MARK: Replicas that refuse connections

    @Test(arguments: BalancingPolicy.allCases) func anEjectedReplicaIsPassedOver(policy: BalancingPolicy) throws {
        let loop = loop(policy, [1, 2, 3])
        let backends = backends(loop, 3)
        let (one, two, three) = (try #require(backends[1]), try #require(backends[2]), try #require(backends[3]))
        two.eject(.now() + .seconds(1_000))
        // Even when it has the least to do.
        loop.begin(one)
        loop.begin(three)
        #expect(Set((0..<9).compactMap { _ in choice(loop) }) == [1, 3])
        one.eject(.now() + .seconds(1_000))
        three.eject(.now() + .seconds(1_000))
        #expect(choice(loop) == nil)
        two.answered()
        #expect((0..<6).map { _ in choice(loop) } == Array(repeating: 2, count: 6))
    }

    @Test func anEjectionIsLongerEachTimeUpToALimit() {
        let backend = Backend(Route(replica: 1, host: "127.0.0.1", port: 1))
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        #expect(!backend.isEjected(now))
        for milliseconds: Int64 in [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000] {
            backend.eject(now)
            #expect(backend.isEjected(now + .milliseconds(milliseconds - 1)))
            #expect(!backend.isEjected(now + .milliseconds(milliseconds)))
        }
        backend.answered()
        #expect(!backend.isEjected(now))
        backend.eject(now)
        #expect(!backend.isEjected(now + .milliseconds(50)))
    }

    // MARK: Routes

    @Test func aReplicaThatStaysKeepsWhatIsKnownOfIt() throws {
        let loop = loop(.leastLoad, [1, 2])
        let known = backends(loop, 2)
        loop.begin(try #require(known[1]))
        loop.update(table([3, 1]))
        let later = backends(loop, 2)
        #expect(Set((0..<4).compactMap { _ in choice(loop) }) == [3])
        #expect(known[2]?.isRemoved == true)
        #expect(known[1]?.isRemoved == false)
        #expect(later[2] == nil)
        loop.update(table([]))
        #expect(choice(loop) == nil)
        #expect(known[1]?.isRemoved == true)
    }

    /// The same id at another port is another process.
    @Test func aReplicaElsewhereIsAnother() throws {
        let loop = loop(.leastLoad, [1])
        let before = try #require(loop.choose())
        loop.update(
            RoutingTable(service: "web", ready: [Route(replica: 1, host: "127.0.0.1", port: 1)], explanation: ""))
        let after = try #require(loop.choose())
        #expect(before !== after)
        #expect(before.isRemoved)
    }

    @Test func whatIsSaidWhileThereIsNone() {
        let loop = loop(.leastLoad, [])
        #expect(loop.table.service == "web")
        #expect(loop.table.explanation == "none")
        let fresh = BalancerLoop(loop.configuration, EmbeddedEventLoop())
        #expect(fresh.table.explanation == "its routes are not known yet")
    }

    /// Nobody should send a table that names a replica twice; it must not be the end of the process.
    @Test func aReplicaNamedTwiceIsOne() {
        let loop = loop(.roundRobin, [1, 1, 2])
        loop.update(table([1, 1, 2]))
        #expect((0..<4).compactMap { _ in choice(loop) } == [2, 1, 2, 1])
    }
}
