import CLinux
import Foundation

/// The processes that belong to one replica or load balancer: the session of its leader, whoever
/// carries its cookie in the environment, and the descendants of both. A process that leaves the
/// session keeps the cookie; one that drops the environment stays in the session; one that does both
/// is still somebody's child for as long as its parent lives.
struct ProcessTree: Sendable {
    var cookie: Cookie
    /// The leader, where it is known.
    var leader: ProcessIdentity?

    /// Those that are alive.
    func alive() -> [ProcessTable.Entry] {
        let table = ProcessTable.all()
        let text = cookie.description
        var members: Set<pid_t> = []
        for entry in table where entry.isAlive {
            if isInSession(entry, table) || ProcessTable.environment(of: entry.pid, Cookie.variable) == text {
                members.insert(entry.pid)
            }
        }
        var grew = !members.isEmpty
        while grew {
            grew = false
            for entry in table where entry.isAlive && members.contains(entry.parent) {
                grew = members.insert(entry.pid).inserted || grew
            }
        }
        return table.filter { members.contains($0.pid) && $0.isAlive }
    }

    /// A session keeps its number after its leader has ended, and the kernel does not give that number
    /// to a new process while the session has members; but once it is empty, it may. Members of the
    /// leader's own session started no earlier than the leader, and if a process bears the number now,
    /// it must be the leader itself.
    private func isInSession(_ entry: ProcessTable.Entry, _ table: [ProcessTable.Entry]) -> Bool {
        guard let leader, leader.boot == Boot.current, entry.session == leader.pid,
            entry.startTicks >= leader.startTicks
        else { return false }
        let bearer = table.first { $0.pid == leader.pid }
        return bearer == nil || bearer?.startTicks == leader.startTicks
    }

    /// Ends all of them: SIGTERM, then SIGKILL for what is left after the grace period, then a look
    /// that nothing is left. Processes born meanwhile are found by the next look.
    ///
    /// - Returns: what could not be ended, in words; nil when nothing is left.
    func end(gracePeriodSeconds: Double, killPeriodSeconds: Double = 5) async -> String? {
        if await signal(SIGTERM, forSeconds: gracePeriodSeconds) { return nil }
        if await signal(SIGKILL, forSeconds: killPeriodSeconds) { return nil }
        let left = alive()
        guard !left.isEmpty else { return nil }
        return left.map { "process \($0.pid) (\($0.name), state \($0.state)) does not end" }.joined(separator: ", ")
    }

    /// Signals every member, also those that appear later, until none is left or the time is over.
    private func signal(_ number: CInt, forSeconds seconds: Double) async -> Bool {
        let clock = ContinuousClock()
        let limit = clock.now + .seconds(seconds)
        var signalled: Set<ProcessTable.Entry.ID> = []
        var pause = Duration.milliseconds(1)
        while true {
            let members = alive()
            if members.isEmpty { return true }
            for member in members where signalled.insert(member.id).inserted { kill(member.pid, number) }
            if clock.now >= limit { return false }
            // A removal that is cancelled goes on without pauses rather than stopping half way.
            try? await Task.sleep(for: pause, clock: clock)
            pause = min(pause * 2, .milliseconds(40))
        }
    }
}

extension ProcessTable.Entry: Identifiable {
    struct ID: Hashable, Sendable {
        var pid: pid_t
        var startTicks: UInt64
    }

    var id: ID { ID(pid: pid, startTicks: startTicks) }
}
