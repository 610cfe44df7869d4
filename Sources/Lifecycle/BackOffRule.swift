/// How long to wait before something that keeps failing is tried again: exponential, with a jitter
/// that is drawn from what fails and how often, so that many services that failed together do not
/// come back together, and yet every replay sees the same wait.
public enum BackOffRule {
    /// What ran this long has not failed "in a row" when it fails.
    public static let steadyMicroseconds: Int64 = 60_000_000

    /// Seconds before a replica is launched after `failures` in a row: at once after the first, for
    /// somebody is being served; then about 1, 2, 4 … up to 300.
    static func replicaSeconds(service: ServiceName, failures: Int) -> Double {
        seconds(base: 1, cap: 300, failures: failures &- 1, seed: service.rawValue)
    }

    /// Seconds before the load balancer is launched again: at once after the first failure, for it is
    /// the way in; then about 0.5, 1, 2 … up to 30.
    static func loadBalancerSeconds(service: ServiceName, failures: Int) -> Double {
        seconds(base: 0.5, cap: 30, failures: failures &- 1, seed: service.rawValue)
    }

    /// Seconds before a removal that left something alive is tried again: about 1, 2, 4 … up to 60.
    static func cleanupSeconds(service: ServiceName, attempts: Int) -> Double {
        seconds(base: 1, cap: 60, failures: attempts, seed: service.rawValue)
    }

    /// Seconds from a start of a controller that failed to the next: about 1, 2, 4 … up to 300.
    static func startSeconds(controller: ControllerName, failures: Int) -> Double {
        seconds(base: 1, cap: 300, failures: failures, seed: controller.rawValue)
    }

    /// Seconds before a receiver of notices that could not be told is tried again: about 1, 2, 4 … up to 300.
    public static func noticeSeconds(receiver: String, failures: Int) -> Double {
        seconds(base: 1, cap: 300, failures: failures, seed: receiver)
    }

    private static func seconds(base: Double, cap: Double, failures: Int, seed: String) -> Double {
        guard failures > 0 else { return 0 }
        var wait = base
        for _ in 1..<Swift.max(1, Swift.min(failures, 64)) where wait < cap { wait *= 2 }
        return Swift.min(wait, cap) * (0.8 + 0.4 * fraction(seed, failures))
    }

    /// A number in 0..<1 that depends on nothing but its arguments (FNV-1a).
    private static func fraction(_ seed: String, _ failures: Int) -> Double {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in seed.utf8 { mix(byte) }
        for shift in stride(from: 0, to: 64, by: 8) { mix(UInt8(truncatingIfNeeded: failures >> shift)) }
        return Double(hash >> 11) / Double(UInt64(1) << 53)
    }
}
