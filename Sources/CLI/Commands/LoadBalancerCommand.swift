import ArgumentParser
import Controller
import EventLog
import Foundation
import Lifecycle
import Logging

struct LoadBalancerCommand: AsyncParsableCommand, DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "load-balancer", abstract: "Run a service's load balancer.", shouldDisplay: false)

    @Option(help: "Name of the controller.")
    var controller: String

    @Option(help: "Name of the service.")
    var service: String

    @Option(help: "Stream version of the event that asked for it.")
    var generation: Int

    func run() async throws {
        let controller = try NameArgument.controller(controller)
        let service = try NameArgument.service(service)
        Daemon.prepare(name: "dwell-lb-\(service)")
        let session = try Session(component: "load-balancer")
        let process = LoadBalancerProcess(
            log: session.log, paths: ControllerPaths(home: session.home, controller: controller),
            reference: LoadBalancerReference(service: service, generation: generation),
            logger: Daemon.logger("load balancer \(service)"))
        do {
            try await process.run(listening: Daemon.inheritedDescriptor)
        } catch {
            throw CommandFailure("load balancer of \(service): \(error)")
        }
    }
}
