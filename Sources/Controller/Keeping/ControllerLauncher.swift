import EventLog
import Foundation
import Lifecycle

/// Sees to it that controllers that have something to do have a process that does it.
///
/// Two locks for each controller. The *lease* is held by its controller process, so there is never more
/// than one. The *keeper lock* is held by its keeper. Whoever finds the lease free and the keeper lock
/// too starts a keeper and hands it the keeper lock, so that of many who look at once one starts it.
public struct ControllerLauncher: Sendable {
    let paths: ControllerPaths
    let environment: [String: String]

    public init(home: Home, controller: ControllerName, environment: [String: String]) {
        paths = ControllerPaths(home: home, controller: controller)
        self.environment = environment
    }

    /// Starts a keeper unless the controller has a process or a keeper already.
    ///
    /// - Throws: ``ControllerLaunchFailure``.
    public func ensureRunning() throws(ControllerLaunchFailure) {
        do {
            let limit = ContinuousClock.now + .seconds(2)
            while true {
                if try FileLock.attempt(paths.lease) != nil {
                    if let lock = try FileLock.attempt(paths.keeperLock) { return try startKeeper(lock) }
                    guard FileLock.holderIsDying(paths.keeperLock), ContinuousClock.now < limit else { return }
                } else {
                    // Either that lives starts the other again; both may have been killed a moment ago.
                    guard FileLock.holderIsDying(paths.lease), FileLock.holderIsDying(paths.keeperLock),
                        ContinuousClock.now < limit
                    else { return }
                }
                usleep(1_000)
            }
        } catch {
            throw ControllerLaunchFailure(controller: paths.controller, reason: "\(error)")
        }
    }

    /// Makes the folder that its processes write their log in.
    public func prepare() throws(ControllerLaunchFailure) {
        do {
            try paths.home.makeDirectory(paths.logDirectory)
        } catch {
            throw ControllerLaunchFailure(controller: paths.controller, reason: "\(error)")
        }
    }

    /// Whether no controller process lives. Looking takes the lease for a moment; whoever wants it then
    /// waits for it, so nobody is turned away by a look.
    public func isLeaseFree() throws(ControllerLaunchFailure) -> Bool {
        do {
            return try FileLock.attempt(paths.lease) != nil
        } catch {
            throw ControllerLaunchFailure(controller: paths.controller, reason: "\(error)")
        }
    }

    /// Whether no keeper lives, looked at in the same way.
    func isKeeperLockFree() throws(ControllerLaunchFailure) -> Bool {
        do {
            return try FileLock.attempt(paths.keeperLock) != nil
        } catch {
            throw ControllerLaunchFailure(controller: paths.controller, reason: "\(error)")
        }
    }

    /// Number of the controller's process if it is suspended (SIGSTOP, a debugger): it lives and does nothing.
    public func suspendedProcess(_ state: ControllerState) -> Int32? {
        guard let identity = state.process.flatMap({ ProcessIdentity(Handle(rawValue: $0)) }),
            let entry = ProcessTable.entry(of: identity.pid), entry.startTicks == identity.startTicks,
            entry.state == "T" || entry.state == "t"
        else { return nil }
        return entry.pid
    }

    /// Starts a keeper that holds `lock` from its first moment on.
    func startKeeper(_ lock: consuming FileLock) throws {
        try start("keep", inheriting: lock)
    }

    /// Starts a controller process that holds `lease` from its first moment on.
    func startController(_ lease: borrowing FileLock) throws -> ProcessIdentity {
        try start("run", inheriting: lease)
    }

    @discardableResult
    private func start(_ what: String, inheriting lock: borrowing FileLock) throws -> ProcessIdentity {
        let pid = try HomeProcess(
            home: paths.home, environment: environment, command: ["controller", what, paths.controller.rawValue],
            log: paths.controllerLog
        ).start(inheriting: lock)
        return ProcessIdentity(
            pid: pid, startTicks: ProcessTable.entry(of: pid)?.startTicks ?? 0, boot: Boot.current)
    }
}

/// Why a controller could not be given a process, in words.
public struct ControllerLaunchFailure: Error, CustomStringConvertible {
    public var controller: ControllerName
    public var reason: String

    public var description: String { "cannot start controller \(controller): \(reason)" }
}
