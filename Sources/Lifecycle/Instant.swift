/// One moment, read off both clocks at once. The core never reads a clock: moments come in as arguments.
///
/// The wall clock (`CLOCK_REALTIME`) is what people read and may jump; the boot clock
/// (`CLOCK_BOOTTIME`, which goes on while the machine sleeps) never jumps but means nothing beyond
/// the boot it belongs to, so it carries that boot's id.
public struct Instant: Hashable, Sendable, Codable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    public var wallMicroseconds: Int64
    /// Microseconds since the machine booted, sleep included.
    public var bootMicroseconds: Int64
    /// The boot that `bootMicroseconds` counts from (`/proc/sys/kernel/random/boot_id`).
    public var bootID: String

    public init(wallMicroseconds: Int64, bootMicroseconds: Int64, bootID: String) {
        self.wallMicroseconds = wallMicroseconds
        self.bootMicroseconds = bootMicroseconds
        self.bootID = bootID
    }
}

extension Instant {
    /// How long it is from here to a later moment, microseconds: by the boot clock, and where that is of another boot by
    /// the wall clock.
    func elapsedMicroseconds(until later: Instant) -> Int64 {
        bootID == later.bootID
            ? later.bootMicroseconds &- bootMicroseconds : later.wallMicroseconds &- wallMicroseconds
    }

    /// How far the wall clock was set since: by how much it has gone further than the boot clock, microseconds. Of another
    /// boot nobody can tell, and it is taken for 0.
    func wallClockMoved(at later: Instant) -> Int64 {
        guard bootID == later.bootID else { return 0 }
        return (later.wallMicroseconds &- later.bootMicroseconds) &- (wallMicroseconds &- bootMicroseconds)
    }
}

/// A moment to come, kept on both clocks so that neither a jump of the wall clock nor a reboot
/// moves it: on the boot it was set on, the boot clock decides; on any other, the wall clock, until the
/// first controller process of that boot has carried the deadline over to its boot clock.
public struct Deadline: Hashable, Sendable, Codable {
    public var wallMicroseconds: Int64
    public var bootMicroseconds: Int64
    public var bootID: String
    /// How long it was from the moment it was set, microseconds.
    public var spanMicroseconds: Int64

    public init(wallMicroseconds: Int64, bootMicroseconds: Int64, bootID: String, spanMicroseconds: Int64) {
        self.wallMicroseconds = wallMicroseconds
        self.bootMicroseconds = bootMicroseconds
        self.bootID = bootID
        self.spanMicroseconds = spanMicroseconds
    }

    /// The deadline `seconds` after `now`. Seconds beyond ``longestSeconds`` count as that, so that no
    /// number a person types can overflow.
    public init(seconds: Double, after now: Instant) {
        self.init(
            microseconds: Int64(Swift.max(0, Swift.min(seconds, Self.longestSeconds)) * 1_000_000), after: now)
    }

    /// The deadline `microseconds` after `now`; less than 0 for one that was due before, when nobody was there to see it.
    init(microseconds: Int64, after now: Instant) {
        let microseconds = Swift.min(microseconds, Int64(Self.longestSeconds * 1_000_000))
        self.init(
            wallMicroseconds: now.wallMicroseconds + microseconds,
            bootMicroseconds: now.bootMicroseconds + microseconds,
            bootID: now.bootID, spanMicroseconds: Swift.max(0, microseconds))
    }

    /// The same deadline on the clocks of `now`'s boot. The wall clock is asked this once for what is
    /// left, and believed unless it says more than the whole span: a clock that was set back meanwhile
    /// makes a deadline late by no more than its own length.
    public func carriedOver(to now: Instant) -> Deadline {
        guard bootID != now.bootID else { return self }
        let remaining = Swift.min(wallMicroseconds &- now.wallMicroseconds, spanMicroseconds)
        return Deadline(
            wallMicroseconds: now.wallMicroseconds &+ remaining, bootMicroseconds: now.bootMicroseconds &+ remaining,
            bootID: now.bootID, spanMicroseconds: spanMicroseconds)
    }

    /// The same deadline, or `seconds` after `now` where it would be over before.
    func noEarlier(than seconds: Double, after now: Instant) -> Deadline {
        let least = Deadline(seconds: seconds, after: now)
        guard remainingMicroseconds(at: now) < least.spanMicroseconds else { return self }
        return Deadline(
            wallMicroseconds: least.wallMicroseconds, bootMicroseconds: least.bootMicroseconds, bootID: now.bootID,
            spanMicroseconds: spanMicroseconds)
    }

    /// A hundred years.
    public static let longestSeconds: Double = 100 * 365 * 86_400

    /// What is left at `now`; zero or negative once it is due.
    public func remainingMicroseconds(at now: Instant) -> Int64 {
        bootID == now.bootID
            ? bootMicroseconds &- now.bootMicroseconds
            : wallMicroseconds &- now.wallMicroseconds
    }

    /// How far the wall clock was set since the deadline was worked out; see ``Instant/wallClockMoved(at:)``.
    public func wallClockMoved(at now: Instant) -> Int64 {
        Instant(wallMicroseconds: wallMicroseconds, bootMicroseconds: bootMicroseconds, bootID: bootID)
            .wallClockMoved(at: now)
    }

    /// How long ago it was due; nil while it is still to come.
    public func latenessMicroseconds(at now: Instant) -> Int64? {
        let remaining = remainingMicroseconds(at: now)
        return remaining <= 0 ? 0 &- remaining : nil
    }
}
