import Controller
import Foundation
import Lifecycle
import ServiceFile

/// What an `up` asks for, read from the service file and the command line.
struct UpRequest {
    let service: ServiceName
    var spec: ServiceSpec
    /// Values of the secrets that `spec` names; they must not get into the log.
    let secrets: [String: String]
    /// Sentences about what in the file does nothing here.
    let notes: [String]
    /// The service's name by the file's own words, whatever the command line says.
    let nameInFile: ServiceName?

    /// - Parameters:
    ///   - name: `-n`; over the file's `name`, over a name made of the file's own.
    ///   - values: what the command line gives beside the file.
    init(file path: String, name given: String?, values: GivenValues) throws(CommandFailure) {
        let given = try given.map { (text) throws(CommandFailure) in try NameArgument.service(text) }
        let file: ServiceFile
        do {
            file = try ServiceFile.read(
                path, workingDirectory: FileManager.default.currentDirectoryPath, given: values,
                examineTLS: TLSExamination.init(reading:))
        } catch {
            throw CommandFailure(error)
        }
        guard let service = given ?? file.name ?? file.nameFromPath else {
            throw CommandFailure(
                "\(path): no name can be made of the file's; add `name: NAME` to it, or use -n NAME", exitCode: 2)
        }
        self.service = service
        spec = file.spec
        secrets = file.secrets
        nameInFile = file.name
        notes = file.notes + [Self.noteOnPort(file.spec)].compactMap { $0 }
    }

    /// What to know of a file that names its port, on a machine where not every replica can have it.
    private static func noteOnPort(_ spec: ServiceSpec) -> String? {
        guard let port = spec.port, let obstacle = OwnAddress.obstacle else { return nil }
        return "replicas cannot have addresses of their own on this machine (\(obstacle)), so only one at a time "
            + "can have port \(port); let `run` bind $PORT instead"
    }

    /// The controller process inherits this environment, and other services' replicas inherit its own: what
    /// is this service's secret does not go that way.
    func takeSecretsFromEnvironment() {
        for name in secrets.keys where !["HOME", "PATH", "DWELL_HOME"].contains(name) { unsetenv(name) }
    }

    /// Puts the secrets, if there are any, where the service's replicas find them.
    ///
    /// - Parameter current: those that the service has now. They are referred to again if they are the
    ///   same, so that an update keeps the replicas that have them.
    mutating func keepSecrets(
        _ files: SecretFiles, current: SecretsReference? = nil
    ) throws(CommandFailure) -> KeptSecrets? {
        guard !secrets.isEmpty else { return nil }
        if files.has(secrets, behind: current) {
            spec.secrets = current
            return nil
        }
        do {
            let kept = try files.keep(secrets)
            spec.secrets = kept.reference
            return kept
        } catch {
            throw CommandFailure("cannot keep the secrets: \(error)")
        }
    }
}
