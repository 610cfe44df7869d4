import Testing

@testable import Lifecycle

@Suite struct NoticeTests {
    @Test(arguments: [
        ("*", "", true), ("*", "controller.stopped", true), ("controller.*", "controller.stopped", true),
        ("controller.*", "service.gone", false), ("*.stopped", "controller.stopped", true),
        ("c*r.s*p*", "controller.stopped", true), ("c*r.s*q*", "controller.stopped", false),
        ("team-?", "team-a", true), ("team-?", "team-ab", false), ("team-?", "team-", false), ("", "a", false),
        ("a.c", "abc", false), ("**a**", "bab", true), ("*ab", "aab", true), ("replica", "replica.ready", false),
    ])
    func aPatternMatches(_ pattern: String, _ text: String, _ isMatch: Bool) {
        #expect(NoticePattern.matches(pattern, text) == isMatch)
    }

    @Test func aSelectionPicksByTypeAndController() throws {
        let prod = try #require(ControllerName(rawValue: "prod"))
        let dev = try #require(ControllerName(rawValue: "dev"))
        let all = NoticeSelection(types: ["controller.stop*"])
        #expect(all.picks(.controllerStopped, of: prod) && all.picks(.controllerStopping, of: dev))
        #expect(!all.picks(.controllerIdle, of: prod))
        let some = NoticeSelection(types: ["*"], controllers: ["pr*"])
        #expect(some.picks(.replicaReady, of: prod) && !some.picks(.replicaReady, of: dev))
        #expect(all.pickedTypes == [.controllerStopping, .controllerStopped])
    }

    /// Whoever does not say what wants to hear of every end and every change of status, and not of every replica.
    @Test func theStandardSelectionNamesTypesThereAre() {
        let picked = NoticeSelection().pickedTypes
        #expect(picked.map(\.rawValue).sorted() == NoticeSelection.standardTypes.sorted())
        #expect(picked.contains(.controllerStopped) && !picked.contains(.replicaReady))
    }

    @Test func theBackOffGrowsToItsCapAndDoesNotGoTogether() {
        let waits = (1...40).map { BackOffRule.noticeSeconds(receiver: "pager", failures: $0) }
        #expect(BackOffRule.noticeSeconds(receiver: "pager", failures: 0) == 0)
        for (index, wait) in waits.enumerated() {
            let base = min(300, Double(1 << min(index, 20)))
            #expect(wait >= 0.8 * base && wait <= 1.2 * base)
        }
        let others = (1...40).map { BackOffRule.noticeSeconds(receiver: "mail", failures: $0) }
        #expect(waits != others)
        #expect(waits == (1...40).map { BackOffRule.noticeSeconds(receiver: "pager", failures: $0) }, "no hidden dice")
    }
}
