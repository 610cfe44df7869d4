import NIOCore

/// One request and its answer.
struct Exchange {
    let request: MessageHead
    let method: Method
    var requestBody: BodyReader
    /// The replica it is under way at.
    var backend: Backend
    /// The connection, once there is one.
    var upstream: UpstreamConnection?
    /// Replicas it was sent to in vain.
    var tried: [Backend] = []
    /// Whether the backend counts it among those in flight.
    var isCounted = true
    var hasSentBody = false
    /// Whether the final head of the answer has been passed on.
    var hasAnswer = false
    /// Whether any byte of an answer has come.
    var hasAnswerBytes = false
    var answerHead: HeadParser
    var answerBody: BodyReader?
    var keepsUpstream = false
    var keepsClient: Bool

    init(_ request: MessageHead, _ method: Method, _ backend: Backend, headLimit: Int) {
        self.request = request
        self.method = method
        self.backend = backend
        requestBody = BodyReader(request.framing)
        answerHead = HeadParser(kind: .response, limit: headLimit)
        keepsClient = request.isPersistent
    }

    /// Whether it may be sent to another replica although it has been sent to one: only when that one was
    /// a connection whose end crossed the request, no byte of an answer came, and doing it twice would do
    /// no harm.
    var mayBeSentAgain: Bool {
        !hasAnswerBytes && !hasSentBody && method.isIdempotent && upstream?.wasUsed == true
    }

    /// Whether an answer with this status has no body, whatever its fields say (RFC 9112, 6.3).
    func hasNoBody(status: Int) -> Bool { method == .head || status == 204 || status == 304 || status < 200 }
}
