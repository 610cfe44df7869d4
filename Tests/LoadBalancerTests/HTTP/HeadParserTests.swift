import Testing

@testable import LoadBalancer

/// Heads that are taken, and what is understood of them.
@Suite struct HeadParserTests {
    struct Good: Sendable, CustomTestStringConvertible {
        var text: String
        var start: String
        var fields: [String] = ["Host=a"]
        var framing = MessageHead.Framing.none
        var isPersistent = true
        var isUpgrade = false
        var rest = ""

        var testDescription: String { text.debugDescription }

        var expected: ParsedHead {
            let summary = ParsedHead.Summary(
                startLine: start, fields: fields, framing: framing, isPersistent: isPersistent, isUpgrade: isUpgrade)
            return .complete(summary, rest: rest)
        }
    }

    static let requests: [Good] = [
        Good(text: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", start: "GET / 1.1 get"),
        Good(text: "HEAD /x?y=z HTTP/1.1\r\nHost: a\r\n\r\n", start: "HEAD /x?y=z 1.1 head"),
        Good(text: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", start: "OPTIONS * 1.1 otherIdempotent"),
        Good(text: "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", start: "CONNECT a:1 1.1 connect"),
        Good(text: "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", start: "GET / 1.1 get"),
        Good(text: "get / HTTP/1.1\r\nHost: a\r\n\r\n", start: "get / 1.1 other"),
        Good(text: "M!#$%&'*+-.^_`|~9 / HTTP/1.1\r\nHost: a\r\n\r\n", start: "M!#$%&'*+-.^_`|~9 / 1.1 other"),
        Good(text: "GET /é HTTP/1.1\r\nHost: a\r\n\r\n", start: "GET /é 1.1 get"),
        Good(text: "GET / HTTP/1.0\r\n\r\n", start: "GET / 1.0 get", fields: [], isPersistent: false),
        Good(
            text: "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", start: "GET / 1.0 get",
            fields: ["Connection=Keep-Alive"]),
        Good(
            text: "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", start: "GET / 1.1 get",
            fields: ["Host=a", "Connection=x, CLOSE"], isPersistent: false),
        Good(
            text: "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
            start: "GET / 1.1 get", fields: ["Host=a", "Connection=keep-alive", "Connection=close"],
            isPersistent: false),
        // White space around a value is nobody's; inside, it stays.
        Good(
            text: "GET / HTTP/1.1\r\nhost:a\r\nX: \t b \t c\t \r\nEmpty:\r\nBlank: \t\r\n\r\n", start: "GET / 1.1 get",
            fields: ["host=a", "X=b \t c", "Empty=", "Blank="]),
        Good(
            text: "GET / HTTP/1.1\r\nHost:\r\nColons: a:b: c\r\nBytes: é\r\n\r\n", start: "GET / 1.1 get",
            fields: ["Host=", "Colons=a:b: c", "Bytes=é"]),
        // Empty lines before a request are to be passed over.
        Good(text: "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", start: "GET / 1.1 get"),
        Good(
            text: "POST / HTTP/1.1\r\nHost: a\r\nCONTENT-LENGTH: 0012 \r\n\r\nbody", start: "POST / 1.1 other",
            fields: ["Host=a", "CONTENT-LENGTH=0012"], framing: .length(12), rest: "body"),
        Good(
            text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET", start: "POST / 1.1 other",
            fields: ["Host=a", "Content-Length=0"], rest: "GET"),
        Good(
            text: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999\r\n\r\n",
            start: "POST / 1.1 other", fields: ["Host=a", "Content-Length=999999999999999999"],
            framing: .length(999_999_999_999_999_999)),
        Good(
            text: "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\t\r\n\r\n0", start: "POST / 1.1 other",
            fields: ["Host=a", "transfer-encoding=Chunked"], framing: .chunked, rest: "0"),
        Good(
            text: "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            start: "GET / 1.1 get", fields: ["Host=a", "Connection=Upgrade", "Upgrade=websocket"], isUpgrade: true),
        // One without the other asks for nothing.
        Good(
            text: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", start: "GET / 1.1 get",
            fields: ["Host=a", "Upgrade=websocket"]),
        Good(
            text: "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n", start: "GET / 1.1 get",
            fields: ["Host=a", "Connection=Upgrade"]),
    ]

    static let responses: [Good] = [
        Good(text: "HTTP/1.1 200 OK\r\n\r\n", start: "200 1.1", fields: [], framing: .untilClose),
        Good(text: "HTTP/1.1 200\r\n\r\n", start: "200 1.1", fields: [], framing: .untilClose),
        Good(text: "HTTP/1.1 599 \r\n\r\n", start: "599 1.1", fields: [], framing: .untilClose),
        Good(text: "HTTP/1.1 404 Not Found: here\r\n\r\n", start: "404 1.1", fields: [], framing: .untilClose),
        Good(
            text: "HTTP/1.0 200 OK\r\n\r\nall", start: "200 1.0", fields: [], framing: .untilClose, isPersistent: false,
            rest: "all"),
        Good(
            text: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n", start: "200 1.0",
            fields: ["Connection=keep-alive", "Content-Length=3"], framing: .length(3)),
        Good(
            text: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", start: "200 1.1", fields: ["Content-Length=0"]),
        Good(
            text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", start: "200 1.1",
            fields: ["Transfer-Encoding=chunked"], framing: .chunked),
        Good(
            text: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", start: "101 1.1",
            fields: ["Upgrade=x", "Connection=upgrade"], framing: .untilClose, isUpgrade: true),
    ]

    @Test(arguments: requests) func aRequestIsUnderstood(good: Good) {
        #expect(ParsedHead(.request, good.text) == good.expected)
        #expect(ParsedHead.differences(.request, good.text) == [])
    }

    @Test(arguments: responses) func aResponseIsUnderstood(good: Good) {
        #expect(ParsedHead(.response, good.text) == good.expected)
        #expect(ParsedHead.differences(.response, good.text) == [])
    }

    @Test func nothingIsDecidedBeforeTheEnd() {
        let text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        for end in 0..<text.utf8.count {
            #expect(ParsedHead(.request, [ArraySlice(text.utf8.prefix(end))]) == .incomplete, "after \(end) bytes")
        }
    }

    /// The next head is parsed by the same parser, from where the first ended.
    @Test func headsFollowEachOther() {
        let text = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
        guard case .complete(let first, let rest) = ParsedHead(.request, text + "\r\n" + text) else {
            return #expect(Bool(false), "the first is not complete")
        }
        #expect(ParsedHead(.request, rest) == .complete(first, rest: ""))
    }
}
