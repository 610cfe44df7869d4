import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// What the made-up history of the cookbook's tests has too little of: policies of which more than the window changes,
/// pauses, ends by a deadline that terminates, and a log that was archived.
@Suite struct AuditAnswersTests {
    private let temporary = TemporaryHome()

    private func answer(_ file: String, before: String? = nil, _ home: TemporaryHome? = nil) throws -> [String] {
        let database = (home ?? temporary).home.database
        return try AuditCookbookTests.sqlite3(
            database, AuditCookbookTests.folder.appendingPathComponent(file), before: before)
    }

    private func what(_ log: EventLog, _ type: EventType) throws -> [String] {
        try log.auditRows(after: 0).filter { $0.event == type.rawValue }.map(\.what)
    }

    @Test func aPolicySaysWhatItChanged() throws {
        let log = try EventLog(home: temporary.home)
        var policy = AutostopPolicy.standard
        try log.given(.start(policy: policy), .takeOver(process: "a"))
        policy.down = .init(true, .commandLine)
        try log.given(.setAutostop(policy))
        policy.terminateAfterSeconds = .init(604_800, .commandLine)
        try log.given(.setAutostop(policy))
        policy.waitFor = .init(["ssh", "gpu"], .controllers)
        policy.minStartIntervalSeconds = .init(8, .controllers)
        policy.say(
            keepWarm: [
                WeeklyWindow(days: [0], startMinute: 0, endMinute: 60, timeZone: "UTC", text: "Mon 00:00-01:00")
            ],
            stopAt: [WeeklyMoment(days: [0], minute: 60, timeZone: "UTC", text: "Mon 01:00")], .serveController)
        try log.given(.up(.api, replicas: 0, policy: policy))
        policy.idleTimeoutSeconds = 300
        policy.source = .commandLine
        policy.down = .init(false, .commandLine)
        try log.given(.setAutostop(policy), .setAutostop(policy))
        let texts = try what(log, .controllerPolicySet)
        #expect(texts.first == "autostop after 600 s idle (default); then it is terminated (command line)")
        #expect(texts[1] == "autostop after 600 s idle (default); terminated after 604800 s stopped (command line)")
        #expect(
            texts[2] == "autostop after 600 s idle (default); 8 s from one start to the next at least (controllers)"
                + "; wait_for ssh, gpu (controllers); keep_warm Mon 00:00-01:00 (serve.controller)"
                + "; stop_at Mon 01:00 (serve.controller)")
        #expect(
            texts[3] == "autostop after 300 s idle (command line), and not after 600 s as before; then it is only "
                + "stopped (command line)")
        let rows = try answer("policy_changes.sql")
        #expect(rows.count == texts.count && rows.first?.contains("then it is terminated") == true)
    }

    @Test func aPauseAndATerminationAreNamedByIdleness() throws {
        let log = try EventLog(home: temporary.home)
        var policy = AutostopPolicy.standard
        policy.down = .init(true, .commandLine)
        try log.given(.start(policy: policy), .takeOver(process: "a"), .pauseAutostop(seconds: nil, reason: "demo"))
        try log.given(.resumeAutostop, .setAutostop(.never))
        let texts = try what(log, .controllerIdle)
        #expect(texts.count == 4)
        #expect(texts[0].hasPrefix("idle; is terminated at ") && texts[2].hasPrefix("idle; is terminated at "))
        #expect(texts[1] == "idle; does not stop by itself while autostop is paused")
        #expect(texts[3] == "idle; never stops by itself")
        #expect(try answer("policy_changes.sql").count == 3, "pauses keep it from stopping, too")
    }

    @Test func whatWasTerminatedWasEnded() throws {
        let log = try EventLog(home: temporary.home)
        var policy = AutostopPolicy.byHand(seconds: 0)
        policy.down = .init(true, .commandLine)
        try log.given(.start(policy: .standard), .takeOver(process: "a"), .setAutostop(policy))
        let due = try #require(try log.state(of: .dev).pendingDeadlines.first)
        try log.given(.deadlineReached(due.key, generation: due.generation), .terminationFinished)
        try log.given(.start(policy: .standard), .takeOver(process: "b"), .terminate(force: true))
        let rows = try answer("who_stopped.sql")
        #expect(rows.count == 2, "\(rows)")
        #expect(rows.first?.contains("|terminating by its deadline, ") == true, "\(rows)")
        #expect(rows.last?.contains("|terminating by hand by force|ann@desk|cli") == true, "\(rows)")
        #expect(try answer("warm_window.sql") == ["dev|2|0|1|0.0"])
        let hours = try answer("paid_idle.sql").first?.split(separator: "|")
        #expect(hours?.count == 3 && hours?[1] == hours?[2], "all of it was in vain")
    }

    /// The same history, in a log that was archived and in one that was not.
    @Test func whatWasThereWhenItWasArchivedIsCounted() throws {
        let whole = TemporaryHome()
        let controllers = [ControllerName.dev, .prod, .batch]
        let (log, other) = (try EventLog(home: temporary.home), try EventLog(home: whole.home))
        for log in [log, other] {
            var history = MadeUpHistory(seed: 5, controllers: controllers, beginMicroseconds: 1_700_000_000_000_000)
            try history.write(6_000, to: log)
        }
        let middle = try #require(try log.time(atPosition: 3_000))
        let cut = try log.archive(
            beforeMicroseconds: middle, to: temporary.home.path + "/old.db", by: .ann
        ).position
        func position(_ row: String) -> Int { row.split(separator: "|").first.flatMap { Int($0) } ?? 0 }
        let crashes = try answer("crashes.sql", whole).filter { position($0) > cut }
        #expect(!crashes.isEmpty)
        #expect(try answer("crashes.sql") == crashes)
        // Without the position at which it was asked for, which may be in the archive.
        func services(_ rows: [String]) -> [String] {
            rows.map { row in
                let cells = row.split(separator: "|", omittingEmptySubsequences: false)
                return [cells[0], cells[1], cells[3]].joined(separator: "|")
            }.sorted()
        }
        let last = try log.lastPosition()
        for position in [cut, cut + 1, cut + 500, last] {
            let asked = ".parameter set :position \(position)"
            let wanted = services(try answer("running_at.sql", before: asked, whole))
            #expect(services(try answer("running_at.sql", before: asked)) == wanted, "\(position)")
        }
        let halfWay = ".parameter set :position \((cut + last) / 2)"
        #expect(try answer("running_at.sql") == answer("running_at.sql", before: halfWay))
    }
}
