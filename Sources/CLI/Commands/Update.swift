import ArgumentParser
import Controller
import EventLog
import Foundation
import Lifecycle
import ServiceFile

struct Update: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Give a running service a new version, without a request lost.",
        discussion: """
            Rolling: old and new replicas serve together, and an old one goes for each new one that is ready. \
            Blue-green: the old ones serve until enough new ones are ready. Replicas that the new file would \
            run in the same way are kept. A version that does not come up leaves the one before it serving.

            Examples:
              dwell update hello service.yaml
              dwell update hello service.yaml --mode blue_green
              dwell update hello --rollback
            """)

    @Argument(help: "Name of the service.", completion: .services)
    var name: String

    @Argument(help: "The new service file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String?

    @Option(help: "How replicas of the old version give way: rolling or blue_green.")
    var mode = UpdateMode.rolling

    @Flag(help: "Return to the last version before this one that was ready.")
    var rollback = false

    @Option(help: "Only a service of this controller.")
    var controller: String?

    @OptionGroup
    var options: FileOptions

    @Flag(name: .shortAndLong, help: "Accepted for SkyServe's sake: an update asks nothing.")
    var yes = false

    @Flag(help: "Return as soon as the request is on disk.")
    var detach = false

    func validate() throws {
        if rollback != (file == nil) {
            throw ValidationError(
                rollback ? "give a file or --rollback, not both" : "give a service file, or --rollback")
        }
    }

    /// What was good when that version was made may be gone since. A file is examined as it is read.
    private func refuseWithoutCertificate(_ service: ServiceState?) throws(CommandFailure) {
        guard let service, let version = service.lastGoodVersion, let files = service.spec(ofVersion: version).tls,
            let problem = TLSExamination(reading: files).problem
        else { return }
        throw CommandFailure("version \(version) cannot be returned to: \(problem.message)")
    }

    /// A file that calls its service by another's name may be the wrong one.
    private func noteOtherName(
        _ inFile: ServiceName?, _ name: ServiceName, _ session: Session
    ) throws(CommandFailure) {
        guard let inFile, inFile != name else { return }
        let report = try session.read { (log) throws(LogFailure) in try log.status() }
        guard report.services.contains(where: { $0.name == inFile.rawValue }) else { return }
        print(
            "note: the file calls its service \(inFile), which is another one here; what is updated is \(name)",
            to: .error)
    }

    func run() async throws {
        let name = try NameArgument.service(name)
        let only = try controller.map { try NameArgument.controller($0) }
        var request = try file.map { try UpRequest(file: $0, name: name.rawValue, values: options.values()) }
        for note in request?.notes ?? [] { print("note: \(note)", to: .error) }
        request?.takeSecretsFromEnvironment()
        let session = try Session()
        let row = try ServiceDirectory(session, controller: only).find(name)
        try noteOtherName(request?.nameInFile, name, session)
        // Rows of the log name controllers that exist.
        let controller = try NameArgument.controller(row.controller)
        let begun = ContinuousClock.now
        let position = try session.read { (log) throws(LogFailure) in try log.lastPosition() }
        let current = try session.read { (log) throws(LogFailure) in try log.state(of: controller) }
        if rollback { try refuseWithoutCertificate(current.services[name]) }
        let kept = try request?.keepSecrets(
            SecretFiles(home: session.home, controller: controller), current: current.services[name]?.spec.secrets)
        let code: KeptCopy?
        do throws(CommandFailure) {
            code = try await request?.keepCode(session, controller, current: current.services[name]?.spec)
        } catch {
            kept?.discard()
            throw error
        }
        // Held until the log refers to them.
        defer { withExtendedLifetime((kept, code)) {} }
        let command = Command.Update(
            service: name, target: request.map { .spec($0.spec) } ?? .lastGoodVersion, mode: mode)
        let receipt: Receipt
        do throws(CommandFailure) {
            receipt = try session.submit(.update(command), to: controller)
        } catch {
            kept?.discard()
            throw error
        }
        try session.ensureAllRunning()
        guard let service = receipt.state.services[name] else {
            throw CommandFailure("service \(name) was taken down meanwhile")
        }
        guard receipt.state.needsProcess else {
            print(
                "Service \(name) has version \(service.version); it is served from the next `dwell start \(controller)`."
            )
            return
        }
        print("Service \(name) on controller \(controller): version \(service.version) is on its way.")
        if detach {
            print("  watch it: dwell status \(name)")
            return
        }
        Interruption.explain("the update goes on: dwell status \(name); go back: dwell update \(name) --rollback")
        let progress = UpdateProgress(service: name, version: service.version, session: session, begun: begun)
        try await progress.follow(controller, after: position)
    }
}

extension UpdateMode: ExpressibleByArgument {}
