import Foundation

/// Values of `--secret K=V` on this process's own command line.
enum SecretArguments {
    /// Writes over them, so that `ps` shows them no longer than it takes a process to start. They must have
    /// been read before.
    static func hide() {
        guard OwnArguments.all.contains(where: { $0.hasPrefix("--secret") }),
            let memory = ownArguments()
        else { return }
        var follows = false
        for argument in memory.split(separator: 0, omittingEmptySubsequences: false) {
            let text = String(decoding: argument, as: UTF8.self)
            if follows || text.hasPrefix("--secret=") {
                let name = follows ? argument : argument.dropFirst("--secret=".count)
                if let equals = name.firstIndex(of: UInt8(ascii: "=")) {
                    for index in (equals + 1)..<argument.endIndex { memory[index] = UInt8(ascii: "*") }
                }
            }
            follows = text == "--secret"
        }
    }

    /// Where the kernel keeps the arguments: fields 48 and 49 of `/proc/self/stat` (proc(5)). What Swift and
    /// Foundation know are copies.
    private static func ownArguments() -> UnsafeMutableBufferPointer<UInt8>? {
        guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let afterName = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[stat.index(after: afterName)...].split(separator: " ")
        guard fields.count > 46, let start = UInt(fields[45]), let end = UInt(fields[46]), start < end,
            let pointer = UnsafeMutablePointer<UInt8>(bitPattern: start)
        else { return nil }
        return UnsafeMutableBufferPointer(start: pointer, count: Int(end - start))
    }
}
