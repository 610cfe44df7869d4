import NIOCore
import Testing

@testable import LoadBalancer

/// Where bodies end, however they are cut on the way.
@Suite struct BodyReaderTests {
    /// What reading came to.
    struct Reading: Equatable {
        var body: String
        var isFinished: Bool
        var rest: String
        var failure: String?

        init(body: String, isFinished: Bool = true, rest: String = "", failure: String? = nil) {
            self.body = body
            self.isFinished = isFinished
            self.rest = rest
            self.failure = failure
        }

        init(_ framing: MessageHead.Framing, _ pieces: [ArraySlice<UInt8>]) {
            var reader = BodyReader(framing)
            var buffer = ByteBuffer()
            var taken = ByteBuffer()
            do {
                for piece in pieces {
                    buffer.writeBytes(piece)
                    if var bytes = try reader.read(&buffer) { taken.writeBuffer(&bytes) }
                }
                self.init(
                    body: String(buffer: taken), isFinished: reader.isFinished, rest: String(buffer: buffer))
            } catch {
                // How much of a bad body is passed on before the bad byte depends on how it is cut.
                self.init(body: "", isFinished: false, failure: error.reason)
            }
        }
    }

    private func expect(_ framing: MessageHead.Framing, _ text: String, _ expected: Reading) {
        let bytes = Array(text.utf8)
        #expect(Reading(framing, [bytes[...]]) == expected, "\(text.debugDescription)")
        for cut in 1..<max(1, bytes.count) {
            let reading = Reading(framing, [bytes[..<cut], bytes[cut...]])
            #expect(reading == expected, "\(text.debugDescription) cut at \(cut)")
        }
        #expect(
            Reading(framing, bytes.indices.map { bytes[$0...$0] }) == expected, "\(text.debugDescription) byte by byte")
    }

    // MARK: By length, by the end of the connection

    @Test func aLengthIsExact() {
        expect(.length(5), "hello", Reading(body: "hello"))
        expect(.length(5), "helloGET /", Reading(body: "hello", rest: "GET /"))
        expect(.length(5), "hell", Reading(body: "hell", isFinished: false))
        expect(.none, "GET /", Reading(body: "", rest: "GET /"))
    }

    @Test func aBodyWithoutALengthEndsWithItsConnection() {
        expect(.untilClose, "0\r\n\r\n", Reading(body: "0\r\n\r\n", isFinished: false))
        #expect(BodyReader(.untilClose).endsWithConnection)
        #expect(!BodyReader(.length(1)).endsWithConnection)
        #expect(!BodyReader(.chunked).endsWithConnection)
        #expect(!BodyReader(.none).endsWithConnection)
    }

    // MARK: Chunks

    static let whole = [
        "0\r\n\r\n",
        "000\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        "00000000000000a\r\n0123456789\r\n0\r\n\r\n",
        "A\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n",
        // Data that looks like the end, or like a request.
        "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
        "5;name\r\nhello\r\n0;last=\"one\"\r\n\r\n",
        "5 ; name = \"a;b\" \t; more\r\nhello\r\n0\r\n\r\n",
        "5 \t\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nChecksum: value\r\n\r\n",
        "0\r\nA: 1\r\nB:\r\nC: x:y\r\nD:\t\u{e9}\r\n\r\n",
    ]

    @Test(arguments: whole) func chunksEndWhereTheySay(text: String) {
        expect(.chunked, text, Reading(body: text))
        expect(.chunked, text + "GET / HTTP/1.1\r\n", Reading(body: text, rest: "GET / HTTP/1.1\r\n"))
        let begun = String(decoding: text.utf8.dropLast(), as: UTF8.self)
        expect(.chunked, begun, Reading(body: begun, isFinished: false))
    }

    /// What they say would be believed by a server that puts them with the header.
    @Test(
        arguments: [
            "Content-Length: 5", "transfer-encoding: chunked", "X-Forwarded-For: 10.0.0.1",
            "X_Forwarded_For: 10.0.0.1", "X-Forwarded-Prefix:/", "Host: other", "Connection: close", "Authorization: x",
            "Cookie: a=b", "If-Match: x",
            "Content-Type: x", "Trailer: x", "TE:", "HTTP2-Settings: x",
        ])
    func trailersThatMustBeNoneAreDropped(line: String) {
        let (begin, end) = ("5\r\nhello\r\n0\r\n", "\r\n")
        for (before, after) in [("", ""), ("A: 1\r\n", ""), ("", "B: 2\r\n"), ("A: 1\r\n", "B: 2\r\n")] {
            expect(
                .chunked, begin + before + line + "\r\n" + line + "\r\n" + after + end + "GET /",
                Reading(body: begin + before + after + end, rest: "GET /"))
        }
    }

    static let bad: [(String, String)] = [
        ("\r\n", "not a number"),
        ("g\r\n", "not a number"),
        ("-5\r\nhello\r\n", "not a number"),
        ("+5\r\nhello\r\n", "not a number"),
        (" 5\r\nhello\r\n", "not a number"),
        (";x\r\n", "not a number"),
        ("0x5\r\nhello\r\n", "not a number"),
        ("5_\r\nhello\r\n", "not a number"),
        ("5 _\r\nhello\r\n", "not a number"),
        ("5 5\r\nhello\r\n", "not a number"),
        ("5\t0\r\nhello\r\n", "not a number"),
        ("5\u{b}\r\nhello\r\n", "not a number"),
        ("5\u{0}\r\nhello\r\n", "not a number"),
        ("5\nhello\n", "without a carriage return"),
        ("5;x\nhello\r\n", "without a carriage return"),
        ("5;x\u{0}\r\nhello\r\n", "control characters"),
        ("5\rhello\r\n", "does not end where it says"),
        ("5;x\ry\r\nhello\r\n", "does not end where it says"),
        ("5\r\nhello!\r\n", "does not end where it says"),
        ("5\r\nhello\n0\r\n\r\n", "does not end where it says"),
        ("5\r\nhello\r0\r\n\r\n", "does not end where it says"),
        ("5\r\nhello0\r\n\r\n", "does not end where it says"),
        ("5\r\nhell\r\n0\r\n\r\n", "does not end where it says"),
        ("0\r\n\rx", "does not end where it says"),
        ("0\r\n\n", "a trailer that is not a header line"),
        ("0\r\n X: y\r\n\r\n", "a trailer that is not a header line"),
        ("0\r\n: y\r\n\r\n", "a trailer that is not a header line"),
        ("0\r\nX : y\r\n\r\n", "a trailer that is not a header line"),
        ("0\r\nGET / HTTP/1.1\r\n\r\n", "a trailer that is not a header line"),
        ("0\r\nX\r\n\r\n", "a trailer that is not a header line"),
        ("0\r\nX: y\n\r\n", "control characters"),
        ("0\r\nX: \u{0}\r\n\r\n", "control characters"),
        ("0\r\nX: \u{1}\r\n\r\n", "control characters"),
        ("0\r\nX: \u{7f}\r\n\r\n", "control characters"),
        ("5;x\u{1}\r\nhello\r\n", "control characters"),
        ("0\r\nX: y\rz\r\n\r\n", "does not end where it says"),
        // Sixteen digits could be more than there are numbers for.
        ("0000000000000005\r\n", "too long"),
        ("ffffffffffffffff\r\n", "too long"),
        ("10000000000000005\r\n", "too long"),
    ]

    @Test(arguments: bad) func aBadChunkIsRefused(text: String, reason: String) throws {
        let reading = Reading(.chunked, [ArraySlice(text.utf8)])
        let failure = try #require(reading.failure, "\(text.debugDescription) came to \(reading)")
        #expect(failure.contains(reason))
        expect(.chunked, text, reading)
    }

    @Test func theLargestSizeIsNoOverflow() {
        let text = "fffffffffffffff\r\nx"
        expect(.chunked, text, Reading(body: text, isFinished: false))
    }

    /// A stream of events may go on for days.
    @Test func thereIsNoEndToTheNumberOfChunks() throws {
        var reader = BodyReader(.chunked)
        for _ in 0..<100_000 {
            var buffer = ByteBuffer(string: "1;signature=0123456789abcdef\r\nx\r\n")
            _ = try reader.read(&buffer)
        }
        #expect(!reader.isFinished)
    }

    /// What is no body must end.
    @Test(arguments: ["5;", "0\r\nX: "]) func extensionsAndTrailersAreLimited(start: String) {
        let filling = String(repeating: "x", count: 65_600)
        let reading = Reading(.chunked, [ArraySlice((start + filling).utf8)])
        #expect(reading.failure?.contains("too many") == true)
        let manyLines = String(repeating: "X: y\r\n", count: 20_000)
        #expect(Reading(.chunked, [ArraySlice(("0\r\n" + manyLines).utf8)]).failure?.contains("too many") == true)
    }
}
