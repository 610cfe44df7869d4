import CLinux
import Foundation
import Lifecycle

/// A number that every process of a replica or load balancer carries from birth, that its children
/// inherit, and that no program drops by accident.
///
/// It is kept where the kernel keeps a limit that it has not looked at since 2.4: the soft limit on file
/// locks (`RLIMIT_LOCKS`; `ulimit -x` shows it). A limit passes through fork, exec, `setsid`, `env -i`,
/// `sudo` and the death of every ancestor, takes no privilege to set, and can be read from outside, which
/// is true of nothing else: an environment is dropped, a session and a parent are left, a cgroup takes a
/// delegated hierarchy, and a process namespace changes what the user's program sees.
struct ProcessMark: Hashable, Sendable, RawRepresentable {
    /// Bit 62 is set, bits 28 to 61 say which controller of which log, bits 0 to 27 which generation.
    let rawValue: UInt64

    private static let signature: UInt64 = 1 << 62
    private static let generationBits: UInt64 = 28

    /// Nil for a limit that is no mark.
    init?(rawValue: UInt64) {
        // The largest number of 63 bits stands for no limit at all in some programs.
        guard rawValue & (3 << 62) == Self.signature, rawValue != UInt64.max >> 1 else { return nil }
        self.rawValue = rawValue
    }

    /// The mark of what has this cookie.
    init(_ cookie: Cookie) {
        self.init(logID: cookie.logID, controller: cookie.controller, generation: cookie.generation)
    }

    /// The mark of what the event of version `generation` in the controller's stream added.
    init(logID: String, controller: ControllerName, generation: Int) {
        self.init(owner: Cookie.prefix(logID: logID, controller: controller), generation: generation)
    }

    /// The mark of what is run for a receiver of notices.
    init(logID: String, receiver: String) {
        // No controller's name has a space in it.
        self.init(owner: "\(logID):notify \(receiver)", generation: 0)
    }

    private init(owner: String, generation: Int) {
        // FNV-1a, folded. Two controllers of one machine share a prefix with a chance of 1 in 2^34.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in owner.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let controller = (hash ^ (hash >> 34)) & ((1 << 34) - 1)
        let generation = UInt64(truncatingIfNeeded: generation) & ((1 << Self.generationBits) - 1)
        rawValue = Self.signature | controller << Self.generationBits | generation
    }

    /// Whether both are of one controller.
    func isOfSameController(as other: ProcessMark) -> Bool {
        rawValue >> Self.generationBits == other.rawValue >> Self.generationBits
    }

    /// The mark a process carries, if it carries one.
    static func of(_ pid: pid_t) -> ProcessMark? {
        var value: UInt64 = 0
        if clinux_lock_limit(pid, &value) == 0 { return ProcessMark(rawValue: value) }
        // Of another user, as a child of `sudo` is: everybody may read the file.
        guard errno == EPERM, let bytes = ProcessTable.read("/proc/\(pid)/limits") else { return nil }
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: Self.limitsLine) {
            let words = line.dropFirst(Self.limitsLine.count).split(separator: UInt8(ascii: " "))
            return words.first.flatMap { UInt64(String(decoding: $0, as: UTF8.self)) }.flatMap(Self.init(rawValue:))
        }
        return nil
    }

    private static let limitsLine = Array("Max file locks".utf8)

    /// Runs `body`, and whatever process it starts carries `mark`, or none. Only one of these runs at a
    /// time, by the care of ``Spawn``.
    static func inherited<Value>(_ mark: ProcessMark?, _ body: () -> Value) -> Value {
        var own: UInt64 = UInt64.max
        _ = clinux_lock_limit(0, &own)
        // Where the limit may not be set, the cookie in the environment has to do.
        _ = clinux_set_lock_limit(mark?.rawValue ?? UInt64.max)
        defer { _ = clinux_set_lock_limit(own) }
        return body()
    }
}
