import Foundation
import NIOCore
import Testing

@testable import LoadBalancer

/// The words of the answers that no replica gave.
@Suite struct OwnAnswerTests {
    private func text(_ answer: OwnAnswer, isJSON: Bool = false, hasBody: Bool = true) -> String {
        String(buffer: answer.bytes(isJSON: isJSON, hasBody: hasBody, ByteBufferAllocator()))
    }

    @Test func inPlainText() {
        let head = [
            "HTTP/1.1 400 Bad Request", "Content-Type: text/plain; charset=utf-8", "Content-Length: 30",
            "Connection: close",
        ]
        let expected = head.map { $0 + "\r\n" }.joined() + "\r\nthe request has no Host field\n"
        #expect(text(.badRequest("no Host field")) == expected)
    }

    @Test func inJSON() throws {
        let answer = text(.badGateway("a \"quoted\" back\\slash\nand é\u{1}"), isJSON: true)
        let (head, body) = try #require(answer.splitOnce("\r\n\r\n"))
        #expect(head.contains("Content-Type: application/json\r\n"))
        #expect(head.contains("Content-Length: \(body.utf8.count)\r\n"))
        let members = try JSONDecoder().decode([String: String].self, from: Data(body.utf8))
        #expect(members == ["error": "bad_gateway", "message": "a \"quoted\" back\\slash\nand é\u{1}"])
    }

    @Test func aHeadRequestGetsTheLengthAndNoBody() {
        let answer = text(.requestTimeout, hasBody: false)
        #expect(answer.hasSuffix("\r\n\r\n"))
        #expect(answer.contains("Content-Length: 40\r\n"))
    }

    @Test(arguments: [
        ("400 Bad Request", OwnAnswer.badRequest("x")), ("408 Request Timeout", .requestTimeout),
        ("431 Request Header Fields Too Large", .headTooLarge(limit: 9)), ("501 Not Implemented", .notImplemented("x")),
        ("502 Bad Gateway", .badGateway("x")), ("503 Service Unavailable", .serviceUnavailable("c", "x")),
        ("504 Gateway Timeout", .gatewayTimeout("x")),
    ])
    func everyOneEndsTheConnection(status: String, answer: OwnAnswer) {
        let answer = text(answer)
        #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(answer.contains("\r\nRetry-After: 1\r\n") == status.hasPrefix("503"))
    }
}
