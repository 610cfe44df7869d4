import EventLog
import Foundation
import Lifecycle
import TestKit
import Testing

@testable import Controller

/// Replicas as processes of this machine, with the machine's network.
@Suite struct LocalDriverLaws {
    @Test(arguments: DriverConformance.laws)
    func holds(_ law: DriverConformance) async throws {
        try await LocalStage.run(server: "exec python3 -m http.server $PORT") { try await law.check($0) }
    }
}

/// The same with addresses of their own: the server names its port.
@Suite(.enabled(if: OwnAddress.obstacle == nil && access(LocalStage.dwell, X_OK) == 0, "seccomp and dwell are needed"))
struct LocalDriverLawsAtOwnAddresses {
    @Test(arguments: DriverConformance.laws)
    func holds(_ law: DriverConformance) async throws {
        let declare: @Sendable (ServiceSpec) -> ServiceSpec = {
            var spec = $0
            spec.port = 18_080
            return spec
        }
        try await LocalStage.run(server: "exec python3 -m http.server 18080", complete: declare) {
            try await law.check($0)
        }
    }
}

/// A home, and drivers in it that give two seconds of grace.
enum LocalStage {
    /// The program, beside the tests' own.
    static let dwell: String = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("dwell").path
    }()

    static func run(
        server: String, complete: @escaping @Sendable (ServiceSpec) -> ServiceSpec = { $0 },
        _ body: (DriverStage) async throws -> Void
    ) async throws {
        let home = TemporaryHome()
        let folder = home.home.path + "/shared"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let paths = ControllerPaths(home: home.home, controller: .dev)
        let logID = UUID().uuidString.lowercased()
        let environment = ProcessInfo.processInfo.environment
        let stage = DriverStage(folder: folder, server: server, complete: complete) {
            LocalDriver(paths: paths, logID: logID, environment: environment, gracePeriodSeconds: 2, program: dwell)
        }
        var failure: (any Error)?
        do { try await body(stage) } catch { failure = error }
        // Whatever a law that was broken left.
        _ = await stage.makeDriver().endStrangers(known: [])
        if let failure {
            for id in 1...2 {
                if let tail = LogTail.read(paths.replicaLog(.api, id)) { print("replica \(id): \(tail)") }
            }
            throw failure
        }
        withExtendedLifetime(home) {}
    }
}
