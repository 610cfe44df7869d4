import Foundation
import Lifecycle

/// Asks one question about the use of a controller. Whatever is no answer counts as use: a controller that stops although
/// somebody needs it costs more than one that stays.
struct UseProber: Sendable {
    let paths: ControllerPaths
    let logID: String
    let environment: [String: String]
    let prober: Prober

    struct Answer: Hashable, Sendable {
        var isActive: Bool
        var evidence: String
    }

    /// As much of an answer as is looked at, bytes.
    static let answerLimit = 1_024
    private static let graceSeconds: Double = 1

    /// - Parameter index: tells its process from those of the other questions.
    func ask(_ probe: UseProbe, _ index: Int) async -> Answer {
        switch probe.question {
        case .sshSessions: Self.sshSessions()
        case .command(let command): await ask(command, probe.timeoutSeconds, index)
        case .url(let host, let port, let path):
            await ask(Endpoint(host: host, port: port), path, probe.timeoutSeconds)
        }
    }

    /// By the title that sshd gives the process of each session: `sshd: ann@pts/0`.
    private static func sshSessions() -> Answer {
        let count = ProcessTable.all().count { entry in
            guard entry.isAlive, entry.name.hasPrefix("sshd"),
                let title = ProcessTable.read("/proc/\(entry.pid)/cmdline")
            else { return false }
            let text = String(decoding: title.prefix { $0 != 0 }, as: UTF8.self)
            return text.wholeMatch(of: /sshd(-session)?: [^ ]+@.*/) != nil
        }
        return Answer(isActive: count > 0, evidence: "\(count) SSH session\(count == 1 ? "" : "s")")
    }

    private func ask(_ endpoint: Endpoint, _ path: String, _ timeoutSeconds: Double) async -> Answer {
        do {
            let (status, body) = try await prober.get(
                endpoint, path, timeoutSeconds: timeoutSeconds, bodyLimit: Self.answerLimit)
            guard status == 200 else { return Answer(isActive: true, evidence: "HTTP \(status), which is no answer") }
            return Self.read(body)
        } catch {
            return Answer(
                isActive: true, evidence: "no answer: \(Prober.inWords(error, timeoutSeconds: timeoutSeconds))")
        }
    }

    private func ask(_ command: String, _ timeoutSeconds: Double, _ index: Int) async -> Answer {
        let output = paths.home.run + "/\(paths.controller)-use-\(index)"
        // Marks of replicas are versions of events; these come from the end of what a mark can tell.
        let mark = ProcessMark(logID: logID, controller: paths.controller, generation: (1 << 28) - 1 - index)
        let tree = ProcessTree(mark: mark)
        defer { for suffix in ["", ".code"] { unlink(output + suffix) } }
        do {
            let pid = try Spawn(
                executable: "bash",
                arguments: [
                    "bash", "-c",
                    "(eval \"$1\") 2>/dev/null | head -c \(Self.answerLimit) > \"$2\"; echo ${PIPESTATUS[0]} > \"$2.code\"",
                    "dwell-use", command, output,
                ],
                environment: environment, mark: mark, workingDirectory: paths.home.path, log: "/dev/null"
            ).start()
            let process = ProcessIdentity(
                pid: pid, startTicks: ProcessTable.entry(of: pid)?.startTicks ?? 0, boot: Boot.current)
            let isOver = await Self.waits(for: process, timeoutSeconds)
            _ = await tree.end(gracePeriodSeconds: Self.graceSeconds)
            guard isOver else { return Answer(isActive: true, evidence: "no answer within \(timeoutSeconds) s") }
        } catch {
            return Answer(isActive: true, evidence: "it could not be asked: \(error)")
        }
        guard let code = ProcessTable.read(output + ".code"), let text = ProcessTable.read(output) else {
            return Answer(isActive: true, evidence: "it was killed")
        }
        let number = String(decoding: code, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard number == "0" else { return Answer(isActive: true, evidence: "it exited with code \(number)") }
        return Self.read(String(decoding: text, as: UTF8.self))
    }

    private static func waits(for process: ProcessIdentity, _ timeoutSeconds: Double) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await process.waitUntilEnded()
                return !Task.isCancelled
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(timeoutSeconds))
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    /// `active` or `idle`, whatever surrounds it.
    static func read(_ text: String) -> Answer {
        let word = text.trimmingCharacters(in: .whitespacesAndNewlines.union(CharacterSet(charactersIn: "\"")))
            .lowercased()
        switch word {
        case "active", "idle": return Answer(isActive: word == "active", evidence: "it says \(word)")
        case "": return Answer(isActive: true, evidence: "it says nothing")
        default:
            let line = word.split(separator: "\n").first.map(String.init) ?? ""
            return Answer(isActive: true, evidence: "it says neither active nor idle: \(line.prefix(60))")
        }
    }
}
