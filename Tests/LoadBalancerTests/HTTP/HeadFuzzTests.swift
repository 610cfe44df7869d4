import Foundation
import NIOCore
import Testing

@testable import LoadBalancer

/// Requests that no client would send, made by changing ones that clients do send: over the wire, to a real load
/// balancer with a real replica behind it. It answers, refuses or closes; it does not trap, and afterwards it
/// serves as before.
///
/// `DWELL_FUZZ=N` tries N (`make fuzz`); without it a few hundred are tried.
@Suite struct HeadFuzzTests {
    private static let rounds = ProcessInfo.processInfo.environment["DWELL_FUZZ"].flatMap { Int($0) } ?? 400

    private static let seeds = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /x?y=z HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "PUT / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
        "GET http://a:80/b HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nCookie: a=b; c=d\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ]

    private static let words = [
        "\r\n", "\n", "\r", "\0", ":", " ", "\t", "Content-Length: 5\r\n", "Content-Length: -1\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity, chunked\r\n", "ffffffffffffffff\r\n", "0\r\n",
        "HTTP/1.1", "HTTP/9.9",
        "Host: b\r\n", "\u{fe}\u{ff}", String(repeating: "a", count: 70_000), String(repeating: "A: b\r\n", count: 300),
    ]

    @Test func whateverIsSentItGoesOnServing() async throws {
        try await Stage.with { stage in
            let server = Task { try await answerEverything(stage.replica) }
            defer { server.cancel() }
            var random = SeededRandom(seed: 7)
            for round in 0..<Self.rounds {
                let client = try await stage.connect()
                let bytes = Self.mutated(Self.seeds[random.below(Self.seeds.count)], &random)
                // It may close while there is more to send.
                try? await client.channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
                await client.close()
                if round.isMultiple(of: 50) { try await Self.expectService(stage) }
            }
            try await Self.expectService(stage)
        }
    }

    private static func expectService(_ stage: Stage) async throws {
        let client = try await stage.connect()
        try await client.send(Stage.get)
        try await client.expect(Stage.ok)
        await client.close()
    }

    /// Answers whatever comes on any connection, once it has been silent for a moment.
    private func answerEverything(_ replica: Replica) async throws {
        while !Task.isCancelled {
            let wire = try await replica.accept()
            Task { [wire] in
                while (try? await wire.head()) != nil { try? await wire.send(Stage.ok) }
            }
        }
    }

    private static func mutated(_ seed: String, _ random: inout SeededRandom) -> [UInt8] {
        var bytes = Array(seed.utf8)
        for _ in 0...random.below(4) {
            let at = random.below(bytes.count + 1)
            switch random.below(6) {
            case 0: bytes.insert(contentsOf: words[random.below(words.count)].utf8, at: at)
            case 1: bytes = Array(bytes.prefix(at))
            case 2: if at < bytes.count { bytes[at] = UInt8(random.below(256)) }
            case 3: if at < bytes.count { bytes.remove(at: at) }
            case 4: bytes.append(contentsOf: seed.utf8)
            default:
                if at < bytes.count { bytes.insert(contentsOf: bytes[at...].prefix(random.below(40)), at: at) }
            }
        }
        return bytes
    }
}

/// SplitMix64, so that one seed is one run.
private struct SeededRandom {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}
