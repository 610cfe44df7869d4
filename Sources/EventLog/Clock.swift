import Foundation
import Lifecycle

/// Reads the machine's clocks.
public enum Clock {
    /// This moment on the wall clock and the boot clock.
    ///
    /// - Throws: ``LogFailure/noBootID`` where the kernel does not tell which boot this is.
    public static func now() throws(LogFailure) -> Instant {
        Instant(
            wallMicroseconds: microseconds(CLOCK_REALTIME),
            bootMicroseconds: microseconds(CLOCK_BOOTTIME),
            bootID: try currentBootID.get())
    }

    /// Read once: it cannot change while this process lives.
    private static let currentBootID: Result<String, LogFailure> = {
        guard let text = HomeFile.text("/proc/sys/kernel/random/boot_id") else { return .failure(.noBootID) }
        // Not by Foundation, which looks at what its text conforms to: a quarter of a process's first append.
        return .success(String(text.prefix { !$0.isWhitespace }))
    }()

    /// How far the boot clock that the kernel shows this process is ahead of the machine's: one may have a time namespace
    /// of its own (time_namespaces(7)). Deadlines go by the clock that the process is shown, as everything in such a
    /// namespace does; which process is which must not.
    public static let namespaceMicroseconds: Int64 = {
        guard let text = HomeFile.text("/proc/self/timens_offsets") else { return 0 }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            // By name, or by the clock's number in older kernels.
            guard words.count == 3, words[0] == "boottime" || words[0] == "\(CLOCK_BOOTTIME)",
                let seconds = Int64(words[1]), let nanoseconds = Int64(words[2])
            else { continue }
            return seconds &* 1_000_000 &+ nanoseconds / 1_000
        }
        return 0
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
