import Dispatch
import EventLog
import Foundation
import Logging
import Synchronization

/// A controller process's proof that it is the only one. Held until the process ends, and let go by nothing else: a
/// keeper that gets it while the process still ends would end too, and be missed.
///
/// Its file may be removed, and another process have the next one's; see ``KeptLock``, and ``ControllerLoop/Standing``
/// for what follows from it.
public final class Lease: Sendable {
    private let lock: KeptLock
    private let paths: ControllerPaths

    /// Takes the lease.
    ///
    /// - Parameter inherited: the parent holds it already and has handed it over as descriptor 3.
    /// - Returns: nil when another controller process has it.
    public init?(_ paths: ControllerPaths, inherited: Bool) throws {
        self.paths = paths
        if inherited {
            let taken = try FileLock(inherited: Spawn.inheritedNumber, of: paths.lease)
            lock = KeptLock(taken, of: paths.lease)
        } else {
            guard let taken = try Self.attempt(paths.lease) else { return nil }
            lock = KeptLock(taken, of: paths.lease)
        }
        Self.held.withLock { $0.append(self) }
    }

    private static let held = Mutex<[Lease]>([])

    /// Whether it is still this process's.
    var isKept: Bool { lock.isKept() }

    /// Somebody who only looks whether the lease is free holds it for a moment, which is waited out.
    private static func attempt(_ path: String) throws -> FileLock? {
        for _ in 0..<20 {
            if let lock = try FileLock.attempt(path) { return lock }
            usleep(10_000)
        }
        return nil
    }

    /// Starts another keeper whenever the one there is dies. Waits in `flock` on a thread of its own,
    /// which costs nothing until then.
    public func watchKeeper(_ launcher: ControllerLauncher, _ logger: Logger) {
        let path = paths.keeperLock
        let thread = Thread {
            var quickDeaths = 0
            while true {
                let begun = ContinuousClock.now
                do {
                    let lock = try FileLock.wait(path)
                    quickDeaths = QuickDeaths.count(after: quickDeaths, livedSince: begun)
                    QuickDeaths.pause(after: quickDeaths)
                    logger.warning("the keeper died; starting another")
                    try launcher.startKeeper(lock)
                } catch {
                    logger.error("no keeper: \(error)")
                    sleep(1)
                }
            }
        }
        thread.stackSize = 256 * 1024
        thread.start()
    }
}
