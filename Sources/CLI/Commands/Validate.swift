import ArgumentParser
import Controller
import Foundation
import Lifecycle
import ServiceFile

struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check service files, and do nothing else.",
        discussion: """
            Reads each file as `dwell up` would, and tells everything that is wrong in it, each with its line. What \
            a file leaves to the command line (envs and secrets without a value) need not be given here. Exit code \
            0 when all are good, 2 when one is not.

            Examples:
              dwell validate service.yaml
              dwell validate services/*.yaml
            """)

    @Argument(help: "Service files.", completion: .file(extensions: ["yaml", "yml"]))
    var files: [String]

    func run() throws {
        var problems: [String] = []
        for path in files {
            do throws(FileProblems) {
                let file = try ServiceFile.read(
                    path, workingDirectory: FileManager.default.currentDirectoryPath,
                    given: GivenValues(mustBeComplete: false), examineTLS: TLSExamination.init(reading:))
                print("\(path): good: \(file.inWords)".oneLine)
                for note in file.notes { print("\(path): note: \(note)".oneLine) }
            } catch {
                problems += error.lines
            }
        }
        guard problems.isEmpty else { throw CommandFailure(lines: problems, exitCode: 2) }
        Session.reviveWhatDied()
    }
}

extension ServiceFile {
    /// What it asks for, in one line.
    fileprivate var inWords: String {
        let policy = spec.replicaPolicy
        let replicas =
            policy.isFixed
            ? "\(spec.replicas) replica\(spec.replicas == 1 ? "" : "s")"
            : "\(policy.minReplicas) to \(policy.maxReplicas ?? policy.minReplicas) replicas"
        let method = spec.readinessProbe.postData == nil ? "GET" : "POST"
        return [
            (name ?? nameFromPath).map { "service \($0)" }, replicas, spec.port.map { "port \($0)" },
            "probe \(method) \(spec.readinessProbe.path)", spec.tls == nil ? nil : "TLS",
        ].compactMap(\.self).joined(separator: ", ")
    }
}
