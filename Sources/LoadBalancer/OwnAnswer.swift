import NIOCore

/// An answer that the load balancer gives itself, because no replica can: in words, and in JSON for
/// clients that ask for it. It ends the connection.
struct OwnAnswer {
    private var status: StaticString
    private var code: String
    private var message: String
    private var service: String?
    private var retryAfterSeconds: Int?

    static func badRequest(_ reason: String) -> OwnAnswer {
        OwnAnswer(status: "400 Bad Request", code: "bad_request", message: "the request has \(reason)")
    }

    static let plainHTTP = OwnAnswer(
        status: "400 Bad Request", code: "https_only", message: "HTTP was spoken where HTTPS is: use https://")

    static func headTooLarge(limit: Int) -> OwnAnswer {
        OwnAnswer(
            status: "431 Request Header Fields Too Large", code: "head_too_large",
            message: "the request's head is longer than \(limit) bytes")
    }

    static let requestTimeout = OwnAnswer(
        status: "408 Request Timeout", code: "request_timeout", message: "the request's head did not come in time")

    static func bodyTimeout(seconds: Double) -> OwnAnswer {
        OwnAnswer(
            status: "408 Request Timeout", code: "request_timeout",
            message: "the request's body did not go on for \(seconds) s")
    }

    static let expectationFailed = OwnAnswer(
        status: "417 Expectation Failed", code: "expectation_failed",
        message: "the request expects something other than 100-continue (its field Expect)")

    static func notImplemented(_ message: String) -> OwnAnswer {
        OwnAnswer(status: "501 Not Implemented", code: "not_implemented", message: message)
    }

    static func badGateway(_ message: String) -> OwnAnswer {
        OwnAnswer(status: "502 Bad Gateway", code: "bad_gateway", message: message)
    }

    static func serviceUnavailable(_ code: String, _ message: String) -> OwnAnswer {
        OwnAnswer(status: "503 Service Unavailable", code: code, message: message, retryAfterSeconds: 1)
    }

    static let tooManyConnections = serviceUnavailable(
        "too_many_connections", "this load balancer has as many connections as it may")

    static func gatewayTimeout(_ message: String) -> OwnAnswer {
        OwnAnswer(status: "504 Gateway Timeout", code: "gateway_timeout", message: message)
    }

    static func noReadyReplica(_ loop: BalancerLoop, heldSeconds: Double? = nil) -> OwnAnswer {
        let waited = heldSeconds.map { " (waited \($0) s)" } ?? ""
        if loop.table.ready.isEmpty {
            if let failure = loop.table.failure { return failed(loop, failure) }
            return unavailable(
                loop, "no_ready_replica", "has no replica that is ready: \(loop.table.explanation)\(waited)")
        }
        return unavailable(loop, "no_ready_replica", "has no replica that accepts connections\(waited)")
    }

    static func tooManyWaiting(_ loop: BalancerLoop, count: Int) -> OwnAnswer {
        unavailable(
            loop, "too_many_waiting",
            "has no replica that is ready: \(loop.table.explanation), and \(count) requests wait already")
    }

    static func shuttingDown(_ loop: BalancerLoop) -> OwnAnswer {
        unavailable(loop, "shutting_down", "is being shut down")
    }

    /// Asking again helps nobody until somebody has acted.
    private static func failed(_ loop: BalancerLoop, _ reason: String) -> OwnAnswer {
        var answer = unavailable(loop, "service_failed", "FAILED: \(reason)")
        answer.retryAfterSeconds = nil
        return answer
    }

    private static func unavailable(_ loop: BalancerLoop, _ code: String, _ message: String) -> OwnAnswer {
        var answer = serviceUnavailable(code, "service \(loop.table.service) \(message)")
        answer.service = loop.table.service
        return answer
    }

    /// The whole answer, as it goes over the wire.
    func bytes(isJSON: Bool, hasBody: Bool, _ allocator: ByteBufferAllocator) -> ByteBuffer {
        let body = isJSON ? json : message + "\n"
        var output = allocator.buffer(capacity: 256 + body.utf8.count)
        output.writeStaticString("HTTP/1.1 ")
        output.writeStaticString(status)
        output.writeStaticString("\r\nContent-Type: ")
        output.writeStaticString(isJSON ? "application/json" : "text/plain; charset=utf-8")
        output.writeString("\r\nContent-Length: \(body.utf8.count)\r\n")
        if let retryAfterSeconds { output.writeString("Retry-After: \(retryAfterSeconds)\r\n") }
        output.writeStaticString("Connection: close\r\n\r\n")
        if hasBody { output.writeString(body) }
        return output
    }

    private var json: String {
        var members = ["\"error\":\(Self.quoted(code))", "\"message\":\(Self.quoted(message))"]
        if let service { members.append("\"service\":\(Self.quoted(service))") }
        return "{\(members.joined(separator: ","))}\n"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 32:
                quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
