import Lifecycle
import NIOCore
import NIOHTTP1

/// One probe on one connection: sends the request, takes the head of the answer, and of its body as much as is asked for.
/// ``Prober`` closes.
final class ProbeExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    enum Failure: Error {
        case timedOut
        case closed
    }

    struct Request: Sendable {
        var endpoint: Endpoint
        var probe: ReadinessProbe
        var path: String
        /// Bytes of the body that are looked at.
        var bodyLimit = 0
    }

    private let request: Request
    private let answer: EventLoopPromise<(HTTPResponseHead, body: String)>
    private var head: HTTPResponseHead?
    private var body = ByteBuffer()

    init(_ request: Request, _ answer: EventLoopPromise<(HTTPResponseHead, body: String)>) {
        self.request = request
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        let probe = request.probe
        var headers = HTTPHeaders([
            ("Host", request.endpoint.description), ("User-Agent", "dwell-probe"), ("Accept", "*/*"),
            ("Connection", "close"),
        ])
        for (name, value) in probe.headers.sorted(by: { $0.key < $1.key }) {
            headers.replaceOrAdd(name: name, value: value)
        }
        if let body = probe.postData {
            if headers["Content-Type"].isEmpty { headers.add(name: "Content-Type", value: "application/json") }
            headers.replaceOrAdd(name: "Content-Length", value: String(body.utf8.count))
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: probe.postData == nil ? .GET : .POST, uri: request.path, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let body = probe.postData {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            // An interim answer (100–199) is not the answer.
            guard head.status.code >= 200 else { return }
            self.head = head
            if request.bodyLimit == 0 { succeed() }
        case .body(let part):
            guard head != nil, body.readableBytes < request.bodyLimit else { return }
            body.writeImmutableBuffer(part)
            if body.readableBytes >= request.bodyLimit { succeed() }
        case .end: succeed()
        }
    }

    private func succeed() {
        guard let head else { return }
        answer.succeed((head, body: String(buffer: body)))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer.fail(Failure.closed)
    }
}
