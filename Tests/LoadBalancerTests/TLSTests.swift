import Foundation
import Logging
import NIOCore
import NIOSSL
import Testing

@testable import LoadBalancer

/// HTTPS in front of replicas that speak HTTP.
@Suite struct TLSTests {
    private let certificates: Certificates
    private let files: TLSPairFiles

    init() throws {
        certificates = try Certificates()
        files = try certificates.make()
    }

    private func withStage(
        _ adapt: (inout LoadBalancerConfiguration) -> Void = { _ in }, areReading: Bool = true,
        _ play: (Stage) async throws -> Void
    ) async throws {
        try await Stage.with(areReading: areReading, adapt) { stage in
            stage.balancer.speak(.https(files))
            try await play(stage)
        }
    }

    /// A client's new connection that trusts the certificate there is now.
    private func connect(_ stage: Stage, isReading: Bool = true) async throws -> Wire {
        try await Wire.connect(port: stage.balancer.port ?? 0, trusting: files, isReading: isReading)
    }

    @Test func requestsAreForwarded() async throws {
        try await withStage { stage in
            let client = try await connect(stage)
            for _ in 1...2 {
                try await client.send(Stage.post)
            }
            let upstream = try await stage.replica.accept()
            for _ in 1...2 {
                #expect(try await upstream.head().contains("X-Forwarded-Proto: https\r\n"))
                try await upstream.expect("hello")
                try await upstream.send(Stage.ok)
                try await client.expect(Stage.ok)
            }
            await client.close()
            try await stage.untilIdle()
        }
    }

    @Test func onlyHTTP1IsAgreedOn() async throws {
        try await withStage { stage in
            let client = try await Wire.connect(
                port: stage.balancer.port ?? 0, trusting: files, protocols: ["h2", "http/1.1"])
            let answered = Task { try await stage.replica.accept() }
            try await client.send(Stage.get)
            _ = try await answered.value
            #expect(try await client.channel.nioSSL_tlsVersion().get() == .tlsv13)
            await client.close()
        }
    }

    /// The end of a connection is agreed on: nothing that a replica sent can be cut off unseen.
    @Test func aBodyThatEndsWithItsConnection() async throws {
        try await withStage { stage in
            let client = try await connect(stage)
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            try await upstream.send("HTTP/1.1 200 OK\r\n\r\none")
            try await client.expect("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\none")
            await upstream.close()
            #expect(try await client.rest() == "")
            #expect(client.failure == nil)
            try await stage.untilIdle()
        }
    }

