import CLinux
import EventLog
import Foundation
import Lifecycle
import Logging

/// The parent of a controller process: starts it again when it dies, and ends when there is nothing to
/// run any more. It waits in `flock` on the lease, which the kernel gives it the moment the controller
/// process ends, so it neither polls nor needs to be the parent of the process it waits for.
///
/// Its own end is noticed the same way: the controller process waits on the keeper lock and starts
/// another keeper. Only when both are killed at once does nothing happen until the next `dwell` command.
public struct Keeper {
    let launcher: ControllerLauncher
    let log: EventLog
    let logger: Logger
    let author: Author

    /// After so many quick deaths in a row a controller that is starting is given up.
    private static let quickDeathsAllowed = 5

    public init(launcher: ControllerLauncher, log: EventLog, logger: Logger, author: Author) {
        self.launcher = launcher
        self.log = log
        self.logger = logger
        self.author = author
    }

    /// Keeps the controller until it needs no process. Takes over the keeper lock under `inherited`, or
    /// tries for it; returns at once when another keeper has it.
    public func keep(inherited: CInt?) throws {
        let path = launcher.paths.keeperLock
        var keeperLock =
            try inherited.map { raw throws in try FileLock(inherited: raw, of: path) } ?? FileLock.attempt(path)
        guard keeperLock != nil else { return }
        clinux_become_subreaper()
        // Orphans of the controller come to the keeper; nobody asks how they ended.
        signal(SIGCHLD, SIG_IGN)
        while let taken = keeperLock.take() {
            let kept = KeptLock(taken, of: path) { [logger] in
                logger.warning("\(path) was removed, and another keeper has the new one; this one ends")
                exit(0)
            }
            try keepUntilDone()
            kept.release()
            // An `up` between the last look and letting the lock go found a keeper and relied on it.
            guard try needsProcess() else { return }
            keeperLock = try FileLock.attempt(path)
        }
    }

    private func keepUntilDone() throws {
        var quickDeaths = 0
        while true {
            let lease = try FileLock.wait(launcher.paths.lease)
            guard try waitForItsTime() else { return }
            if quickDeaths > 1 { logger.warning("the controller process died \(quickDeaths) times in a row") }
            QuickDeaths.pause(after: quickDeaths)
            let startedAt = ContinuousClock.now
            let process = try launcher.startController(lease)
            logger.info("started controller process \(process.pid)")
            // Let it go here: the controller process has it now, and alone.
            _ = consume lease
            try waitForLease()
            quickDeaths = QuickDeaths.count(after: quickDeaths, livedSince: startedAt)
            if quickDeaths >= Self.quickDeathsAllowed { giveUpStarting() }
        }
    }

    /// Waits while the controller's start is held back: nothing of it runs until then.
    ///
    /// - Returns: whether it needs a process.
    private func waitForItsTime() throws -> Bool {
        var deadline: (generation: Int, until: Deadline)?
        while let state = try state(), state.needsProcess {
            guard let held = state.heldStart else { return true }
            let now = try Clock.now()
            // Of an earlier boot the wall clock tells what is left, once.
            if deadline?.generation != held.generation { deadline = (held.generation, held.until.carriedOver(to: now)) }
            let left = deadline?.until.remainingMicroseconds(at: now) ?? 0
            guard left > 0 else { return true }
            // It may be stopped meanwhile.
            usleep(UInt32(min(left, Self.lookMicroseconds)))
        }
        return false
    }

    private static let lookMicroseconds: Int64 = 200_000

    private func waitForLease() throws {
        _ = try FileLock.wait(launcher.paths.lease)
    }

    private func needsProcess() throws -> Bool { try state()?.needsProcess == true }

    private func state() throws -> ControllerState? {
        var pause: UInt32 = 100_000
        while true {
            do {
                return try log.state(of: launcher.paths.controller)
            } catch .busy {
                usleep(pause)
                pause = min(pause * 2, 5_000_000)
            } catch {
                throw error
            }
        }
    }

    private func giveUpStarting() {
        let died = "its process died \(Self.quickDeathsAllowed) times in a row"
        // What it says to people, and not what it notes for whoever looks for a mistake in it.
        let lines = LogTail.read(launcher.paths.controllerLog)?.split(separator: "\n") ?? []
        let said = lines.last { $0.hasPrefix("dwell: ") }.map { ": \($0.dropFirst("dwell: ".count))" }
        let reason = died + (said ?? "; what it wrote last: dwell logs \(launcher.paths.controller) --controller")
        do {
            try log.submit(.startFailed(reason: reason), to: launcher.paths.controller, by: author)
        } catch {
            logger.error("\(error)")
        }
    }
}
