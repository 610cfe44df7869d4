import CLinux
import Foundation

/// The processes that belong to one replica or load balancer: whoever carries its mark or its cookie, the
/// session of its leader, and the descendants of all these. The mark alone finds them all where the
/// kernel lets it be set; the others are for where it does not.
struct ProcessTree: Sendable {
    var mark: ProcessMark
    /// Nil for processes that are known by their mark alone.
    var cookie: Cookie?
    /// The leader, where it is known.
    var leader: ProcessIdentity?

    init(cookie: Cookie, leader: ProcessIdentity? = nil) {
        mark = ProcessMark(cookie)
        self.cookie = cookie
        self.leader = leader
    }

    init(mark: ProcessMark) {
        self.mark = mark
    }

    /// Those that are alive.
    func alive() async -> [ProcessTable.Entry] {
        members(of: await ProcessLook.now())
    }

    /// Those of `look` that belong here.
    func members(of look: ProcessLook) -> [ProcessTable.Entry] {
        let text = cookie?.description
        var members: Set<pid_t> = []
        for seen in look.alive {
            if seen.mark == mark || (text != nil && seen.cookie == text) || isInSession(seen.entry, look) {
                members.insert(seen.entry.pid)
            }
        }
        var grew = !members.isEmpty
        while grew {
            grew = false
            for seen in look.alive where members.contains(seen.entry.parent) {
                grew = members.insert(seen.entry.pid).inserted || grew
            }
        }
        return look.alive.map(\.entry).filter { members.contains($0.pid) }
    }

    /// A session keeps its number after its leader has ended, and the kernel does not give that number
    /// to a new process while the session has members; but once it is empty, it may. Members of the
    /// leader's own session started no earlier than the leader, and if a process bears the number now,
    /// it must be the leader itself.
    private func isInSession(_ entry: ProcessTable.Entry, _ look: ProcessLook) -> Bool {
        guard let leader, leader.boot == Boot.current, entry.session == leader.pid,
            entry.startTicks >= leader.startTicks
        else { return false }
        let bearer = look.startTicks(of: leader.pid)
        return bearer == nil || bearer == leader.startTicks
    }
}

extension ProcessTree {
    /// Ends all of them: SIGTERM, then SIGKILL for what is left after the grace period, then a look
    /// that nothing is left. Processes born meanwhile are found by the next look.
    ///
    /// - Returns: what could not be ended, in words; nil when nothing is left.
    func end(gracePeriodSeconds: Double, killPeriodSeconds: Double = 5) async -> String? {
        // One that is stopped hears SIGTERM only when it is continued.
        if await signal([SIGTERM, SIGCONT], forSeconds: gracePeriodSeconds) { return nil }
        // All are stopped before the first is killed, so that none can fork a successor meanwhile; and each
        // look kills, so that those who outran the last one do not gain by it.
        if await signal([SIGSTOP], forSeconds: killPeriodSeconds, thenKill: true) { return nil }
        let left = await alive()
        return left.isEmpty ? nil : left.map { $0.whyItDoesNotEnd }.joined(separator: ", ")
    }

    /// Signals every member, also those that appear later, until none is left or the time is over. With
    /// `thenKill`, all there are get SIGKILL as soon as a look finds no new one.
    private func signal(_ numbers: [CInt], forSeconds seconds: Double, thenKill: Bool = false) async -> Bool {
        let clock = ContinuousClock()
        let begun = clock.now
        var signalled: Set<ProcessTable.Entry.ID> = []
        while true {
            let members = await alive()
            if members.isEmpty { return true }
            var isAnyNew = false
            for member in members where signalled.insert(member.id).inserted {
                isAnyNew = true
                member.signal(numbers)
            }
            let elapsed = clock.now - begun
            let isLast = elapsed >= .seconds(seconds)
            if thenKill, !isAnyNew || elapsed > .seconds(seconds / 2) {
                for member in members { member.signal([SIGKILL]) }
            }
            if isLast { return false }
            // At once while there are new ones to be stopped; otherwise late by a quarter at most. A removal
            // that is cancelled goes on without pauses rather than stopping half way.
            if thenKill, isAnyNew { continue }
            await Self.wait(forEndOf: members, atMost: min(max(elapsed / 4, .milliseconds(10)), .milliseconds(50)))
        }
    }

    /// Until all these have ended, which the kernel tells: a look that finds them gone costs a few files for each process
    /// of the machine, and is taken once they are.
    private static func wait(forEndOf members: [ProcessTable.Entry], atMost limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        for member in members {
            let left = ContinuousClock.now.duration(to: deadline)
            guard await member.identity.waitUntilEnded(within: left) else { return }
        }
    }
}

extension ProcessTable.Entry {
    fileprivate var identity: ProcessIdentity { ProcessIdentity(pid: pid, startTicks: startTicks, boot: Boot.current) }

    /// Signals this process, and no later one that bears its number.
    fileprivate func signal(_ numbers: [CInt]) {
        let raw = clinux_pidfd_open(pid)
        guard raw >= 0 else {
            // No pidfd is to be had (the descriptors are used up), or it has ended.
            if errno != ESRCH, ProcessTable.entry(of: pid)?.id == id { for number in numbers { kill(pid, number) } }
            return
        }
        let descriptor = Descriptor(owning: raw)
        guard ProcessTable.entry(of: pid)?.id == id else { return }
        for number in numbers { _ = clinux_pidfd_send_signal(descriptor.raw, number) }
    }

    fileprivate var whyItDoesNotEnd: String {
        let process = "process \(pid) (\(name))"
        if kill(pid, 0) != 0, errno == EPERM {
            return "\(process) belongs to another user and may not be ended by this one"
        }
        return state == "D"
            ? "\(process) does not end: it waits for a device or file system (state D)"
            : "\(process) does not end (state \(state))"
    }
}
