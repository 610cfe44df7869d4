import ArgumentParser
import Controller
import EventLog
import Foundation
import Lifecycle
import ServiceFile

struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start a service, and its controller if need be.",
        discussion: """
            Reads a SkyServe service file, launches its replicas and load balancer, and waits until the \
            service is READY. Prints its endpoint and how long each step took.

            Examples:
              dwell up service.yaml
              dwell up service.yaml -n llm --controller prod
              dwell up service.yaml --env MODEL=small --secret TOKEN --detach
            """)

    @Argument(help: "The service file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Option(
        name: [.customShort("n"), .long],
        help: "Name of the service; default: the file's `name`, else derived from the file's name.")
    var name: String?

    @Option(help: "Controller to run it on.", completion: .controllers)
    var controller = "local"

    @OptionGroup
    var options: FileOptions

    @Flag(name: .shortAndLong, help: "Ask nothing; `up` never does, so this does nothing.")
    var yes = false

    @Flag(help: "Return once the request is on disk, and do not wait until it is READY.")
    var detach = false

    func run() async throws {
        let controller = try NameArgument.controller(controller)
        // The file first: a bad one must not even make a home.
        var request = try readRequest()
        request.takeSecretsFromEnvironment()
        let session = try Session()
        let configuration = try session.adoptConfiguration()
        for note in request.notes + configuration.notes { print("note: \(note)", to: .error) }
        warnIfOpen(configuration.loadBalancer)
        try session.prepareToLaunch(controller)
        let begun = ContinuousClock.now
        try refuseIfItLives(request, configuration, on: controller, session)
        let code = try await request.keepCode(session, controller)
        let kept = try request.keepSecrets(SecretFiles(home: session.home, controller: controller))
        defer { withExtendedLifetime((kept, code)) {} }
        let (receipt, from, port): (Receipt, Int, PortReservation?)
        do throws(CommandFailure) {
            (receipt, from, port) = try await submit(request, configuration, to: controller, session)
        } catch {
            kept?.discard()
            throw error
        }
        // Claimed until this command ends; the load balancer listens on it long before.
        defer { withExtendedLifetime(port) {} }
        try session.launchWhatIsRecorded(controller, undo: "dwell down \(request.service)")
        try session.ensureAllRunning()
        guard let service = receipt.state.services[request.service] else {
            throw CommandFailure("service \(request.service) was taken down again")
        }
        let endpoint = service.url
        if service.endpoint.host != configuration.loadBalancer.host {
            print(
                "note: service \(request.service) keeps its endpoint; it gets one on \(configuration.loadBalancer.host) "
                    + "after: dwell down \(request.service)", to: .error)
        }
        if detach {
            print("Service \(request.service) is on its way: \(endpoint)")
            if let held = receipt.state.heldStart {
                print("Controller \(controller): \(HeldStartText.line(until: held.until, held.reason)).")
            }
            print("  watch it: dwell status \(request.service)")
            try await waitUntilListening(request.service, on: controller, session)
            return
        }
        if let hook = session.ownHook(receipt.state), hook.isBeforeStart {
            return print(
                "Service \(request.service) is on its way \(hook.whenItHasEnded): \(endpoint)")
        }
        print("Service \(request.service) on controller \(controller): \(endpoint)")
        Interruption.explain(
            "service \(request.service) is still being started: dwell status \(request.service); take it down: dwell down \(request.service)"
        )
        let progress = UpProgress(service: request.service, session: session, begun: begun)
        try await progress.follow(controller, after: from, generation: service.requestedAtMicroseconds)
    }

    /// What will be refused is refused before its folder is copied.
    private func refuseIfItLives(
        _ request: UpRequest, _ configuration: Configuration, on controller: ControllerName, _ session: Session
    ) throws(CommandFailure) {
        let state = try session.read { (log) throws(LogFailure) in try log.state(of: controller) }
        let now = try session.read { (_) throws(LogFailure) in try Clock.now() }
        let command = Command.up(
            Command.Up(
                service: request.service, spec: request.spec, policy: configuration.policy(for: controller),
                host: configuration.loadBalancer.host, candidatePorts: []))
        do throws(Rejection) {
            _ = try state.decide(command, Surroundings(now: now, actor: session.author.actor))
        } catch .noPortLeft, .terminating, .serviceExists(_, _, .shuttingDown) {
            // The first is asked for later; the others are waited for.
        } catch {
            throw CommandFailure(error)
        }
    }

    private func readRequest() throws(CommandFailure) -> UpRequest {
        try UpRequest(file: file, name: name, values: options.values())
    }

    /// Submits the request, and waits where waiting is all it takes: for an old life of the name to be
    /// gone, or the controller's termination to end.
    private func submit(
        _ request: UpRequest, _ configuration: Configuration, to controller: ControllerName, _ session: Session
    ) async throws(CommandFailure) -> (Receipt, from: Int, port: PortReservation?) {
        let commandID = UUID().uuidString
        let from = try session.read { (log) throws(LogFailure) in try log.lastPosition() }
        var said = ""
        for await _ in Commits.promptTicks(session.log.bell, safetyPollSeconds: 0.5) {
            let port = try choosePort(configuration.loadBalancer, for: request.service, on: controller, session)
            let command = Command.up(
                Command.Up(
                    service: request.service, spec: request.spec, policy: configuration.policy(for: controller),
                    host: configuration.loadBalancer.host,
                    candidatePorts: port.map { [$0.port] } ?? []))
            do {
                let receipt = try session.log.submit(
                    command, to: controller, by: session.author, commandID: commandID)
                return (receipt, from, port)
            } catch .rejected(.noPortLeft) {
                continue  // another `up` took it in the log between looking and asking
            } catch .rejected(.serviceExists(_, _, .shuttingDown)) {
                announce("waiting for the \(request.service) that is being taken down", &said)
            } catch .rejected(.terminating) {
                try session.refuseToWaitForOwnEnd(of: controller)
                announce("waiting for controller \(controller) to be terminated", &said)
                // It may have been due, and nobody there to begin it.
                try session.ensureTimer()
            } catch {
                throw CommandFailure(error)
            }
            try session.ensureRunning(controller)
        }
        throw CommandFailure("cancelled")
    }

    /// The lowest port that no service of this log has, stopped ones included, and that can be bound; nil for a service
    /// that is there, which has its own.
    private func choosePort(
        _ address: Configuration.LoadBalancerAddress, for service: ServiceName, on controller: ControllerName,
        _ session: Session
    ) throws(CommandFailure) -> PortReservation? {
        let report = try session.read { (log) throws(LogFailure) in try log.status() }
        if report.services.contains(where: { $0.controller == controller.rawValue && $0.name == service.rawValue }) {
            return nil
        }
        let taken = Set(report.services.compactMap { UInt16(exactly: $0.port) })
        guard let port = PortChooser.loadBalancerPort(host: address.host, ports: address.ports, except: taken) else {
            throw CommandFailure(
                PortChooser.obstacle
                    ?? "no port from \(address.ports.lowerBound) to \(address.ports.upperBound) can be bound on \(address.host)"
            )
        }
        return port
    }

    /// The port is claimed until the load balancer has it, or another home might take it in between. One that has not got
    /// it within 2 s may be long in coming.
    private func waitUntilListening(
        _ service: ServiceName, on controller: ControllerName, _ session: Session
    ) async throws(CommandFailure) {
        let limit = ContinuousClock.now + .seconds(2)
        for await _ in Commits.promptTicks(session.log.bell, safetyPollSeconds: 0.2) {
            let state = try session.read { (log) throws(LogFailure) in try log.state(of: controller) }
            guard let service = state.services[service], service.loadBalancer?.isRunning != true,
                state.heldStart == nil, state.needsProcess, ContinuousClock.now < limit
            else { return }
        }
    }

    /// Whoever can reach this machine can reach a service that does not listen on loopback.
    private func warnIfOpen(_ address: Configuration.LoadBalancerAddress) {
        guard !address.host.hasPrefix("127.") else { return }
        print(
            "WARNING: config.yaml opens services to other machines (load_balancer.host is \(address.host))", to: .error)
    }

    private func announce(_ line: String, _ said: inout String) {
        guard line != said else { return }
        said = line
        print(line)
    }
}
