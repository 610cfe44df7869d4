import EventLog
import Foundation
import Lifecycle
import Logging
import Synchronization

/// Tells receivers what happens, each in the order of the log and each at its own pace.
///
/// What it promises: a receiver is told of every event that is picked for it, at least once, and of none before it has
/// taken the one before. How far it is, is in the database and moves only after it has taken an event, so one that was
/// told while this process was killed is told again. One that does not take an event is tried for ever, with a back-off;
/// nothing is passed over unless somebody says so (`dwell notify NAME --skip`). Nobody else waits for any of it.
public struct Notifier: Sendable {
    private let launcher: NoticeLauncher
    private let delivery: NoticeDelivery
    private let logger: Logger
    private var log: EventLog { launcher.log }

    public init(_ launcher: NoticeLauncher, logger: Logger) {
        self.launcher = launcher
        self.logger = logger
        delivery = NoticeDelivery(
            home: launcher.home, logID: launcher.log.logID, source: launcher.log.source,
            environment: launcher.environment, prober: Prober(), outputLog: launcher.logPath)
    }

    /// After how many events that do not concern a receiver its place is written down, so that they are not looked
    /// through again.
    private static let stride = 1_000

    /// Tells until nothing is left to be told and no controller runs; returns at once when another process does it.
    public func run(inherited: CInt?) async throws {
        try await HomeProcess.hold(
            launcher.lockPath, inherited: inherited, whileNeeded: launcher.isNeeded, tellUntilAllIsTold)
    }

    private func tellUntilAllIsTold() async throws {
        let round = Round()
        let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let listening = Task { for await _ in Commits.quietTicks(log) { wake.yield() } }
        var alarm: Task<Void, Never>?
        defer {
            listening.cancel()
            alarm?.cancel()
        }
        wake.yield()
        for await _ in wakes {
            alarm?.cancel()
            let pause: Double?
            do throws(LogFailure) {
                switch try look(round, { wake.yield() }) {
                case .done: return
                case .wait(let seconds): pause = seconds
                }
            } catch .replaced {
                return  // whoever opens what is there now goes on
            } catch {
                logger.error("\(error); trying again")
                pause = 2
            }
            guard let pause else { continue }
            alarm = Task {
                try? await Task.sleep(for: .seconds(pause))
                if !Task.isCancelled { wake.yield() }
            }
        }
    }

    private enum Next {
        case done
        /// Something is on its way, or may happen; look again after so many seconds at the latest, if there is a time.
        case wait(Double?)
    }

    /// Writes down how far receivers have got, and begins to tell those who are to be told next.
    private func look(_ round: Round, _ wake: @escaping @Sendable () -> Void) throws(LogFailure) -> Next {
        for ended in round.ended {
            try record(ended)
            round.forget(ended)
        }
        // A file that has become unreadable says what it said before.
        if let receivers = try? launcher.receivers() {
            round.receivers = Dictionary(receivers.map { (EventLog.noticeKey($0), $0) }) { first, _ in first }
            try log.setNoticeReceivers(receivers)
        }
        guard !round.receivers.isEmpty else { return .done }
        var owes = false
        var pause: Double?
        let last = try log.lastPosition()
        for row in try log.noticeReceivers() {
            guard let receiver = round.receivers[row.key] else { continue }
            guard !round.isBeingTold(row.key) else {
                owes = true
                continue
            }
            let from = max(row.position, round.lookedThrough[row.key] ?? 0)
            guard let event = try log.nextNotice(for: row, after: from) else {
                round.lookedThrough[row.key] = last
                if last - row.position > Self.stride { try log.passNotices(of: row.key, through: last, isNews: false) }
                continue
            }
            owes = true
            let left = Self.secondsLeft(row)
            guard left <= 0 else {
                pause = min(pause ?? left, left)
                continue
            }
            round.begin(row.key)
            Task {
                if round.isFirst(row.key) { await delivery.endLeftovers(of: receiver) }
                let failure = await delivery.deliver(event, to: receiver)
                round.end(Round.Ended(key: row.key, label: row.label, position: event.position, failure: failure))
                wake()
            }
        }
        if !owes, try log.controllersNeedingProcess().isEmpty { return .done }
        return .wait(pause)
    }

    private func record(_ ended: Round.Ended) throws(LogFailure) {
        guard let failure = ended.failure else {
            return try log.noticeDelivered(to: ended.key, position: ended.position)
        }
        guard let row = try log.noticeReceivers().first(where: { $0.key == ended.key }) else { return }
        let seconds = BackOffRule.noticeSeconds(receiver: ended.key, failures: row.failures + 1)
        let now = Self.wallMicroseconds()
        logger.warning(
            "\(ended.label) was not told of event \(ended.position): \(failure); again in \(Int(seconds.rounded(.up))) s"
        )
        try log.noticeFailed(
            for: ended.key, error: failure, atMicroseconds: now, retryAtMicroseconds: now + Int64(seconds * 1e6))
    }

    /// Seconds before a receiver is tried again. When the wall clock was set meanwhile, no more than the whole back-off.
    private static func secondsLeft(_ row: NoticeRow) -> Double {
        guard let retryAt = row.retryAtMicroseconds else { return 0 }
        let whole = BackOffRule.noticeSeconds(receiver: row.key, failures: row.failures)
        return min(Double(retryAt - wallMicroseconds()) / 1e6, whole)
    }

    private static func wallMicroseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1e6) }
}

/// What is under way, and what became of it. Looked at by the notifier's loop, and told by its deliveries.
private final class Round: Sendable {
    struct Ended: Hashable, Sendable {
        var key: String
        var label: String
        var position: Int
        /// In words; nil when it has been told.
        var failure: String?
    }

    private struct State {
        var receivers: [String: NoticeReceiver] = [:]
        var lookedThrough: [String: Int] = [:]
        var underWay: Set<String> = []
        var begun: Set<String> = []
        var ended: [Ended] = []
    }

    private let state = Mutex(State())

    var receivers: [String: NoticeReceiver] {
        get { state.withLock { $0.receivers } }
        set { state.withLock { $0.receivers = newValue } }
    }

    /// Up to where nothing concerns a receiver, beyond what is written down.
    var lookedThrough: [String: Int] {
        get { state.withLock { $0.lookedThrough } }
        set { state.withLock { $0.lookedThrough = newValue } }
    }

    var ended: [Ended] { state.withLock { $0.ended } }

    func begin(_ key: String) { state.withLock { _ = $0.underWay.insert(key) } }
    func isBeingTold(_ key: String) -> Bool { state.withLock { $0.underWay.contains(key) } }
    /// Whether it is told for the first time by this process.
    func isFirst(_ key: String) -> Bool { state.withLock { $0.begun.insert(key).inserted } }
    func end(_ ended: Ended) { state.withLock { $0.ended.append(ended) } }

    /// What has been written down.
    func forget(_ ended: Ended) {
        state.withLock {
            $0.ended.removeAll { $0 == ended }
            $0.underWay.remove(ended.key)
        }
    }
}
