import EventLog
import Foundation

/// A file that somebody names for what a command has to say.
enum OutputFile {
    /// Writes it, in the place of what is there. A new file is its owner's alone, like all that dwell writes: it names
    /// what runs, and who wants others to read it says so to the file.
    static func write(_ text: String, to path: String) throws(CommandFailure) {
        try requireOutsideHome(path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path, errno) }
        defer { close(descriptor) }
        var left = Array(text.utf8)[...]
        while !left.isEmpty {
            let count = left.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                left = left.dropFirst(count)
            } else if errno != EINTR {
                throw failure(path, errno)
            }
        }
    }

    /// Sees to it that a log can be written there: that nothing is there yet, nor beside it what would be taken for part of
    /// it, and that there is a folder for it.
    static func requireNone(_ path: String) throws(CommandFailure) {
        try requireOutsideHome(path)
        do {
            try EventLog.requireNone(path)
        } catch {
            throw CommandFailure("cannot write \(path): \(error.reason)", exitCode: 2)
        }
        guard access(URL(fileURLWithPath: path).deletingLastPathComponent().path, F_OK) == 0 else {
            throw failure(path, ENOENT)
        }
    }

    /// What is in a home is the log or tells of it: whatever else is written there would be taken for that, or lost.
    static func requireOutsideHome(_ path: String) throws(CommandFailure) {
        let home = Home(environment: ProcessInfo.processInfo.environment)
        guard home.keeps(path) else { return }
        throw CommandFailure(
            "cannot write \(path): it is in dwell's own folder, \(home.path); name a file elsewhere", exitCode: 2)
    }

    private static func failure(_ path: String, _ code: CInt) -> CommandFailure {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        switch code {
        case ENOENT: return CommandFailure("cannot write \(path): there is no folder \(folder)", exitCode: 2)
        case EISDIR: return CommandFailure("cannot write \(path): it is a folder", exitCode: 2)
        case ENOTDIR: return CommandFailure("cannot write \(path): \(folder) is no folder", exitCode: 2)
        case EACCES, EPERM, EROFS: return CommandFailure("cannot write \(path): you may not", exitCode: 2)
        default: return CommandFailure("cannot write \(path): \(String(cString: strerror(code)))")
        }
    }
}
