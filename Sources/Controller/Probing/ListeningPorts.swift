import Foundation

/// TCP ports that processes listen at. Asked only when a replica refuses connections, to tell one that is not up yet from
/// one that is up somewhere else.
enum ListeningPorts {
    static func of(_ processes: [pid_t]) -> [UInt16] {
        var sockets: Set<String> = []
        for pid in processes {
            let folder = "/proc/\(pid)/fd"
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)"),
                    target.hasPrefix("socket:[")
                else { continue }
                sockets.insert(String(target.dropFirst("socket:[".count).dropLast()))
            }
        }
        guard let first = processes.first, !sockets.isEmpty else { return [] }
        var ports: Set<UInt16> = []
        // Of their own network, which need not be ours.
        for table in ["tcp", "tcp6"] {
            guard let text = try? String(contentsOfFile: "/proc/\(first)/net/\(table)", encoding: .utf8) else {
                continue
            }
            ports.formUnion(parse(text, sockets))
        }
        return ports.sorted()
    }

    /// The ports of those rows of `/proc/net/tcp` that listen and whose inode is one of `sockets`.
    static func parse(_ table: String, _ sockets: Set<String>) -> Set<UInt16> {
        var ports: Set<UInt16> = []
        for line in table.split(separator: "\n").dropFirst() {
            let words = line.split(separator: " ")
            // 0A: LISTEN.
            guard words.count > 9, words[3] == "0A", sockets.contains(String(words[9])),
                let port = words[1].split(separator: ":").last.flatMap({ UInt16($0, radix: 16) })
            else { continue }
            ports.insert(port)
        }
        return ports
    }
}
