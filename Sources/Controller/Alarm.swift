import CLinux
import Foundation
import Lifecycle

/// A timer of the kernel that wakes the controller exactly when its earliest deadline is due. It runs on
/// the boot clock, which no one can set and which goes on while the machine sleeps; deadlines of an
/// earlier boot have been carried over to it by the time they get here. Nothing is polled.
struct Alarm: Sendable {
    private let timer: CInt
    /// Ticks when a deadline may be due.
    let ticks: AsyncStream<Void>

    init() throws(SystemError) {
        timer = clinux_timer(CLOCK_BOOTTIME)
        guard timer >= 0 else { throw SystemError("timerfd_create") }
        ticks = Readiness.of(Descriptor(owning: timer))
    }

    /// Ticks when somebody sets the wall clock. It moves no deadline, but times of the week go by it. Empty where the
    /// kernel does not tell: then it is noticed at the next wake.
    static var clockIsSet: AsyncStream<Void> {
        let watch = clinux_wall_clock_watch()
        return watch >= 0 ? Readiness.of(Descriptor(owning: watch)) : AsyncStream { $0.finish() }
    }

    /// Sets the timer for the earliest of these, or for none.
    func arm(_ deadlines: [Deadline]) {
        let earliest = deadlines.map(\.bootMicroseconds).min()
        // Zero would disarm it; a microsecond after the boot is as overdue.
        clinux_timer_set(timer, earliest.map { max(1, $0) } ?? 0)
    }
}
