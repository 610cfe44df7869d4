import Controller
import EventLog
import Lifecycle

/// Sees to it, for a command that waits for a controller, that the wait is not in vain: that the controller
/// has a process, that the process is not suspended, and that there is room to record what it does.
struct ControllerWatch {
    let session: Session
    let controller: ControllerName
    private let begun = ContinuousClock.now
    private var saidSuspended = false

    /// A process may be suspended for a moment by whoever looks at it.
    private static let patience = Duration.seconds(2)

    init(_ session: Session, _ controller: ControllerName) {
        self.session = session
        self.controller = controller
    }

    /// - Parameter state: the controller's, just read.
    /// - Throws: ``CommandFailure`` when the disk is full, or no process can be started.
    mutating func look(_ state: ControllerState) throws(CommandFailure) {
        try session.refuseFullDisk()
        try session.ensureRunning(controller)
        guard !saidSuspended, ContinuousClock.now - begun > Self.patience,
            let pid = session.launcher(controller).suspendedProcess(state)
        else { return }
        saidSuspended = true
        print(
            "the process of controller \(controller) is suspended (SIGSTOP) and does nothing; let it go on: kill -CONT \(pid)",
            to: .error)
    }
}
