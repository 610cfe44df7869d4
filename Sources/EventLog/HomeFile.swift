import Foundation

/// Opens what should be a plain file of the home, whatever others have put in its place: a link at its end is not
/// followed, and nobody waits for the other end of a pipe.
public enum HomeFile {
    /// Opens the file, close-on-exec.
    ///
    /// - Parameter flags: as for open(2); `O_CREAT` makes one of mode 0600.
    /// - Throws: why it cannot be opened, or that it is no file.
    public static func open(_ path: String, _ flags: CInt) throws(HomeFailure) -> CInt {
        let descriptor = Foundation.open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else {
            let failure = HomeFailure(path)
            throw kind(of: path).map { HomeFailure(path: path, reason: "it is \($0); remove it") } ?? failure
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw HomeFailure(path: path, reason: "it is \(kind(of: path) ?? "no file"); remove it")
        }
        return descriptor
    }

    /// What is in the file; nil when there is none, or none that can be read.
    public static func contents(_ path: String) -> Data? {
        guard let descriptor = try? open(path, O_RDONLY) else { return nil }
        return try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).readToEnd() ?? Data()
    }

    /// The same as text.
    public static func text(_ path: String) -> String? { contents(path).map { String(decoding: $0, as: UTF8.self) } }

    /// Fails when there is something else than a file at the path, or at the end of the link that is there: a pipe or a
    /// device would be read for ever.
    static func mustBeAFile(_ path: String) throws(HomeFailure) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw HomeFailure(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw HomeFailure(path: path, reason: "it is \(words(status.st_mode) ?? "no file")")
        }
    }

    /// In words, what is there that is no file; nil for a file, and where nothing is.
    private static func kind(of path: String) -> String? {
        var status = stat()
        return lstat(path, &status) == 0 ? words(status.st_mode) : nil
    }

    private static func words(_ mode: mode_t) -> String? {
        switch mode & S_IFMT {
        case S_IFREG: nil
        case S_IFDIR: "a folder"
        case S_IFLNK: "a symbolic link"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }
}
