import Foundation

/// A file descriptor that closes itself.
struct Descriptor: ~Copyable, Sendable {
    let raw: CInt

    /// Takes over an open descriptor.
    init(owning raw: CInt) { self.raw = raw }

    deinit { close(raw) }

    /// Gives the descriptor up without closing it.
    consuming func release() -> CInt {
        let raw = raw
        discard self
        return raw
    }
}

extension Descriptor {
    /// Writes all of it. Not FileHandle's way, whose failures are pages long.
    func write(_ data: Data, to path: String) throws(SystemError) {
        var written = 0
        while written < data.count {
            let count = data.withUnsafeBytes { bytes in
                Foundation.write(raw, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw SystemError("write \(path)")
            }
        }
    }
}

/// A system call that failed, in words.
struct SystemError: Error, CustomStringConvertible {
    var call: String
    var code: CInt

    /// What `errno` tells of `call`.
    init(_ call: String, code: CInt = errno) {
        self.call = call
        self.code = code
    }

    var description: String { "\(call): \(String(cString: strerror(code)))" }
}
