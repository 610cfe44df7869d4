import Lifecycle

/// Two clocks that only move when told to, and may be made to misbehave as real ones do.
struct SimulatedClock {
    private(set) var wallMicroseconds: Int64 = 1_800_000_000_000_000
    private(set) var bootMicroseconds: Int64 = 50_000_000
    private var boots = 1

    var now: Instant {
        Instant(wallMicroseconds: wallMicroseconds, bootMicroseconds: bootMicroseconds, bootID: "boot-\(boots)")
    }

    mutating func advance(_ microseconds: Int64) {
        wallMicroseconds += microseconds
        bootMicroseconds += microseconds
    }

    /// Somebody sets the wall clock.
    mutating func jump(_ microseconds: Int64) { wallMicroseconds += microseconds }

    /// The machine is off for a while and boots again.
    ///
    /// - Parameter upMicroseconds: how long it has been up by the time anything of dwell sees that.
    mutating func reboot(offMicroseconds: Int64, upMicroseconds: Int64) {
        wallMicroseconds += offMicroseconds + upMicroseconds
        bootMicroseconds = upMicroseconds
        boots += 1
    }
}
