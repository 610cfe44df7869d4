import Testing

@testable import Lifecycle

@Suite struct NoticeTests {
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
