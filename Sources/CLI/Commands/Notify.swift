import ArgumentParser
import EventLog
import Foundation
import Lifecycle

struct Notify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify",
        abstract: "Show who is told what happens (`notify` of config.yaml), and how far they have been told.",
        discussion: """
            A receiver that does not take an event is tried again, at longer and longer intervals, and told of nothing \
            else until it does. What is passed over by hand is lost for it.

            Examples:
              dwell notify
              dwell notify pager --retry        now, and not when its time has come
              dwell notify pager --skip         not the event it does not take, but the next one
              dwell notify pager --skip-all     only of what happens from now on
            """)

    @Argument(help: "Only this receiver.")
    var receiver: String?

    @Flag(help: "Try it again now.")
    var retry = false

    @Flag(help: "Pass over the event that it is to be told next.")
    var skip = false

    @Flag(help: "Pass over everything it has not been told.")
    var skipAll = false

    func validate() throws {
        let count = [retry, skip, skipAll].count { $0 }
        if count > 1 { throw ValidationError("say one of --retry, --skip and --skip-all") }
        if count > 0, receiver == nil { throw ValidationError("say which receiver") }
    }

    func run() throws {
        let session = try Session()
        // As the file says now, also when nothing has been told since it was changed.
        _ = try session.adoptConfiguration()
        var lags = try session.read { (log) throws(LogFailure) in try log.noticeLags() }
        if let receiver {
            let known = lags.map(\.receiver.label).sorted()
            lags = lags.filter { $0.receiver.label == receiver }
            guard !lags.isEmpty else {
                throw CommandFailure(
                    known.isEmpty
                        ? "no receiver \(receiver): config.yaml names none (notify)"
                        : "no receiver \(receiver); there is \(known.joined(separator: ", "))")
            }
            guard lags.count == 1 else {
                throw CommandFailure("there are \(lags.count) receivers \(receiver); give each a `name` in config.yaml")
            }
            try change(lags[0], session)
            lags = try session.read { (log) throws(LogFailure) in
                try log.noticeLags().filter { $0.receiver.key == lags[0].receiver.key }
            }
        }
        if lags.isEmpty { print("Nobody is told: config.yaml names no receiver (notify).") }
        for line in Self.lines(lags, try session.read { (_) throws(LogFailure) in try Clock.now() }) { print(line) }
        try session.ensureAllRunning()
    }

    private func change(_ lag: NoticeLag, _ session: Session) throws(CommandFailure) {
        let key = lag.receiver.key
        let passed: (through: Int, count: Int)? = try session.read { (log) throws(LogFailure) in
            if retry { try log.retryNotices(of: key) }
            let last = try log.lastPosition()
            let next = skip ? try log.nextNotice(for: lag.receiver, after: lag.receiver.position) : nil
            let through = skipAll ? last : next?.position
            guard let through else { return nil }
            try log.passNotices(of: key, through: through, isNews: true)
            return (through, skipAll ? lag.undelivered : 1)
        }
        if skip || skipAll {
            print(
                passed.map { "Passed over \($0.count) event\($0.count == 1 ? "" : "s"), up to event \($0.through)." }
                    ?? "There is nothing to pass over.")
        }
    }

    static func lines(_ lags: [NoticeLag], _ now: Instant) -> [String] {
        lags.map { $0.inWords { TimeText.clock(atMicroseconds: $0, now: now) } }
    }
}
