import CLinux
import Foundation
import Lifecycle

/// Two timers of the kernel that wake the controller exactly when its earliest deadline is due: one on
/// the boot clock, for deadlines set on this boot, and one on the wall clock, for those set before a
/// reboot, which also ticks when somebody sets that clock. Nothing is polled.
struct Alarm: Sendable {
    private let boot: CInt
    private let wall: CInt
    /// Ticks when a deadline may be due.
    let ticks: [AsyncStream<Void>]

    init() throws(SystemError) {
        let boot = clinux_timer(CLOCK_BOOTTIME)
        guard boot >= 0 else { throw SystemError("timerfd_create") }
        let wall = clinux_timer(CLOCK_REALTIME)
        guard wall >= 0 else { throw SystemError("timerfd_create") }
        self.boot = boot
        self.wall = wall
        ticks = [Readiness.of(Descriptor(owning: boot)), Readiness.of(Descriptor(owning: wall))]
    }

    /// Sets the timers for the earliest of these.
    func arm(_ pending: [PendingDeadline], bootID: String) {
        let onThisBoot = pending.filter { $0.deadline.bootID == bootID }.map(\.deadline.bootMicroseconds).min()
        let onAnother = pending.filter { $0.deadline.bootID != bootID }.map(\.deadline.wallMicroseconds).min()
        // Zero would disarm the timer; a microsecond after the beginning of time is as overdue.
        clinux_timer_set(boot, onThisBoot.map { max(1, $0) } ?? 0, 0)
        clinux_timer_set(wall, onAnother.map { max(1, $0) } ?? 0, 1)
    }
}