    @Test func aRefusalArrivesWhole() async throws {
        try await withStage { stage in
            try await stage.route(to: [])
            let client = try await connect(stage)
            try await client.send(Stage.get)
            let answer = try await client.rest()
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.hasSuffix("1 replica is STARTING\n"), "\(answer)")
            #expect(client.failure == nil)
        }
    }

    @Test func bytesGoBothWaysAfterAnUpgrade() async throws {
        try await withStage { stage in
            let client = try await connect(stage)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            let agreeing = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
            try await upstream.send(agreeing)
            try await client.expect(agreeing)
            for part in ["\u{0}\u{1}", "x"] {
                try await client.send(part)
                try await upstream.expect(part)
                try await upstream.send(part)
                try await client.expect(part)
            }
            await client.close()
            #expect(try await upstream.rest() == "")
        }
    }

    /// What a replica does not take is not taken from the client either.
    @Test func aSlowReplicaSlowsItsClientDown() async throws {
        try await withStage(areReading: false) { stage in
            let client = try await connect(stage)
            let size = 64 << 20
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
            _ = try await stage.replica.accept()
            client.post(ByteBuffer(repeating: 120, count: size))
            #expect(try await stage.untilNothingMoves(from: client) > size / 2)
        }
    }

    /// And the other way round.
    @Test func aSlowClientSlowsItsReplicaDown() async throws {
        try await withStage { stage in
            let client = try await connect(stage)
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            let size = 64 << 20
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            _ = try await client.head()
            try await client.stopReading()
            upstream.post(ByteBuffer(repeating: 120, count: size))
            #expect(try await stage.untilNothingMoves(from: upstream) > size / 2)
        }
    }

    // MARK: Clients that speak something else

    @Test func plainHTTPIsToldSo() async throws {
        try await withStage { stage in
            let client = try await stage.connect()
            try await client.send(Stage.post)
            let answer = try await client.rest()
            #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(answer)")
            #expect(answer.hasSuffix("HTTP was spoken where HTTPS is: use https://\n"), "\(answer)")
        }
    }

    @Test(
        arguments: [
            [0], [0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5], [0x16, 3, 1, 255, 255] + [UInt8](repeating: 7, count: 20_000),
            [0x80, 0x2E, 1, 0, 2], [0x15, 3, 3, 0, 2, 2, 0], [UInt8](repeating: 0xFF, count: 100_000),
        ] as [[UInt8]])
    func garbageIsCutOff(_ bytes: [UInt8]) async throws {
        try await withStage { stage in
            let stranger = try await stage.connect()
            stranger.post(ByteBuffer(bytes: bytes))
            _ = try await stranger.rest()
            let client = try await connect(stage)
            try await client.send(Stage.get)
            _ = try await stage.replica.accept().head()
            await client.close()
        }
    }

    @Test func aHandshakeThatDoesNotGoOnIsEnded() async throws {
        try await withStage({ $0.headTimeoutSeconds = 0.05 }) { stage in
            for beginning in ["", "\u{16}\u{3}\u{1}"] {
                let client = try await stage.connect()
                // It may have been ended already.
                client.post(ByteBuffer(string: beginning))
                #expect(try await client.rest() == "")
            }
        }
    }

    /// The time for a handshake is not the time that a connection may lie idle.
    @Test func aConnectionMayLieIdleAfterItsHandshake() async throws {
        try await withStage({ $0.headTimeoutSeconds = 1 }) { stage in
            let client = try await connect(stage)
            try await client.send("")
            #expect(try await client.channel.nioSSL_tlsVersion().get() != nil)
            let later = NIODeadline.now() + .milliseconds(1500)
            try await Patience.until("the time for a handshake is over") { NIODeadline.now() > later }
            try await client.send(Stage.get)
            _ = try await stage.replica.accept().head()
            await client.close()
        }
    }

    @Test func tooManyConnectionsAreCutOff() async throws {
        try await withStage({ $0.connectionLimit = 0 }) { stage in
            let client = try await stage.connect()
            #expect(try await client.rest() == "")
        }
    }

    // MARK: Changes

    /// Who connected by HTTP may finish what it asked for, and nothing more.
    @Test func connectionsInAnotherProtocolEnd() async throws {
        try await Stage.with { stage in
            // Answered before the other asks, so that both go over one connection to the replica.
            let (idle, upstream) = try await stage.warmUp()
            let busy = try await stage.connect()
            try await busy.send(Stage.get)
            _ = try await upstream.head()
            stage.balancer.speak(.https(files))
            #expect(try await idle.rest() == "")
            try await upstream.send(Stage.ok)
            #expect(try await busy.rest().contains("Connection: close\r\n"))
            let client = try await connect(stage)
            try await client.send(Stage.get)
            #expect(try await upstream.head().contains("X-Forwarded-Proto: https\r\n"))
            try await upstream.send(Stage.ok)
            try await client.expect(Stage.ok)
            stage.balancer.speak(.http)
            #expect(try await client.rest() == "")
            let plain = try await stage.connect()
            try await plain.send(Stage.get)
            #expect(try await upstream.head().contains("X-Forwarded-Proto: http\r\n"))
        }
    }

    @Test func nobodyIsServedInTheClearWhileItIsUnknown() async throws {
        try await Stage.with { stage in
            for spoken in [FrontProtocol.unknown, .https(TLSPairFiles(keyFile: "/none", certificateFile: "/none"))] {
                stage.balancer.speak(spoken)
                let client = try await stage.connect()
                #expect(try await client.rest() == "")
            }
        }
    }

    @Test func aPairIsTakenOnceItFits() async throws {
        let other = try certificates.make("two")
        let told = Watched<[String]>([])
        let logger = Logger(label: "front") { _ in Told(told) }
        let front = TLSFront(logger: logger)
        front.speak(.https(files))
        let first = try #require(front.context)
        front.look()
        #expect(front.context === first)
        // The certificate first, the key a while later.
        try certificates.replace(files.certificateFile, with: other.certificateFile)
        front.look()
        #expect(front.context === first)
        #expect(told.value.count == 1, "not before it has stayed so")
        for _ in 1...3 { front.look() }
        #expect(front.context === first)
        #expect(told.value.count == 2 && told.value[1].hasSuffix("; going on with the pair before it"), "\(told.value)")
        try FileManager.default.removeItem(atPath: files.keyFile)
        for _ in 1...3 { front.look() }
        #expect(told.value.count == 3 && told.value[2].contains("No such file"), "\(told.value)")
        #expect(front.context === first)
        try certificates.replace(files.keyFile, with: other.keyFile)
        front.look()
        #expect(front.context != nil && front.context !== first)
        #expect(told.value.count == 4 && told.value[3].contains("is used, valid until 20"), "\(told.value)")
    }

    /// An update to a pair that is gone by the time it is read.
    @Test func thePairBeforeItGoesOnUntilAnotherCanBeRead() throws {
        let told = Watched<[String]>([])
        let front = TLSFront(logger: Logger(label: "front") { _ in Told(told) })
        front.speak(.https(files))
        let first = try #require(front.context)
        let later = TLSPairFiles(
            keyFile: certificates.path("later.key"), certificateFile: certificates.path("later.crt"))
        front.speak(.https(later))
        #expect(front.context === first)
        #expect(told.value.last?.hasSuffix("going on with the pair before it") == true, "\(told.value)")
        _ = try certificates.make("later")
        front.look()
        #expect(front.context != nil && front.context !== first)
        front.speak(.http)
        #expect(front.context == nil)
    }

    @Test func aPairThatComesLaterIsTaken() throws {
        let files = TLSPairFiles(keyFile: certificates.path("k"), certificateFile: certificates.path("c"))
        let told = Watched<[String]>([])
        let front = TLSFront(logger: Logger(label: "front") { _ in Told(told) })
        front.speak(.https(files))
        #expect(told.value.count == 1 && told.value[0].hasSuffix("no connection is accepted until it can"))
        #expect(front.context == nil)
        try certificates.replace(files.keyFile, with: self.files.keyFile)
        try certificates.replace(files.certificateFile, with: self.files.certificateFile)
        front.look()
        #expect(front.context != nil)
    }
}

extension TLSFront {
    fileprivate var context: NIOSSLContext? { if case .handshake(let context) = beginning { context } else { nil } }
}

/// Notes what is logged.
private struct Told: LogHandler {
    let lines: Watched<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(_ lines: Watched<[String]>) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.change { $0.append("\(event.message)") } }
}
