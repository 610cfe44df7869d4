import Foundation

/// What is in a folder that is open, as the bytes the system has: a name need not be text.
enum FolderNames {
    /// In order of their bytes, each with a zero at its end.
    static func read(_ directory: CInt) throws(SystemError) -> [[CChar]] {
        let raw = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard raw >= 0 else { throw SystemError("open") }
        guard let stream = fdopendir(raw) else {
            let error = SystemError("read")
            close(raw)
            throw error
        }
        defer { closedir(stream) }
        var names: [[CChar]] = []
        errno = 0
        while let entry = readdir(stream) {
            // By its address, for a record is only as long as its name.
            let name = UnsafeRawPointer(entry).advanced(by: nameOffset).assumingMemoryBound(to: CChar.self)
            let bytes = Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))
            if bytes != [46, 0], bytes != [46, 46, 0] { names.append(bytes) }
            errno = 0
        }
        guard errno == 0 else { throw SystemError("read") }
        return names.sorted { $0.lexicographicallyPrecedes($1) { UInt8(bitPattern: $0) < UInt8(bitPattern: $1) } }
    }

    private static let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19

    /// A name without the zero.
    static func bytes(_ name: [CChar]) -> [UInt8] { name.dropLast().map { UInt8(bitPattern: $0) } }
}
