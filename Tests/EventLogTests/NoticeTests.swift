import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// How far receivers of notices have been told.
@Suite struct NoticeCursorTests {
    private let temporary = TemporaryHome()

    private func receiver(
        _ name: String? = "pager", _ way: NoticeReceiver.Way = .url("http://127.0.0.1:1/x"),
        on types: [EventType] = EventType.allCases,
        controllers: [String] = []
    ) -> NoticeReceiver {
        NoticeReceiver(
            name: name, label: name ?? "somebody", way: way,
            selection: NoticeSelection(types: types, controllers: controllers))
    }

    private func row(_ log: EventLog) throws -> NoticeRow { try #require(try log.noticeReceivers().first) }

    /// What it is told of next, and after that, as if it took all of it.
    private func told(_ log: EventLog) throws -> [String] {
        var types: [String] = []
        while let event = try log.nextNotice(for: row(log), after: row(log).position) {
            types.append(event.event)
            try log.noticeDelivered(to: row(log).key, position: event.position)
        }
        return types
    }

    @Test func aNewReceiverIsToldOfWhatComesNow() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        try log.setNoticeReceivers([receiver()])
        #expect(try told(log) == [])
        try log.given(.takeOver(process: "1"))
        #expect(try told(log) == ["controller.started", "controller.idle"], "in order")
        #expect(try row(log).delivered == 2)
        #expect(try told(log) == [])
    }

    @Test func itIsToldOfWhatIsPickedForIt() throws {
        let log = try EventLog(home: temporary.home)
        try log.setNoticeReceivers([
            receiver(on: EventType.allCases.filter { $0.rawValue.hasPrefix("controller.start") }, controllers: ["pr*"])
        ])
        try log.given(.start, .takeOver(process: "1"))
        try log.given(.start, .takeOver(process: "2"), controller: .prod)
        #expect(try log.noticeLags().map(\.undelivered) == [2])
        #expect(try log.noticeLags(of: "dev").map(\.undelivered) == [0])
        let first = try #require(try log.nextNotice(for: row(log), after: 0))
        #expect(first.controller == "prod" && first.event == "controller.starting")
        #expect(try told(log) == ["controller.starting", "controller.started"])
    }

    /// Another pattern, header or time is the same receiver; another name or place is another.
    @Test func itKeepsItsPlaceWhenItIsSaidInAnotherWay() throws {
        let log = try EventLog(home: temporary.home)
        try log.setNoticeReceivers([receiver(nil)])
        try log.given(.start)
        try log.setNoticeReceivers([receiver(nil, on: EventType.allCases.filter(\.isOfController))])
        #expect(try told(log) == ["controller.starting"])
        let key = try row(log).key
        #expect(!key.contains("127.0.0.1"), "a URL may be a secret")
        try log.given(.takeOver(process: "1"))
        try log.setNoticeReceivers([receiver(nil, .url("http://127.0.0.1:1/y"))])
        #expect(try row(log).key != key)
        #expect(try told(log) == [])
        try log.setNoticeReceivers([])
        #expect(try log.noticeReceivers().isEmpty)
    }

    @Test func aFailedTryIsKeptUntilOneSucceeds() throws {
        let log = try EventLog(home: temporary.home)
        try log.setNoticeReceivers([receiver()])
        try log.given(.start)
        for failures in 1...3 {
            try log.noticeFailed(for: "pager", error: "HTTP 500", atMicroseconds: 5, retryAtMicroseconds: 9)
            #expect(try row(log).failures == failures)
        }
        #expect(try row(log).retryAtMicroseconds == 9 && row(log).error == "HTTP 500")
        let lag = try #require(try log.noticeLags().first)
        #expect(lag.inWords { "at \($0)" }.hasSuffix("3 tries in a row failed, the last with: HTTP 500; again at at 9"))
        try log.retryNotices(of: "pager")
        #expect(try row(log).retryAtMicroseconds == nil && row(log).failures == 3)
        #expect(try told(log) == ["controller.starting"])
        #expect(try row(log).failures == 0 && row(log).error == nil)
    }

    /// Told twice, or late: the place never goes back.
    @Test func itsPlaceOnlyMovesOn() throws {
        let log = try EventLog(home: temporary.home)
        try log.setNoticeReceivers([receiver()])
        try log.given(.start, .takeOver(process: "1"), .stop)
        try log.passNotices(of: "pager", through: 4, isNews: true)
        try log.noticeDelivered(to: "pager", position: 2)
        try log.passNotices(of: "pager", through: 1, isNews: true)
        #expect(try row(log).position == 4)
    }

    @Test func aRebuildAndABackupKeepIt() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.start)
        try log.setNoticeReceivers([receiver()])
        try log.given(.takeOver(process: "1"))
        let before = try row(log)
        _ = try log.rebuild()
        #expect(try row(log) == before)
        let file = temporary.home.path + "/backup.db"
        _ = try log.backUp(to: file)
        #expect(try EventLog.reading(file: file).noticeReceivers() == [before])
        try log.queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try log.queue.close()
        _ = try EventLog.repair(temporary.home)
        #expect(try EventLog(home: temporary.home).noticeReceivers() == [before])
    }
}
