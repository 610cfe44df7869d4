import Foundation
import Lifecycle

/// Reads the machine's clocks.
public enum Clock {
    /// This moment on the wall clock and the boot clock.
    ///
    /// - Throws: ``LogFailure/noBootID`` where the kernel does not tell which boot this is.
    public static func now() throws(LogFailure) -> Instant {
        Instant(
            wallMicroseconds: microseconds(CLOCK_REALTIME), bootMicroseconds: microseconds(CLOCK_BOOTTIME),
            bootID: try currentBootID.get())
    }

    /// Read once: it cannot change while this process lives.
    private static let currentBootID: Result<String, LogFailure> = {
        guard let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8) else {
            return .failure(.noBootID)
        }
        return .success(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }()

    private static func microseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}

extension TimeZones {
    /// By the system's zone data.
    public static let system = TimeZones { name, seconds in
        let zone = TimeZone(identifier: name) ?? .gmt
        return Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds))))
    }
}
