import ArgumentParser
import Foundation
import LoadBalancer
import Logging

/// The load balancer without the log, with any number of event loops.
struct Balance: AsyncParsableCommand {
    @Option var port: Int
    @Option var loops = 1
    @Option(help: "Ports of the replicas.") var replica: [Int]
    @Option(help: "PEM; with it, and its certificate, clients speak TLS.") var keyfile: String?
    @Option var certfile: String?

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let balancer = LoadBalancer(
            configuration: LoadBalancerConfiguration(
                listening: .address(host: "127.0.0.1", port: port), eventLoops: loops), logger: Logger(label: "bench"))
        let ready = replica.enumerated().map { Route(replica: $0.offset + 1, host: "127.0.0.1", port: $0.element) }
        balancer.update(RoutingTable(service: "bench", ready: ready, explanation: ""))
        if let keyfile, let certfile {
            balancer.speak(.https(TLSPairFiles(keyFile: keyfile, certificateFile: certfile)))
        }
        try await balancer.start()
        while true { try await Task.sleep(for: .seconds(3600)) }
    }
}
