import Foundation
import Lifecycle
import ServiceFile

/// What an `up` asks for, read from the service file and the command line.
struct UpRequest {
    let service: ServiceName
    let spec: ServiceSpec
    /// Sentences about what in the file does nothing here.
    let notes: [String]

    /// - Parameters:
    ///   - name: `-n`; over the file's `name`, over a name made of the file's own.
    ///   - env: `--env`, as typed.
    init(file path: String, name given: String?, env: [String]) throws(CommandFailure) {
        let given = try given.map { (text) throws(CommandFailure) in try NameArgument.service(text) }
        let envs: [String: String]
        let file: ServiceFile
        do {
            envs = try EnvironmentOption.parse(env, here: ProcessInfo.processInfo.environment)
        } catch {
            throw CommandFailure(error)
        }
        do {
            file = try ServiceFile.read(path, workingDirectory: FileManager.default.currentDirectoryPath, envs: envs)
        } catch {
            throw CommandFailure(error)
        }
        guard let service = given ?? file.name ?? file.nameFromPath else {
            throw CommandFailure(
                "\(path): no name can be made of the file's; add `name: NAME` to it, or use -n NAME", exitCode: 2)
        }
        self.service = service
        spec = file.spec
        notes = file.notes
    }
}
