import Foundation

/// How long to wait before a process that keeps dying is started again.
enum QuickDeaths {
    /// A process that lived shorter than this died quickly.
    private static let quickDeathSeconds: Double = 1

    /// Quick deaths in a row, when one that began at `start` has died now.
    static func count(after deaths: Int, livedSince start: ContinuousClock.Instant) -> Int {
        ContinuousClock.now - start < .seconds(quickDeathSeconds) ? deaths + 1 : 0
    }

    /// Blocks the thread. The first restart is immediate, for somebody is being served; the next waits are 0.2, 0.4 and
    /// 0.8 s: long enough that one that cannot live takes little of the machine, short enough that nobody notices.
    static func pause(after deaths: Int) {
        guard deaths > 1 else { return }
        usleep(UInt32(0.05 * Double(1 << min(deaths, 4)) * 1_000_000))
    }
}
