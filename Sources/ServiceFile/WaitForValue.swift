import Foundation
import Lifecycle

/// `wait_for`: what besides services keeps a controller up. SkyPilot's `jobs`, `jobs_and_ssh` and `none`, or a list:
///
///     wait_for:
///       - ssh
///       - {name: gpu, command: ./gpu-use.sh, every: 30s, timeout: 5s}
///       - {name: queue, url: "http://127.0.0.1:9000/idle"}
enum WaitForValue {
    /// By name, in order.
    static func read(_ parts: Section) -> [(name: String, probe: UseProbe)] {
        guard let entry = parts.entry("wait_for") else { return [] }
        switch entry.value.content {
        // A controller waits for its services, which are all the jobs it has.
        case .string("jobs"), .string("none"): return []
        case .string("jobs_and_ssh"), .string("ssh"): return [(UseProbe.sshName, .sshSessions)]
        case .list(let list):
            var probes: [(name: String, probe: UseProbe)] = []
            for (index, node) in list.enumerated() {
                guard let probe = read(node, index, parts) else { continue }
                guard !probes.contains(where: { $0.name == probe.name }) else {
                    parts.problem("has two of the name \(probe.name)", key: "wait_for", at: node.line)
                    continue
                }
                probes.append(probe)
            }
            return probes
        default:
            parts.problem("\(wanted), not \(entry.value.inWords)", key: "wait_for")
            return []
        }
    }

    private static let wanted =
        "must be jobs, jobs_and_ssh, none, or a list of ssh, {command: …} and {url: …}"

    private static func read(_ node: YAMLNode, _ index: Int, _ parts: Section) -> (name: String, probe: UseProbe)? {
        if case .string("ssh") = node.content { return (UseProbe.sshName, .sshSessions) }
        guard case .map = node.content else {
            parts.problem("\(wanted), not \(node.inWords)", key: "wait_for", at: node.line)
            return nil
        }
        let section = Section(node, path: parts.fullKey("wait_for[\(index)]"), findings: parts.findings)
        section.refuseUnknownKeys(known: ["name", "command", "url", "every", "timeout"])
        let name = section.string("name", wanted: "a name") ?? "\(section.has("url") ? "url" : "command") \(index + 1)"
        var question: UseProbe.Question?
        if section.has("command") == section.has("url") {
            section.problem("needs a `command` or a `url`, one of them")
        } else if section.has("command") {
            question = section.command("command").map { .command($0) }
        } else if let text = section.string("url", wanted: "a URL such as http://127.0.0.1:9000/idle") {
            question = url(text)
            if question == nil {
                section.problem(
                    "must be a URL such as http://127.0.0.1:9000/idle, not \"\(text.shortened)\"", key: "url")
            }
        }
        let every = seconds(section, "every", UseProbe.standardEverySeconds)
        // One that is asked oftener has less time to answer, unless it says more.
        let timeout = seconds(section, "timeout", min(UseProbe.standardTimeoutSeconds, every))
        if section.has("timeout"), timeout > every {
            section.problem("must be no longer than `every`, which is \(text(every))", key: "timeout")
        }
        return question.map { (name, UseProbe(question: $0, everySeconds: every, timeoutSeconds: timeout)) }
    }

    private static func seconds(_ section: Section, _ key: String, _ standard: Double) -> Double {
        guard section.has(key) else { return standard }
        let wanted = "a time of 0.1 s to an hour, such as 0.5s or 5s"
        let seconds = section.duration(key, unitSeconds: 1, wanted: wanted) ?? standard
        guard seconds >= 0.1, seconds <= 3_600 else {
            section.problem("must be \(wanted)", key: key)
            return standard
        }
        return seconds
    }

    private static func text(_ seconds: Double) -> String {
        Int(exactly: seconds).map { "\($0)s" } ?? "\(seconds)s"
    }

    private static func url(_ text: String) -> UseProbe.Question? {
        guard let parts = URLComponents(string: text), parts.scheme == "http", let host = parts.host, !host.isEmpty,
            parts.user == nil, let port = UInt16(exactly: parts.port ?? 80), port > 0
        else { return nil }
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        return .url(host: host, port: port, path: path + (parts.percentEncodedQuery.map { "?" + $0 } ?? ""))
    }
}
