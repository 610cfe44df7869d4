import EventLog
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
        /// What of the evidence tells why: an answer that says as much with other numbers is the same.
        var kind: Kind

        enum Kind: Hashable, Sendable {
            case sessions, says, saysNothing, saysNeither, httpStatus(UInt), noAnswer, exited(code: Int), timedOut,
                killed,
                notAsked
        }

        init(isActive: Bool, evidence: String, _ kind: Kind) {
            (self.isActive, self.evidence, self.kind) = (isActive, evidence, kind)
        }
    }

    /// As much of an answer as is looked at, bytes.
    static let answerLimit = 1_024

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
        return Answer(isActive: count > 0, evidence: "\(count) SSH session\(count == 1 ? "" : "s")", .sessions)
    }

    private func ask(_ endpoint: Endpoint, _ path: String, _ timeoutSeconds: Double) async -> Answer {
        do {
            let (status, body) = try await prober.get(
                endpoint, path, timeoutSeconds: timeoutSeconds, bodyLimit: Self.answerLimit)
            guard status == 200 else {
                return Answer(
                    isActive: true, evidence: "HTTP \(status), which is no answer", .httpStatus(UInt(status)))
            }
            return Self.read(body)
        } catch {
            return Answer(
                isActive: true, evidence: "no answer: \(Prober.inWords(error, timeoutSeconds: timeoutSeconds))",
                .noAnswer)
        }
    }

    /// Ends what is left of the first so many questions, and takes their answers away: they would outlive the controller.
    func end(_ count: Int) async {
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                group.addTask {
                    _ = await command("", 0, index).end()
                    unlink(output(index))
                }
            }
        }
    }

    /// File that the answer of a command is written to.
    private func output(_ index: Int) -> String { paths.home.run + "/\(paths.controller)-use-\(index)" }

    private func command(_ command: String, _ timeoutSeconds: Double, _ index: Int) -> UserCommand {
        UserCommand(
            run: command, timeoutSeconds: timeoutSeconds, environment: environment,
            // Marks of replicas are versions of events; these come from the end of what a mark can tell.
            mark: ProcessMark(logID: logID, controller: paths.controller, generation: (1 << 28) - 1 - index),
            workingDirectory: paths.home.path, log: output(index), outputLimit: Self.answerLimit,
            resultPath: output(index) + ".code")
    }

    private func ask(_ question: String, _ timeoutSeconds: Double, _ index: Int) async -> Answer {
        let output = output(index)
        defer { unlink(output) }
        let asking = command(question, timeoutSeconds, index)
        // A process that was killed may have left an answer, which is not one to this question.
        unlink(output)
        switch await asking.perform() {
        case .exited(0): return Self.read(HomeFile.text(output) ?? "")
        case .exited(let code):
            return Answer(isActive: true, evidence: "it exited with code \(code)", .exited(code: code))
        case .timedOut: return Answer(isActive: true, evidence: "no answer within \(timeoutSeconds) s", .timedOut)
        case .killed: return Answer(isActive: true, evidence: "it was killed", .killed)
        case .failed(let reason): return Answer(isActive: true, evidence: "it could not be asked: \(reason)", .notAsked)
        }
    }

    /// `active` or `idle`, whatever surrounds it.
    static func read(_ text: String) -> Answer {
        let word = text.trimmingCharacters(in: .whitespacesAndNewlines.union(CharacterSet(charactersIn: "\"")))
            .lowercased()
        switch word {
        case "active", "idle": return Answer(isActive: word == "active", evidence: "it says \(word)", .says)
        case "": return Answer(isActive: true, evidence: "it says nothing", .saysNothing)
        default:
            let line = word.split(separator: "\n").first.map(String.init) ?? ""
            return Answer(
                isActive: true, evidence: "it says neither active nor idle: \(line.prefix(60))", .saysNeither)
        }
    }
}
