import Dispatch
import Foundation
import Synchronization

/// One look at the processes of this machine: who is alive, and whose they are.
struct ProcessLook: Sendable {
    struct Seen: Sendable {
        var entry: ProcessTable.Entry
        var mark: ProcessMark?
        /// The text of its cookie.
        var cookie: String?
    }

    /// Those that are alive.
    let alive: [Seen]
    /// All, also zombies: a number that a zombie bears is taken.
    private let startTicks: [pid_t: UInt64]

    /// Threads of the kernel, with their start: most of what is in `/proc` of a small machine, and nobody's.
    typealias KernelThreads = [ProcessTable.Folder: UInt64]

    /// - Parameter kernelThreads: those that are known, and then those that there are.
    private init(_ kernelThreads: inout KernelThreads) {
        var alive: [Seen] = []
        var startTicks: [pid_t: UInt64] = [:]
        var known: KernelThreads = [:]
        defer { kernelThreads = known }
        for folder in ProcessTable.folders() {
            let pid = folder.pid
            if let ticks = kernelThreads[folder] {
                known[folder] = ticks
                startTicks[pid] = ticks
                continue
            }
            guard let entry = ProcessTable.entry(of: pid) else { continue }
            startTicks[pid] = entry.startTicks
            // 1 stands for an inode that could not be made.
            if entry.isOfKernel, folder.inode > 1 { known[folder] = entry.startTicks }
            // This process belongs to nobody: while it starts another it carries the other's mark.
            guard entry.isAlive, !entry.isOfKernel, pid != getpid() else { continue }
            alive.append(
                Seen(
                    entry: entry, mark: ProcessMark.of(pid),
                    cookie: ProcessTable.environment(of: pid, Cookie.variable)))
        }
        self.alive = alive
        self.startTicks = startTicks
    }

    /// When the process that bears this number now was started; nil when none does.
    func startTicks(of pid: pid_t) -> UInt64? { startTicks[pid] }

    /// A look that begins after this call. It costs a few files for each process of the machine, so those
    /// who ask at the same time share one, and no second one begins while one is under way.
    static func now() async -> ProcessLook { await Lookout.shared.look() }

    private actor Lookout {
        static let shared = Lookout()

        private let queue = DispatchQueue(label: "dwell.processes")
        private let kernelThreads = Mutex<KernelThreads>([:])
        private var underWay: Task<ProcessLook, Never>?
        private var next: Task<ProcessLook, Never>?

        func look() async -> ProcessLook {
            // One that has begun may have passed over what was born since, so it is the next that counts.
            if let next { return await next.value }
            let task = Task { [before = underWay] in
                _ = await before?.value
                self.begin()
                return await self.read()
            }
            next = task
            return await task.value
        }

        private func begin() {
            underWay = next
            next = nil
        }

        private func read() async -> ProcessLook {
            await withCheckedContinuation { continuation in
                queue.async {
                    continuation.resume(returning: self.kernelThreads.withLock { ProcessLook(&$0) })
                }
            }
        }
    }
}
