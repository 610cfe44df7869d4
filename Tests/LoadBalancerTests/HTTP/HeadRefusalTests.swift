import Testing

@testable import LoadBalancer

/// Heads that are refused, because two programs could read them in two ways.
@Suite struct HeadRefusalTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        var text: String
        /// Words that are in the reason.
        var reason: String

        init(_ text: String, _ reason: String) {
            self.text = text
            self.reason = reason
        }

        var testDescription: String { text.debugDescription }
    }

    static let requestLines: [Bad] = [
        Bad("GET /\r\n", "other than METHOD TARGET VERSION"),
        Bad("GET\r\n", "other than METHOD TARGET VERSION"),
        Bad("GET HTTP/1.1\r\n", "other than METHOD TARGET VERSION"),
        Bad("GET  HTTP/1.1\r\n", "target"),
        Bad(" GET / HTTP/1.1\r\n", "method that is not a token"),
        Bad("GE(T / HTTP/1.1\r\n", "method that is not a token"),
        Bad("GÉT / HTTP/1.1\r\n", "method that is not a token"),
        Bad("GET\t/ HTTP/1.1\r\n", "other than METHOD TARGET VERSION"),
        Bad("GET  / HTTP/1.1\r\n", "target"),
        Bad("GET /  HTTP/1.1\r\n", "target"),
        Bad("GET /a b HTTP/1.1\r\n", "target"),
        Bad("GET /a\tb HTTP/1.1\r\n", "target"),
        Bad("GET /\u{7f} HTTP/1.1\r\n", "target"),
        Bad("GET /\u{1} HTTP/1.1\r\n", "target"),
        Bad("GET / HTTP/1.1 \r\n", "target"),
        Bad("GET x HTTP/1.1\r\n", "neither a path nor"),
        Bad("GET * HTTP/1.1\r\n", "neither a path nor"),
        Bad("GET a:80 HTTP/1.1\r\n", "neither a path nor"),
        Bad("GET ftp://a/ HTTP/1.1\r\n", "neither a path nor"),
        Bad("GET http:/a HTTP/1.1\r\n", "neither a path nor"),
        Bad("GET http:// HTTP/1.1\r\n", "host is none"),
        Bad("GET http:///a HTTP/1.1\r\n", "host is none"),
        Bad("GET http://:80/ HTTP/1.1\r\n", "host is none"),
        Bad("GET http://user@a/ HTTP/1.1\r\n", "host is none"),
        Bad("GET http://a#b HTTP/1.1\r\n", "host is none"),
        Bad("GET / HTTP/2.0\r\n", "version"),
        Bad("GET / HTTP/1.2\r\n", "version"),
        Bad("GET / HTTP/1.10\r\n", "version"),
        Bad("GET / HTTP/01.1\r\n", "version"),
        Bad("GET / http/1.1\r\n", "version"),
        Bad("GET / HTTP/1.1\t\r\n", "version"),
        Bad("GET / HTTP/1.1\u{0}\r\n", "NUL"),
        Bad("GET / HTTP/1.1\r\r\n", "carriage return"),
        Bad("GET / HTTP/1.1\rX: y\r\n", "carriage return"),
    ]

    static let fieldLines: [Bad] = [
        Bad("X-No-Colon\r\n", "without a colon"),
        Bad(": empty\r\n", "not a token"),
        Bad("X : space\r\n", "white space around it"),
        Bad("X\t: tab\r\n", "white space around it"),
        Bad(" X: first\r\n", "white space around it"),
        Bad("X: a\r\n folded\r\n", "without a colon"),
        Bad("X: a\r\n folded: more\r\n", "white space around it"),
        Bad("X: a\r\n\tfolded: more\r\n", "white space around it"),
        Bad("X: a\r\n \r\n", "without a colon"),
        Bad("X(Y): a\r\n", "not a token"),
        Bad("X\u{0}: a\r\n", "NUL"),
        Bad("Ünder: a\r\n", "not a token"),
        Bad("X: a\u{0}b\r\n", "NUL"),
        Bad("X: a\u{1}b\r\n", "control characters"),
        Bad("X: a\u{7f}b\r\n", "control characters"),
        Bad("X: a\u{b}b\r\n", "control characters"),
        Bad("X: a\rb: c\r\n", "carriage return"),
        Bad("X: a\r\r\n", "carriage return"),
        Bad("Host: b\r\n", "more than one Host"),
        Bad("hOST: a\r\n", "more than one Host"),
    ]

    /// Heads that end after what is told apart, or in which a body could be measured in two ways.
    static let framings: [Bad] = [
        Bad("Content-Length: 5\r\nContent-Length: 5\r\n", "more than one Content-Length"),
        Bad("Content-Length: 5\r\ncontent-length: 6\r\n", "more than one Content-Length"),
        Bad("Content-Length: 5, 5\r\n", "Content-Length that is not a number"),
        Bad("Content-Length: +5\r\n", "Content-Length that is not a number"),
        Bad("Content-Length: -5\r\n", "Content-Length that is not a number"),
        Bad("Content-Length: 0x5\r\n", "Content-Length that is not a number"),
        Bad("Content-Length: 5a\r\n", "Content-Length that is not a number"),
        Bad("Content-Length: 5 5\r\n", "Content-Length that is not a number"),
        Bad("Content-Length: 5.0\r\n", "Content-Length that is not a number"),
        Bad("Content-Length: \"5\"\r\n", "Content-Length that is not a number"),
        Bad("Content-Length: ٥\r\n", "Content-Length that is not a number"),
        Bad("Content-Length:\r\n", "Content-Length that is not a number"),
        Bad("Content-Length: 1000000000000000000\r\n", "Content-Length that is not a number"),
        Bad("Content-Length: 18446744073709551621\r\n", "Content-Length that is not a number"),
        Bad("Content-Length : 5\r\n", "white space around it"),
        Bad("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "both Content-Length and Transfer-Encoding"),
        Bad("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "both Content-Length and Transfer-Encoding"),
        Bad("Content-Length: 0\r\nTransfer-Encoding: identity\r\n", "both Content-Length and Transfer-Encoding"),
        Bad("Transfer-Encoding: identity\r\n", "other than chunked"),
        Bad("Transfer-Encoding: gzip, chunked\r\n", "other than chunked"),
        Bad("Transfer-Encoding: chunked, identity\r\n", "other than chunked"),
        Bad("Transfer-Encoding: chunked, chunked\r\n", "other than chunked"),
        Bad("Transfer-Encoding: chunked,\r\n", "other than chunked"),
        Bad("Transfer-Encoding: chunked;q=1\r\n", "other than chunked"),
        Bad("Transfer-Encoding: xchunked\r\n", "other than chunked"),
        Bad("Transfer-Encoding: chunkedx\r\n", "other than chunked"),
        Bad("Transfer-Encoding: \"chunked\"\r\n", "other than chunked"),
        Bad("Transfer-Encoding:\r\n", "other than chunked"),
        Bad("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "other than chunked"),
        Bad("Transfer-Encoding: chunked\r\nTransfer-encoding: identity\r\n", "other than chunked"),
        Bad("Transfer-Encoding: \u{b}chunked\r\n", "control characters"),
        Bad("Transfer-Encoding\t: chunked\r\n", "white space around it"),
        Bad("X: y\r\n Transfer-Encoding: chunked\r\n", "white space around it"),
    ]

    static let statusLines: [Bad] = [
        Bad("HTTP/1.1 20 OK\r\n", "status"),
        Bad("HTTP/1.1 2000 OK\r\n", "status line"),
        Bad("HTTP/1.1 200OK\r\n", "status line"),
        Bad("HTTP/1.1  200 OK\r\n", "status"),
        Bad("HTTP/1.1 -20 OK\r\n", "not a number"),
        Bad("HTTP/1.1 099 OK\r\n", "100 to 599"),
        Bad("HTTP/1.1 600 OK\r\n", "100 to 599"),
        Bad("HTTP/2.0 200 OK\r\n", "version"),
        Bad("ICY/1.0. 200 OK\r\n", "version"),
        Bad("HTTP/1.1\r\n", "status line"),
        Bad("\r\n", "status line"),
    ]

    private func expect(_ kind: HeadParser.Kind, _ text: String, refusedFor reason: String) {
        let parsed = ParsedHead(kind, text)
        guard case .malformed(let said) = parsed else {
            Issue.record("\(text.debugDescription) came to \(parsed)")
            return
        }
        #expect(said.contains(reason), "\(text.debugDescription)")
        #expect(ParsedHead.differences(kind, text) == [])
    }

    @Test(arguments: requestLines) func aRequestLineIsRefused(bad: Bad) {
        expect(.request, bad.text + "Host: a\r\n\r\n", refusedFor: bad.reason)
    }

    @Test(arguments: fieldLines) func aFieldLineIsRefused(bad: Bad) {
        expect(.request, "GET / HTTP/1.1\r\nHost: a\r\n\(bad.text)\r\n", refusedFor: bad.reason)
    }

    @Test(arguments: framings) func aFramingIsRefused(bad: Bad) {
        expect(.request, "POST / HTTP/1.1\r\nHost: a\r\n\(bad.text)\r\n", refusedFor: bad.reason)
        expect(.response, "HTTP/1.1 200 OK\r\n\(bad.text)\r\n", refusedFor: bad.reason)
    }

    @Test(arguments: statusLines) func aStatusLineIsRefused(bad: Bad) {
        expect(.response, bad.text + "X: y\r\n\r\n", refusedFor: bad.reason)
    }

    @Test func aHostIsNeeded() {
        expect(.request, "GET / HTTP/1.1\r\nX: y\r\n\r\n", refusedFor: "no Host")
        expect(.request, "GET / HTTP/1.1\r\n\r\n", refusedFor: "no Host")
        expect(.request, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", refusedFor: "more than one Host")
    }

    @Test(arguments: ["a b/@c", "a@b", "a/b", "a?b", ":80", "a\\b", "a#b", "a,b c", "häuser"])
    func aHostIsOne(host: String) {
        expect(.request, "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n", refusedFor: "a Host that is none")
        expect(.request, "GET http://a/ HTTP/1.1\r\nHost: \(host)\r\n\r\n", refusedFor: "a Host that is none")
    }

    @Test func transferEncodingNeedsHTTP11() {
        expect(
            .request, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            refusedFor: "Transfer-Encoding in HTTP/1.0")
        expect(
            .response, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            refusedFor: "Transfer-Encoding in HTTP/1.0")
    }

    /// A bare line feed is refused where it stands, without waiting for the end that may never come.
    @Test(arguments: ["GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nHost: a\n", "\n", "GET / HTTP/1.1\r\nHost: a\r\n\n"])
    func aBareLineFeedIsRefusedAtOnce(text: String) {
        expect(.request, text, refusedFor: "without a carriage return")
        expect(.response, text, refusedFor: "without a carriage return")
    }

    @Test(arguments: [HeadParser.Kind.request, .response]) func aLongHeadIsRefused(kind: HeadParser.Kind) {
        let start = kind == .request ? "GET / HTTP/1.1\r\nHost: a\r\nX: " : "HTTP/1.1 200 OK\r\nX: "
        let limit = 100
        let fits = start + String(repeating: "x", count: limit - start.utf8.count - 4) + "\r\n\r\n"
        guard case .complete = ParsedHead(kind, fits, limit: limit) else {
            Issue.record("\(limit) bytes do not fit")
            return
        }
        #expect(ParsedHead.differences(kind, fits, limit: limit) == [])
        let long = start + String(repeating: "x", count: limit - start.utf8.count - 3) + "\r\n\r\n"
        #expect(ParsedHead(kind, long, limit: limit) == .tooLarge)
        #expect(ParsedHead.differences(kind, long, limit: limit) == [])
        // Without an end in sight as well.
        #expect(ParsedHead(kind, String(repeating: "x", count: limit), limit: limit) == .incomplete)
        #expect(ParsedHead(kind, String(repeating: "x", count: limit + 1), limit: limit) == .tooLarge)
    }

    /// What follows the head is not counted with it.
    @Test func aLongBodyBehindAShortHeadIsNoLongHead() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n"
        guard case .complete = ParsedHead(.request, head + String(repeating: "x", count: 500), limit: 100) else {
            Issue.record("refused")
            return
        }
    }

    /// Values are looked at eight bytes at a time.
    @Test func everyByteIsJudgedWhereverItStandsInAValue() {
        for byte in UInt8.min...UInt8.max {
            for length in 0..<20 {
                for place in 0..<length {
                    var value = [UInt8](repeating: UInt8(ascii: "x"), count: length)
                    value[place] = byte
                    #expect(value.withUnsafeBytes { $0.areFieldBytes(0..<length) } == byte.isFieldByte)
                }
            }
        }
    }

    @Test func tokensAreWhatTheRFCSays() {
        let letters = Array("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8.min...UInt8.max { #expect(byte.isTokenByte == letters.contains(byte)) }
    }
}
