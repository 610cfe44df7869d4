import Lifecycle

/// Both clocks of a machine, moved by hand: time passes when a test says so, and no test waits for it.
public struct ManualClock: Hashable, Sendable {
    public private(set) var now: Instant
    private var boots = 1

    public init() {
        now = Instant(wallMicroseconds: 1_750_000_000_000_000, bootMicroseconds: 5_000_000, bootID: "boot-1")
    }

    /// Time passes, on both clocks alike.
    public mutating func advance(seconds: Double) {
        now.wallMicroseconds += Int64(seconds * 1e6)
        now.bootMicroseconds += Int64(seconds * 1e6)
    }

    /// Somebody sets the wall clock; the boot clock knows nothing of it.
    public mutating func setWallClock(forwardSeconds: Double) {
        now.wallMicroseconds += Int64(forwardSeconds * 1e6)
    }

    /// The machine is off for a while and boots again, under another boot id.
    public mutating func reboot(afterSeconds: Double = 30) {
        boots += 1
        now.wallMicroseconds += Int64(afterSeconds * 1e6)
        now.bootMicroseconds = 1_000_000
        now.bootID = "boot-\(boots)"
    }
}
