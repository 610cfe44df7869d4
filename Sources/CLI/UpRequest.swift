import Foundation
import Lifecycle
import ServiceFile

/// What an `up` asks for, read from the service file and the command line.
struct UpRequest {
    let service: ServiceName
    let spec: ServiceSpec
    /// Values of the secrets that `spec` names; they must not get into the log.
    let secrets: [String: String]
    /// Sentences about what in the file does nothing here.
    let notes: [String]

    /// - Parameters:
    ///   - name: `-n`; over the file's `name`, over a name made of the file's own.
    ///   - values: what the command line gives beside the file.
    init(file path: String, name given: String?, values: GivenValues) throws(CommandFailure) {
        let given = try given.map { (text) throws(CommandFailure) in try NameArgument.service(text) }
        let file: ServiceFile
        do {
            file = try ServiceFile.read(
                path, workingDirectory: FileManager.default.currentDirectoryPath, given: values)
        } catch {
            throw CommandFailure(error)
        }
        guard let service = given ?? file.name ?? file.nameFromPath else {
            throw CommandFailure(
                "\(path): no name can be made of the file's; add `name: NAME` to it, or use -n NAME", exitCode: 2)
        }
        let waiting = [
            file.secrets.isEmpty ? nil : "secrets", file.spec.fileMounts.isEmpty ? nil : "file_mounts",
            file.spec.workdir.flatMap { if case .git = $0 { "a git workdir" } else { nil } },
        ].compactMap(\.self)
        guard waiting.isEmpty else {
            throw CommandFailure(
                "\(path): \(waiting.joined(separator: " and ")) can be checked, and are not done yet", exitCode: 2)
        }
        self.service = service
        spec = file.spec
        secrets = file.secrets
        notes = file.notes
    }
}
