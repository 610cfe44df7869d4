import EventLog
import Foundation

/// What a machine can lack for a while: room on a disk, descriptors, memory, processes. A launch that fails for it says
/// nothing of the service, and would succeed once somebody has made room.
enum MachineShortage {
    private static let codes: Set<CInt> = [ENOSPC, EDQUOT, EMFILE, ENFILE, EAGAIN, ENOMEM, EROFS, EIO]

    static func isTold(by code: CInt?) -> Bool { code.map(codes.contains) ?? false }

    static func isTold(by error: any Error) -> Bool {
        switch error {
        case let error as SystemError: isTold(by: error.code)
        case let failure as HomeFailure: isTold(by: failure.code)
        default: false
        }
    }

    /// Whether another program, such as git, says so in the C library's words.
    static func isTold(in text: String) -> Bool { codes.contains { text.contains(String(cString: strerror($0))) } }
}

extension LaunchFailure {
    /// What came of a call that failed: tried again where the machine lacks something, and refused otherwise.
    ///
    /// - Parameter what: what of the service file it was for.
    init(_ what: String? = nil, of error: any Error) {
        if let failure = error as? LaunchFailure {
            self = failure
            return
        }
        let reason = [what, "\(error)"].compactMap(\.self).joined(separator: ": ")
        self = MachineShortage.isTold(by: error) ? .unreachable(reason) : .refused(reason)
    }
}
