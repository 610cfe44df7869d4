import EventLog
import Foundation
import Lifecycle
import Synchronization

/// The processes of one home: controllers, keepers, the timer, the notifier, load balancers, replicas.
public struct HomeProcesses: Sendable {
    private let home: Home

    public init(home: Home) { self.home = home }

    public struct Found: Hashable, Sendable, CustomStringConvertible {
        public var pid: pid_t
        public var name: String
        /// What it was started for; nil for a controller process, a keeper, the timer or the notifier.
        var cookie: Cookie?
        /// What it is of those, in words.
        var role: String?

        public var description: String {
            guard let cookie else { return "process \(pid) (\(role ?? name))" }
            let what = cookie.replica.map { "replica \($0)" } ?? "load balancer"
            return "process \(pid) (\(name)), \(what) of service \(cookie.service)"
        }
    }

    /// Those that are alive. A command that somebody gives is not one of them.
    public func alive() -> [Found] {
        ProcessTable.all().compactMap { entry in
            guard entry.isAlive, entry.pid != getpid(),
                ProcessTable.environment(of: entry.pid, "DWELL_HOME") == home.path
            else { return nil }
            if let text = ProcessTable.environment(of: entry.pid, Cookie.variable), let cookie = Cookie(text) {
                return Found(pid: entry.pid, name: entry.name, cookie: cookie)
            }
            return Self.role(entry.pid).map { Found(pid: entry.pid, name: entry.name, role: $0) }
        }
    }

    /// By its command line, which it has from its first moment; the name for `ps` comes later, and is cut.
    private static func role(_ pid: pid_t) -> String? {
        guard let bytes = ProcessTable.read("/proc/\(pid)/cmdline") else { return nil }
        let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        guard words.count > 2 else { return nil }
        switch (words[1], words[2]) {
        case ("controller", "run") where words.count > 3: return "the process of controller \(words[3])"
        case ("controller", "keep") where words.count > 3: return "the keeper of controller \(words[3])"
        case ("timer", "--inherited"): return "the timer"
        case ("notifier", "--inherited"): return "the notifier"
        default: return nil
        }
    }

    /// Processes of which there should be one, and there are several: those that hold no lock, though they should. It
    /// takes a few seconds until they have ended.
    public func surplus() -> [Found] {
        let daemons = alive().filter { $0.role != nil }
        return Dictionary(grouping: daemons) { $0.role }.values.flatMap { alike -> [Found] in
            // A child that is just being started is its parent's double until it is another program.
            let pids = Set(alike.map(\.pid))
            let grown = alike.filter { found in
                ProcessTable.entry(of: found.pid).map { !pids.contains($0.parent) } ?? false
            }
            return grown.count > 1 ? grown : []
        }.sorted { $0.pid < $1.pid }
    }

    /// Ends all of them: controllers, keepers, the timer and the notifier at once and first, for they start each other again; then the
    /// rest, with SIGTERM and a grace period.
    ///
    /// - Returns: those that do not end.
    public func endAll(gracePeriodSeconds: Double = 10) async -> [Found] {
        let clock = ContinuousClock()
        let begun = clock.now
        var asked: Set<pid_t> = []
        while clock.now - begun < .seconds(gracePeriodSeconds + 5) {
            let found = alive()
            if found.isEmpty { return [] }
            let isGracious = clock.now - begun < .seconds(gracePeriodSeconds)
            for process in found {
                if process.cookie == nil || !isGracious {
                    kill(process.pid, SIGKILL)
                } else if asked.insert(process.pid).inserted {
                    kill(process.pid, SIGTERM)
                }
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return alive()
    }

    /// Takes the lease and the keeper's lock of every controller, so that none is started meanwhile.
    ///
    /// - Returns: nil when somebody holds one.
    public func lockControllers() throws -> HomeLocks? {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: home.run)) ?? []
        var held: [HomeLocks.Held] = []
        for file in files.sorted() where file.hasSuffix(".lease") || file.hasSuffix(".keeper") {
            guard let lock = try FileLock.attempt("\(home.run)/\(file)") else { return nil }
            held.append(HomeLocks.Held(lock))
        }
        return HomeLocks(held)
    }
}

/// The locks of every controller of a home, held until they are released.
public final class HomeLocks: Sendable {
    private let held: Mutex<[Held]>

    fileprivate init(_ held: [Held]) { self.held = Mutex(held) }

    public func release() { held.withLock { $0 = [] } }

    /// An array takes no noncopyable elements.
    fileprivate final class Held: Sendable {
        private let lock: FileLock
        init(_ lock: consuming FileLock) { self.lock = lock }
    }
}
