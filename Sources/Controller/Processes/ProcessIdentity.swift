import CLinux
import Foundation
import Lifecycle

/// A process on this machine that cannot be mistaken for a later one with the same number: number,
/// start time and boot.
struct ProcessIdentity: Hashable, Sendable {
    var pid: pid_t
    /// Clock ticks after boot at which it started (field 22 of `/proc/PID/stat`).
    var startTicks: UInt64
    var boot: String

    /// `local:PID:TICKS:BOOT`.
    var handle: Handle { Handle(rawValue: "local:\(pid):\(startTicks):\(boot)") }

    init(pid: pid_t, startTicks: UInt64, boot: String) {
        self.pid = pid
        self.startTicks = startTicks
        self.boot = boot
    }

    init?(_ handle: Handle) {
        let parts = handle.rawValue.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "local", let pid = pid_t(parts[1]), let ticks = UInt64(parts[2]) else {
            return nil
        }
        self.init(pid: pid, startTicks: ticks, boot: String(parts[3]))
    }

    /// This process.
    static var current: ProcessIdentity {
        ProcessIdentity(
            pid: getpid(), startTicks: ProcessTable.entry(of: getpid())?.startTicks ?? 0, boot: Boot.current)
    }
}

/// Which boot this is. A container that is started again keeps the kernel's boot id while all its
/// processes are gone, so the start of its first process is part of it.
enum Boot {
    static let current: String = {
        let id = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? "unknown"
        let first = ProcessTable.entry(of: 1)?.startTicks ?? 0
        return id.trimmingCharacters(in: .whitespacesAndNewlines) + "+\(first)"
    }()
}

extension ProcessIdentity {
    /// Whether the process lives: the one meant, not one that got its number later.
    var isAlive: Bool {
        guard boot == Boot.current, let entry = ProcessTable.entry(of: pid) else { return false }
        return entry.startTicks == startTicks && entry.isAlive
    }

    /// Returns when the process has ended, or the task is cancelled. Uses no CPU while waiting.
    func waitUntilEnded() async {
        // Opened first and then compared: a number that was given away before was given away for good.
        let raw = clinux_pidfd_open(pid)
        guard raw >= 0 else { return await pollUntilEnded() }
        let descriptor = Descriptor(owning: raw)
        guard isAlive else { return }
        for await _ in Readiness.of(descriptor, once: true) {}
    }

    /// Returns when the process has ended, after `limit`, or when the task is cancelled.
    ///
    /// - Returns: whether it has ended.
    @discardableResult
    func waitUntilEnded(within limit: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await waitUntilEnded()
                return !Task.isCancelled
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    /// For when no pidfd is to be had: the descriptors are used up, or the kernel is old.
    private func pollUntilEnded() async {
        while isAlive, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(100)) }
    }
}
