import Foundation
import NIOCore
import NIOPosix
import NIOSSL

@testable import LoadBalancer

/// A folder with certificates of its own, gone when the value is.
final class Certificates: Sendable {
    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "/dwell tls \(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Makes a certificate for 127.0.0.1 that vouches for itself, and its key.
    func make(_ name: String = "one", days: Int = 2) throws -> TLSPairFiles {
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            String(days),
            "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path("\(name).key"), "-out",
            path("\(name).crt"))
        return TLSPairFiles(keyFile: path("\(name).key"), certificateFile: path("\(name).crt"))
    }

    func path(_ file: String) -> String { folder + "/" + file }

    func write(_ text: String, to file: String) throws -> String {
        try text.write(toFile: path(file), atomically: true, encoding: .utf8)
        return path(file)
    }

    /// Puts a copy of `source` in the place of `target`, as whoever renews certificates does.
    func replace(_ target: String, with source: String) throws {
        try FileManager.default.copyItem(atPath: source, toPath: target + ".new")
        guard rename(target + ".new", target) == 0 else { throw Failed(what: "rename \(target)") }
    }

    func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(what: "openssl \(arguments)") }
    }

    struct Failed: Error { var what: String }
}

extension Wire {
    /// Connects by TLS, trusting the certificate of `files` and no other.
    static func connect(
        port: Int, trusting files: TLSPairFiles, protocols: [String] = [], isReading: Bool = true
    ) async throws -> Wire {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(files.certificateFile)
        configuration.applicationProtocols = protocols
        let context = try NIOSSLContext(configuration: configuration)
        let inbox = Watched(Inbox())
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: isReading)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                    try pipeline.addHandler(Collector(inbox))
                }
            }
        return Wire(try await bootstrap.connect(host: "127.0.0.1", port: port).get(), inbox)
    }
}
