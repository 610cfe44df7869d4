import Foundation
import Testing

@testable import Controller

/// Where a replica with an address of its own listens and connects, worked out by hand.
@Suite struct AddressRules {
    private let lan = SocketAddress.Host.v4(0x0a00_0005)  // 10.0.0.5
    private static let ownHost: UInt32 = 0x7f40_0102  // 127.64.1.2

    private func rule(served: UInt16 = 8080, bound: [UInt16] = []) -> AddressRule {
        var rule = AddressRule(OwnAddress(host: Self.ownHost, port: 8080, servedPort: served))
        for port in bound { rule.noteBound(port) }
        return rule
    }

    private func bind(_ text: String, _ port: UInt16, v6Only: Bool = false, served: UInt16 = 8080) throws -> String? {
        let address = try #require(SocketAddress(text, port))
        return rule(served: served).bind(address, isV6Only: v6Only, isOfThisMachine: { $0 == lan })?.text
    }

    private func connect(
        _ text: String, _ port: UInt16, bound: [UInt16] = [], listening: [UInt16] = [], served: UInt16 = 8080
    ) throws -> String? {
        let address = try #require(SocketAddress(text, port))
        return rule(served: served, bound: bound).connect(
            address, isOfThisMachine: { $0 == lan }, isListening: { listening.contains($0) })?.text
    }

    @Test func itListensAtItsOwnAddressWhereverItMeantTo() throws {
        #expect(try bind("0.0.0.0", 8080) == "127.64.1.2 8080")
        #expect(try bind("127.0.0.1", 8080) == "127.64.1.2 8080")
        #expect(try bind("127.0.1.1", 8080) == "127.64.1.2 8080", "Debian's own name")
        #expect(try bind("10.0.0.5", 8080) == "127.64.1.2 8080", "an interface")
        #expect(try bind("0.0.0.0", 29_500) == "127.64.1.2 29500", "ports between its parts too")
        #expect(try bind("::", 8080) == "::ffff:127.64.1.2 8080")
        #expect(try bind("::1", 8080) == "::ffff:127.64.1.2 8080")
        #expect(try bind("::ffff:127.0.0.1", 8080) == "::ffff:127.64.1.2 8080")
        #expect(try bind("::", 8080, v6Only: true) == "::1 0", "the twin that nobody asks")
    }

    @Test func whatCannotCollideIsLeft() throws {
        #expect(try bind("0.0.0.0", 0) == nil, "any free port")
        #expect(try bind("192.168.7.7", 8080) == nil, "no address of this machine: the kernel says so")
        #expect(try bind("127.64.1.2", 8080) == nil, "its own, said outright")
        #expect(try bind("127.64.9.9", 8080) == nil, "another's, said outright")
        #expect(try bind("2001:db8::1", 8080) == nil)
    }

    @Test func itFindsItsOwnListenersAndNobodyElses() throws {
        #expect(try connect("127.0.0.1", 8080) == "127.64.1.2 8080", "also before it listens")
        #expect(try connect("::1", 8080) == "::ffff:127.64.1.2 8080")
        #expect(try connect("10.0.0.5", 8080) == "127.64.1.2 8080")
        #expect(try connect("127.0.0.1", 6379) == nil, "a server of this machine")
        #expect(try connect("127.0.0.1", 6379, bound: [6379], listening: [6379]) == "127.64.1.2 6379")
        #expect(try connect("127.0.0.1", 6379, bound: [6379]) == nil, "it listened there once")
        #expect(try connect("93.184.216.34", 8080) == nil, "the internet")
        #expect(try connect("127.64.9.9", 8080) == nil, "another replica, said outright")
    }

    @Test func anotherPortServesWhereTheNamedOneCannotBeHad() throws {
        #expect(try bind("0.0.0.0", 8080, served: 20_000) == "127.64.1.2 20000")
        #expect(try bind("127.64.1.2", 8080, served: 20_000) == "127.64.1.2 20000")
        #expect(try connect("127.0.0.1", 8080, served: 20_000) == "127.64.1.2 20000")
        #expect(try bind("0.0.0.0", 9090, served: 20_000) == "127.64.1.2 9090")
    }

    @Test func addressesAreReadAndWritten() throws {
        for (text, port) in [("127.0.0.1", UInt16(80)), ("::1", 443), ("::ffff:10.1.2.3", 1), ("2001:db8::7", 65_535)] {
            let address = try #require(SocketAddress(text, port))
            let again = address.withSockaddr { SocketAddress(Array(UnsafeRawBufferPointer(start: $0, count: Int($1)))) }
            #expect(again == address, "\(text)")
        }
        #expect(SocketAddress([]) == nil)
        #expect(SocketAddress([UInt8(AF_INET), 0, 31]) == nil, "cut off")
        #expect(SocketAddress([UInt8(AF_UNIX), 0] + Array("/run/socket".utf8)) == nil)
        #expect(OwnAddress("127.64.1.2:8080:8080")?.text == "127.64.1.2:8080:8080")
        for wrong in ["", "127.0.0.1:80:80", "127.64.1.2:80", "127.64.1.2:0:80", "127.64.1.2:80:99999", "a:1:2"] {
            #expect(OwnAddress(wrong) == nil, "\(wrong)")
        }
    }
}

extension SocketAddress {
    fileprivate init?(_ text: String, _ port: UInt16) {
        if let host = Self.v4Number(text) {
            self = .v4(host, port)
            return
        }
        var bytes = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
        func half(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(host: .v6(half(bytes[0..<8]), half(bytes[8...])), port: port)
    }

    fileprivate var text: String {
        switch host {
        case .v4(let host): "\(Self.v4Text(host)) \(port)"
        case .v6: v4.map { "::ffff:\(Self.v4Text($0)) \(port)" } ?? (host == .v6(0, 1) ? "::1 \(port)" : "? \(port)")
        }
    }
}
