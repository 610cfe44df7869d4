import NIOCore
import Testing

@testable import LoadBalancer

/// What is changed in a head on its way, and what is not.
@Suite struct HeadRewriterTests {
    private func head(_ kind: HeadParser.Kind, _ lines: [String]) throws -> MessageHead {
        var parser = HeadParser(kind: kind, limit: 65_536)
        var buffer = ByteBuffer(string: lines.map { $0 + "\r\n" }.joined() + "\r\n")
        guard case .complete(let head) = parser.parse(&buffer) else {
            throw RefusedHead(lines: lines)
        }
        return head
    }

    struct RefusedHead: Error { var lines: [String] }

    /// The lines of a head; the last are the two empty ones that end it.
    private func lines(_ bytes: ByteBuffer) -> [String] {
        String(buffer: bytes).split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
    }

    private func request(_ lines: [String], client: String = "192.0.2.7") throws -> [String] {
        self.lines(
            HeadRewriter.request(
                try head(.request, lines), client: client, replica: "127.0.0.1:8080", ByteBufferAllocator()))
    }

    private func response(_ lines: [String], connection: StaticString? = nil) throws -> [String] {
        self.lines(HeadRewriter.response(try head(.response, lines), connection: connection, ByteBufferAllocator()))
    }

    // MARK: Requests

