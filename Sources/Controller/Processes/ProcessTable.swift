import EventLog
import Foundation

/// What `/proc` tells of the processes of this machine.
enum ProcessTable {
    struct Entry: Hashable, Sendable {
        var pid: pid_t
        var name: String
        /// `R`, `S`, `Z`, …
        var state: Character
        var parent: pid_t
        var session: pid_t
        var threads: Int
        var startTicks: UInt64
        /// Whether it is a thread of the kernel.
        var isOfKernel: Bool

        /// A zombie has ended: it holds no memory, port or file, only its number until it is reaped. One
        /// that still has threads has not: only its first thread has ended.
        var isAlive: Bool { (state != "Z" && state != "X") || threads > 1 }
    }

    /// The process with this number, if there is one.
    static func entry(of pid: pid_t) -> Entry? {
        read("/proc/\(pid)/stat", isSmall: true).flatMap { parse($0) }
    }

    /// Whether the process has been killed (SIGKILL) and is on its way out, or is not there any more.
    static func isDying(_ pid: pid_t) -> Bool {
        guard let bytes = read("/proc/\(pid)/stat"), let entry = parse(bytes),
            let close = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return true }
        let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 28 else { return false }
        func bits(_ index: Int) -> UInt64 { UInt64(String(decoding: fields[index], as: UTF8.self)) ?? 0 }
        let (exiting, killed) = (UInt64(0x4), UInt64(1) << UInt64(SIGKILL - 1))  // PF_EXITING; proc(5)
        return entry.state == "Z" || entry.state == "X" || bits(6) & exiting != 0 || bits(28) & killed != 0
    }

    /// A folder of `/proc` that is some process's.
    struct Folder: Hashable {
        var pid: pid_t
        /// Its inode, made with the folder and never used again: a later process with this number has another.
        var inode: UInt
    }

    /// Numbers of every process that can be seen.
    static func pids() -> [pid_t] { folders().map(\.pid) }

    static func folders() -> [Folder] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var folders: [Folder] = []
        while let item = readdir(directory) {
            let pid = withUnsafeBytes(of: &item.pointee.d_name) { bytes -> pid_t? in
                var number: pid_t = 0
                for byte in bytes {
                    if byte == 0 { return number }
                    guard byte >= 48, byte <= 57 else { return nil }
                    number = number &* 10 &+ pid_t(byte - 48)
                }
                return nil
            }
            if let pid, pid > 0 { folders.append(Folder(pid: pid, inode: item.pointee.d_ino)) }
        }
        return folders
    }

    /// Every process that can be seen.
    static func all() -> [Entry] { pids().compactMap { entry(of: $0) } }

    /// The value of a variable in the environment the process was started with; nil also when it may
    /// not be read.
    static func environment(of pid: pid_t, _ name: String) -> String? {
        guard let bytes = read("/proc/\(pid)/environ") else { return nil }
        let prefix = Array("\(name)=".utf8)
        return bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while let begin = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
                let length = memchr(begin, 0, rest.count).map { UnsafeRawPointer($0) - begin } ?? rest.count
                if length >= prefix.count, memcmp(begin, prefix, prefix.count) == 0 {
                    return String(decoding: rest.prefix(length).dropFirst(prefix.count), as: UTF8.self)
                }
                rest = rest.dropFirst(length + 1)
            }
            return nil
        }
    }

    /// `pid (name with spaces and parentheses) state ppid pgrp session … starttime …`, proc(5).
    private static func parse(_ bytes: [UInt8]) -> Entry? {
        guard let open = bytes.firstIndex(of: UInt8(ascii: "(")), let close = bytes.lastIndex(of: UInt8(ascii: ")")),
            open < close, let pid = numbers(bytes[..<open]).first
        else { return nil }
        // The first is the state's, which is a letter.
        let fields = numbers(bytes[(close + 1)...].dropFirst())
        guard fields.count > 19, let state = bytes[(close + 1)...].dropFirst().first else { return nil }
        return Entry(
            pid: pid_t(truncatingIfNeeded: pid), name: String(decoding: bytes[(open + 1)..<close], as: UTF8.self),
            state: Character(UnicodeScalar(state)), parent: pid_t(truncatingIfNeeded: fields[1]),
            session: pid_t(truncatingIfNeeded: fields[3]), threads: Int(truncatingIfNeeded: fields[17]),
            startTicks: fields[19] &- namespaceTicks, isOfKernel: fields[6] & 0x20_0000 != 0)  // PF_KTHREAD
    }

    /// The digits of each word as a number, of the first twenty. Hundreds of files are read so with every look.
    private static func numbers(_ text: ArraySlice<UInt8>) -> [UInt64] {
        var numbers: [UInt64] = [0]
        numbers.reserveCapacity(20)
        for byte in text {
            if byte == UInt8(ascii: " ") {
                if numbers.count == 20 { break }
                numbers.append(0)
            } else if byte >= 48, byte <= 57 {
                numbers[numbers.count - 1] = numbers[numbers.count - 1] &* 10 &+ UInt64(byte - 48)
            }
        }
        return numbers
    }

    /// The kernel tells the start of a process by the clock of whoever asks, in its time namespace; here it is the
    /// machine's, as it is recorded.
    private static let namespaceTicks = UInt64(
        bitPattern: Clock.namespaceMicroseconds * Int64(sysconf(Int32(_SC_CLK_TCK))) / 1_000_000)

    /// The whole of a file of `/proc`; nil when it is gone or may not be read.
    ///
    /// - Parameter isSmall: for one that the kernel gives whole when it is read once, so that nobody asks whether there is more.
    static func read(_ path: String, isSmall: Bool = false) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        return withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { buffer in
            while true {
                let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
                if count < 0 && errno == EINTR { continue }
                if count < 0 { return nil }
                if count == 0 { return bytes }
                bytes.append(contentsOf: buffer.prefix(count))
                if isSmall { return bytes }
            }
        }
    }
}

extension ProcessTable.Entry: Identifiable {
    struct ID: Hashable, Sendable {
        var pid: pid_t
        var startTicks: UInt64
    }

    var id: ID { ID(pid: pid, startTicks: startTicks) }
}
