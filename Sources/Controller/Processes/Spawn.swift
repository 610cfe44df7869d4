import CLinux
import EventLog
import Foundation
import Synchronization

/// A process to start: in a session of its own, with default signals, nothing inherited but what is
/// said here.
struct Spawn {
    var executable: String
    var arguments: [String]
    var environment: [String: String]
    /// What it, and whatever it starts in turn, is known by; nil for what is nobody's.
    var cookie: Cookie?
    /// What it is known by beside a cookie, or without one; nil for the cookie's own.
    var mark: ProcessMark?
    var workingDirectory: String
    /// File that its output is appended to, mode 0600.
    var log: String
    /// A descriptor it gets as number 3.
    var inherited: CInt?

    /// Held while a child is being started: until then this process carries the mark of that child, and
    /// between clone and exec the child has every descriptor of this process. And while a port is tried, so
    /// that no child keeps the port of the one that is to get it.
    static let exclusion = Mutex(())

    /// This program itself, wherever it has been moved to since it was started.
    static let dwell = "/proc/self/exe"
    /// The number under which a child finds the descriptor it inherits.
    static let inheritedNumber: CInt = 3

    /// Starts it.
    ///
    /// - Returns: its process id.
    func start() throws -> pid_t {
        let output = try HomeFile.open(log, O_WRONLY | O_CREAT | O_APPEND)
        defer { close(output) }
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw SystemError("open /dev/null") }
        defer { close(input) }

        var environment = environment
        environment[Cookie.variable] = cookie?.description
        var pid: pid_t = 0
        let code = Self.withCStrings(arguments) { argv in
            Self.withCStrings(environment.map { "\($0.key)=\($0.value)" }) { envp in
                Self.exclusion.withLock { _ in
                    ProcessMark.inherited(mark ?? cookie.map { ProcessMark($0) }) {
                        clinux_spawn(&pid, executable, argv, envp, workingDirectory, input, output, inherited ?? -1)
                    }
                }
            }
        }
        guard code == 0 else {
            throw SystemError("start \(arguments.first ?? executable) in \(workingDirectory)", code: code)
        }
        return pid
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { buffer in
            // An array with at least the terminating nil has a base address.
            buffer.baseAddress.map(body)!
        }
    }
}