    @Test func aRequestIsToldWhereItComesFrom() throws {
        #expect(
            try request(["GET /a?b HTTP/1.1", "Host: example.org:80", "Accept: */*"]) == [
                "GET /a?b HTTP/1.1", "Host: example.org:80", "Accept: */*", "X-Forwarded-For: 192.0.2.7",
                "X-Forwarded-Proto: http", "X-Forwarded-Host: example.org:80", "", "",
            ])
    }

    @Test func anIPv6Client() throws {
        let lines = ["GET / HTTP/1.1", "Host: a"]
        #expect(try request(lines, client: "2001:db8::1").contains("X-Forwarded-For: 2001:db8::1"))
    }

    @Test func earlierProxiesAreKept() throws {
        let rewritten = try request([
            "GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 10.0.0.1", "x-forwarded-for: 10.0.0.2, 10.0.0.3",
            "X-Forwarded-Host: outer", "X-Forwarded-Proto: https",
        ])
        #expect(
            rewritten == [
                "GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.7",
                "X-Forwarded-Proto: http", "X-Forwarded-Host: a", "", "",
            ])
    }

    /// A server that reads fields as variables would take them for ours.
    @Test func fieldsWithUnderscoresForHyphensDoNotPassForOurs() throws {
        let rewritten = try request([
            "GET / HTTP/1.1", "Host: a", "X_Forwarded_For: 10.0.0.1", "x_forwarded-host: b", "X-Forwarded_Proto: https",
            "Content_Length: 5", "Transfer_Encoding: chunked", "Proxy_Authorization: x", "My_Own: kept",
        ])
        #expect(
            rewritten == [
                "GET / HTTP/1.1", "Host: a", "My_Own: kept", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: http",
                "X-Forwarded-Host: a", "", "",
            ])
    }

    /// What it says in a URL counts, and not what it says beside it.
    @Test(arguments: [
        ("GET http://b:81/x?y", "GET /x?y", "b:81"), ("GET HTTP://b", "GET /", "b"), ("GET http://b?y", "GET /?y", "b"),
        ("OPTIONS http://b", "OPTIONS *", "b"), ("OPTIONS http://b/", "OPTIONS /", "b"),
        ("GET https://[::1]:8/", "GET /", "[::1]:8"), ("OPTIONS *", "OPTIONS *", "a"), ("GET //c/d", "GET //c/d", "a"),
    ])
    func aURLIsTakenApart(asked: String, sent: String, host: String) throws {
        let rewritten = try request(["\(asked) HTTP/1.1", "Accept: x", "Host: a"])
        #expect(rewritten.first == "\(sent) HTTP/1.1")
        #expect(rewritten.filter { $0.hasPrefix("Host: ") } == ["Host: \(host)"])
        #expect(rewritten.contains("X-Forwarded-Host: \(host)"))
        #expect(rewritten.contains("Accept: x"))
    }

    @Test func whatIsForAProxyEndsHere() throws {
        let rewritten = try request([
            "GET / HTTP/1.1", "Host: a", "Proxy-Authorization: Basic eA==", "Proxy-Connection: close",
        ])
        #expect(rewritten.filter { $0.hasPrefix("Proxy-") } == [])
        let answer = try response([
            "HTTP/1.1 407 No", "Proxy-Authenticate: Basic", "Proxy-Authentication-Info: x", "Proxy-Connection: close",
            "WWW-Authenticate: Basic",
        ])
        #expect(answer == ["HTTP/1.1 407 No", "WWW-Authenticate: Basic", "", ""])
    }

    @Test func hopByHopFieldsEndHere() throws {
        let rewritten = try request([
            "GET / HTTP/1.1", "Host: a", "Connection: keep-alive, X-Mine", "connection: \t other ,,", "Keep-Alive: 5",
            "Proxy-Connection: keep-alive", "TE: trailers", "Upgrade: h2c", "x-mine: 1", "OTHER: 2", "X-Mine-Too: 3",
            "Trailer: T",
        ])
        #expect(
            rewritten == [
                "GET / HTTP/1.1", "Host: a", "X-Mine-Too: 3", "Trailer: T", "X-Forwarded-For: 192.0.2.7",
                "X-Forwarded-Proto: http", "X-Forwarded-Host: a", "", "",
            ])
    }

    /// A client that names these in `Connection` would otherwise take them from the message.
    @Test func framingAndForwardingCannotBeTakenAway() throws {
        let rewritten = try request([
            "POST / HTTP/1.1", "Host: a", "Content-Length: 5", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Host: h",
            "Connection: Host, Content-Length, Expect, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, close",
        ])
        #expect(
            rewritten == [
                "POST / HTTP/1.1", "Host: a", "Content-Length: 5", "X-Forwarded-For: 10.0.0.1, 192.0.2.7",
                "X-Forwarded-Proto: http", "X-Forwarded-Host: a", "", "",
            ])
        let chunked = try request([
            "POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Connection: transfer-encoding",
        ])
        #expect(chunked.filter { $0.lowercased().hasPrefix("transfer-encoding") } == ["Transfer-Encoding: chunked"])
    }

    @Test func valuesAreKeptAndPaddingIsNot() throws {
        let rewritten = try request(["GET / HTTP/1.1", "hOsT:\t a", "X:", "Y: a:b \t c \t", "Z: é"])
        #expect(rewritten.prefix(5) == ["GET / HTTP/1.1", "hOsT: a", "X: ", "Y: a:b \t c", "Z: é"])
    }

    /// Lines that are as they are to be are copied together; whichever of them are not, each comes out as by itself.
    @Test func whateverStandsBetweenWhatIsKeptEveryLineComesOutWhole() throws {
        let kinds: [(written: String, sent: String?)] = [
            ("A: b", "A: b"), ("A:b", "A: b"), ("A:   b  ", "A: b"), ("A: ", "A: "), ("A:", "A: "),
            ("A:\tb", "A: b"), ("A: b\t", "A: b"), ("Keep-Alive: 1", nil), ("X-Gone: 1", nil),
        ]
        for number in 0..<(kinds.count * kinds.count * kinds.count) {
            let chosen = [number % 9, number / 9 % 9, number / 81].map { kinds[$0] }
            let rest = ["Connection: x-gone", "Host: a"]
            #expect(
                try request(["GET / HTTP/1.1"] + chosen.map(\.written) + rest)
                    == ["GET / HTTP/1.1"] + chosen.compactMap(\.sent) + [
                        "Host: a", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: http", "X-Forwarded-Host: a", "",
                        "",
                    ])
            #expect(
                try response(["HTTP/1.1 200 OK"] + chosen.map(\.written) + ["Connection: x-gone"])
                    == ["HTTP/1.1 200 OK"] + chosen.compactMap(\.sent) + ["", ""])
        }
    }

    @Test func expectAndAuthorizationPass() throws {
        let rewritten = try request([
            "POST / HTTP/1.1", "Host: a", "Expect: 100-continue", "Authorization: Bearer x", "Content-Length: 1",
        ])
        #expect(rewritten.contains("Expect: 100-continue"))
        #expect(rewritten.contains("Authorization: Bearer x"))
    }

    /// RFC 9112, 2.3: a proxy speaks its own version. What HTTP/1.0 does not know is not asked for.
    @Test func anOldVersionBecomesOurs() throws {
        #expect(
            try request(["GET / HTTP/1.0", "Expect: 100-continue", "Connection: upgrade", "Upgrade: x"]) == [
                "GET / HTTP/1.1", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: http", "Host: 127.0.0.1:8080", "",
                "",
            ])
        #expect(try request(["GET / HTTP/1.0", "Host: a"]).contains("Host: a"))
    }

    @Test func anUpgradeIsPassedOn() throws {
        let rewritten = try request([
            "GET / HTTP/1.1", "Host: a", "Connection: keep-alive, Upgrade, X-Mine", "Upgrade: websocket", "X-Mine: 1",
        ])
        #expect(rewritten.suffix(4) == ["Upgrade: websocket", "Connection: upgrade", "", ""])
        #expect(rewritten.filter { $0.hasPrefix("X-Mine") } == [])
    }

    // MARK: Answers

    @Test func anAnswerIsPassedOnInOurVersion() throws {
        let answer = ["HTTP/1.0 404 Not Here: at all", "Server: x", "Content-Length: 3"]
        #expect(
            try response(answer) == ["HTTP/1.1 404 Not Here: at all", "Server: x", "Content-Length: 3", "", ""])
        #expect(try response(["HTTP/1.1 200"]) == ["HTTP/1.1 200", "", ""])
    }

    @Test func theClientsConnectionIsOurs() throws {
        let answer = [
            "HTTP/1.1 200 OK", "Connection: close, X-Mine", "Keep-Alive: timeout=5", "Proxy-Connection: x", "X-Mine: 1",
            "Transfer-Encoding: chunked", "Upgrade: h2c", "Set-Cookie: a", "Set-Cookie: b",
        ]
        let kept = ["HTTP/1.1 200 OK", "Set-Cookie: a", "Set-Cookie: b", "Transfer-Encoding: chunked"]
        #expect(try response(answer) == kept + ["", ""])
        #expect(try response(answer, connection: "close") == kept + ["Connection: close", "", ""])
        #expect(try response(answer, connection: "keep-alive") == kept + ["Connection: keep-alive", "", ""])
    }

    @Test func anUpgradeIsAgreedTo() throws {
        let answer = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-X: y"]
        #expect(
            try response(answer) == [
                "HTTP/1.1 101 Switching Protocols", "Sec-X: y", "Upgrade: websocket", "Connection: upgrade", "", "",
            ])
    }
}
