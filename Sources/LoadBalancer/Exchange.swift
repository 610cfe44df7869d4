import NIOCore

/// One request and its answer. It is no value: it would be copied, with all that it holds, at every step of the request.
final class Exchange {
    let request: MessageHead
    let method: Method
    var requestBody: BodyReader
    /// What of the body has been sent, while it can all be sent again; nil when it cannot, or must not be.
    var replay: ByteBuffer?
    /// The replica it is under way at, and is counted at.
    var backend: Backend?
    /// The connection, once there is one.
    var upstream: UpstreamConnection?
    /// Why the last try came to nothing.
    var failure: OwnAnswer?
    /// When it stops looking for a replica, since the first time it found none.
    var givesUpAt: NIODeadline?
    /// Replicas that died with it.
    private var deaths = 0
    /// Where a waiting connection ended as it was sent.
    var crossedAt: Backend?
    var hasSentBody = false
    /// Whether the client sends its body only once it has been told to (RFC 9110, 10.1.1).
    var awaitsContinue: Bool
    /// Whether the final head of the answer has been passed on.
    var hasAnswer = false
    /// Whether any byte of an answer has come.
    var hasAnswerBytes = false
    var answerHead: HeadParser
    var answerBody: BodyReader?
    var keepsUpstream = false
    var keepsClient: Bool

    init(_ request: MessageHead, _ method: Method, headLimit: Int) {
        self.request = request
        self.method = method
        requestBody = BodyReader(request.framing)
        replay = method.isIdempotent ? ByteBuffer() : nil
        answerHead = HeadParser(kind: .response, limit: headLimit)
        keepsClient = request.isPersistent
        awaitsContinue = request.expectation == .toContinue
    }

    /// Notes a part of the body that is being sent.
    func sent(_ body: ByteBuffer, limit: Int) {
        hasSentBody = true
        awaitsContinue = false
        if let kept = replay?.readableBytes, kept + body.readableBytes <= limit {
            replay?.writeImmutableBuffer(body)
        } else {
            replay = nil
        }
    }

    /// Counts a replica that died with it.
    ///
    /// - Returns: whether another may be tried: the request may be what it died of, and is not to take more than two
    ///   along.
    func noteDeath() -> Bool {
        deaths += 1
        return deaths < 2
    }

    /// Whether it may be sent again although it has been sent: only when no byte of an answer came, doing it
    /// twice does no harm, and all that was sent of it is still there.
    var mayBeSentAgain: Bool { !hasAnswerBytes && method.isIdempotent && (!hasSentBody || replay != nil) }

    /// Whether an answer with this status has no body, whatever its fields say (RFC 9112, 6.3).
    func hasNoBody(status: Int) -> Bool { method == .head || status == 204 || status == 304 || status < 200 }
}
