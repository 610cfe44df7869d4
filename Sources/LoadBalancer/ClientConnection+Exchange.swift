import NIOCore

// One request seen through: sent to a replica, its answer passed on.

extension ClientConnection {
    /// Sends the request of the exchange to a replica, or lets it wait for one.
    func dispatch() {
        guard exchange != nil else { return }
        if let backend = loop.choose() {
            exchange?.backend = backend
            loop.begin(backend)
            return send()
        }
        let now = NIODeadline.now()
        let holdSeconds = loop.configuration.holdSeconds
        let givesUpAt = exchange?.givesUpAt ?? now + .nanoseconds(Int64(holdSeconds * 1e9))
        exchange?.givesUpAt = givesUpAt
        state = .held
        guard now < givesUpAt else { return heldTooLong() }
        // It may be full, or there may be nothing to wait for.
        if let refusal = loop.hold(self) { refuse(exchange?.failure ?? refusal) }
    }

    func heldTooLong() {
        refuse(exchange?.failure ?? .noReadyReplica(loop, heldSeconds: loop.configuration.holdSeconds))
    }

    /// Sends the request to its backend, over a connection that waits or a new one.
    private func send() {
        guard let backend = exchange?.backend else { return }
        touch()
        if let waiting = loop.idleConnection(backend, lastActivity) { return send(over: waiting) }
        guard loop.makeRoomForUpstream() else { return refuse(.tooManyConnections) }
        state = .connecting
        loop.connect(backend) { result in
            switch result {
            case .success(let connection):
                backend.answered()
                guard case .connecting = self.state, self.exchange?.backend === backend else {
                    return connection.close()
                }
                self.touch()
                self.send(over: connection)
            case .failure:
                backend.eject(.now())
                guard case .connecting = self.state else { return }
                let failure = OwnAnswer.badGateway("replica \(backend.route.replica) refuses connections")
                // It did not cross the end of a waiting connection then: the replica died with it.
                if self.exchange?.crossedAt === backend, self.exchange?.noteDeath() == false {
                    return self.refuse(failure)
                }
                self.tryAnother(failure)
            }
        }
    }

    private func send(over upstream: UpstreamConnection) {
        guard let exchange else { return upstream.close() }
        exchange.upstream = upstream
        state = .exchanging
        upstream.serve(self)
        let route = upstream.backend.route
        upstream.write(
            HeadRewriter.request(
                exchange.request, client: address, isSecure: isSecure, replica: "\(route.host):\(route.port)",
                allocator))
        if let replay = exchange.replay, replay.readableBytes > 0 { upstream.write(replay) }
        passRequestBody()
        upstream.flush()
        upstream.read()
    }

    /// Looks for another replica after a try that came to nothing; `failure` says why it did.
    private func tryAnother(_ failure: OwnAnswer) {
        if let backend = exchange?.backend { loop.end(backend) }
        exchange?.backend = nil
        exchange?.upstream = nil
        exchange?.failure = failure
        dispatch()
    }

    /// Forgets the exchange, and with it the connection to the replica.
    func abandonExchange() {
        guard let exchange else { return }
        self.exchange = nil
        if let backend = exchange.backend { loop.end(backend) }
        exchange.upstream?.close()
    }

    // MARK: What the replica says

    func upstreamRead() {
        touch()
        switch state {
        case .exchanging: passAnswer()
        case .tunnel(let upstream):
            if upstream.buffer.readableBytes > 0 {
                write(upstream.buffer)
                flush()
                upstream.buffer.clear()
            }
            if isWritable { upstream.read() }
        case .awaitingHead, .held, .connecting, .closing: break
        }
    }

    private func passAnswer() {
        guard let upstream = exchange?.upstream else { return }
        if upstream.buffer.readableBytes > 0 { exchange?.hasAnswerBytes = true }
        do throws(MalformedHead) {
            while exchange?.answerBody == nil {
                guard try passAnswerHead(upstream) else { break }
                if case .exchanging = state { continue }
                return
            }
            if try passAnswerBody(upstream) { return finish() }
        } catch {
            let replica = exchange?.backend?.route.replica ?? 0
            if cutOff() { return }
            return refuse(.badGateway("replica \(replica) sent \(error.reason)"))
        }
        flush()
        if isWritable { upstream.read() }
    }

    /// Passes on what has come of the body.
    ///
    /// - Returns: whether that was the last of it.
    private func passAnswerBody(_ upstream: UpstreamConnection) throws(MalformedHead) -> Bool {
        guard var body = exchange?.answerBody else { return false }
        defer { exchange?.answerBody = body }
        if let bytes = try body.read(&upstream.buffer) { write(bytes) }
        return body.isFinished
    }

    /// Ends an answer that goes wrong after its head: what was good of it is passed on, whether it came with the fault or
    /// before it, and then the client sees that it is not whole. One that would take the end of its connection for the
    /// end of the answer gets no more.
    ///
    /// - Returns: whether there was one to end.
    private func cutOff() -> Bool {
        guard exchange?.hasAnswer == true, let body = exchange?.answerBody, !body.isUnchunked else { return false }
        if let bytes = body.beforeFault { write(bytes) }
        abandonExchange()
        state = .closing
        endAfterFlush()
        return true
    }

    /// Passes one head on, if there is a whole one.
    private func passAnswerHead(_ upstream: UpstreamConnection) throws(MalformedHead) -> Bool {
        guard let exchange else { return false }
        let outcome = exchange.answerHead.parse(&upstream.buffer)
        switch outcome {
        case .incomplete: return false
        case .malformed(let reason): throw MalformedHead(reason: reason)
        case .tooLarge: throw MalformedHead(reason: "a head of more than \(loop.configuration.headLimit) bytes")
        case .complete(let head):
            guard case .response(let status) = head.start else { return false }
            if status == 101 { return try upgrade(head, upstream) }
            if status < 200 {
                self.exchange?.awaitsContinue = false
                // An interim answer, like 100 Continue; HTTP/1.0 clients know none.
                if exchange.request.minorVersion == 1 {
                    write(HeadRewriter.response(head, connection: nil, allocator))
                }
                return true
            }
            answer(head, status, exchange)
            return true
        }
    }

    private func answer(_ head: MessageHead, _ status: Int, _ exchange: Exchange) {
        let framing: MessageHead.Framing = exchange.hasNoBody(status: status) ? .none : head.framing
        // HTTP/1.0 knows no chunks: it gets what is in them, up to the end of its connection.
        let isUnchunked = exchange.request.minorVersion == 0 && head.framing == .chunked
        let isClosed = framing == .untilClose
        exchange.keepsUpstream = head.isPersistent && !isClosed
        exchange.keepsClient =
            exchange.keepsClient && !isClosed && !(isUnchunked && framing == .chunked) && !loop.isDraining
            && isSecure == loop.isSecure
            // A body that has not been sent whole stands between this request and the next.
            && exchange.requestBody.isFinished
            && (!hasEnded || buffer.readableBytes > 0)
        exchange.hasAnswer = true
        exchange.answerBody = BodyReader(framing, isUnchunked: isUnchunked)
        let connection: StaticString? =
            exchange.keepsClient ? (exchange.request.minorVersion == 0 ? "keep-alive" : nil) : "close"
        write(HeadRewriter.response(head, connection: connection, isUnchunked: isUnchunked, allocator))
    }

    private func upgrade(_ head: MessageHead, _ upstream: UpstreamConnection) throws(MalformedHead) -> Bool {
        guard let exchange, exchange.request.isUpgrade, head.isUpgrade else {
            throw MalformedHead(reason: "101 Switching Protocols that nobody asked for")
        }
        write(HeadRewriter.response(head, connection: nil, allocator))
        // The tunnel holds the connection from here on; the exchange only what it counts for.
        state = .tunnel(upstream)
        if upstream.buffer.readableBytes > 0 {
            write(upstream.buffer)
            upstream.buffer.clear()
        }
        flush()
        process()
        if hasEnded { upstream.endOutput() }
        upstream.read()
        read()
        return true
    }

    private func finish() {
        guard let exchange, let upstream = exchange.upstream else { return }
        self.exchange = nil
        if let backend = exchange.backend { loop.end(backend) }
        if exchange.keepsUpstream, exchange.requestBody.isFinished {
            loop.keep(upstream, lastActivity)
        } else {
            upstream.close()
        }
        guard exchange.keepsClient, !loop.isDraining || buffer.readableBytes > 0 else {
            state = .closing
            // The rest of the request's body may still be coming.
            return exchange.requestBody.isFinished ? endAfterFlush() : lingerAfterFlush()
        }
        // Its memory goes back to the channel, which reads the next request into it.
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        // Before the flush, in which the client may turn out to be gone; then nothing of it goes on.
        state = .awaitingHead(HeadParser(kind: .request, limit: loop.configuration.headLimit))
        flush()
        // The next request may have come already.
        process()
    }

    func upstreamIsWritable() {
        switch state {
        case .exchanging where exchange?.requestBody.isFinished == false: read()
        case .tunnel: read()
        case .awaitingHead, .held, .connecting, .exchanging, .closing: break
        }
    }

    /// The replica's connection ended.
    func upstreamClosed() {
        switch state {
        case .tunnel: endAfterFlush()
        case .exchanging:
            guard let exchange else { return }
            // What had come before the end is passed on first.
            if let body = exchange.answerBody, body.endsWithConnection {
                self.exchange?.keepsUpstream = false
                self.exchange?.keepsClient = false
                return finish()
            }
            guard let backend = exchange.backend, let upstream = exchange.upstream else { return }
            let failure = OwnAnswer.badGateway(
                "replica \(backend.route.replica) closed the connection before its answer was complete")
            if upstream.wasUsed, exchange.mayBeSentAgain {
                // The end of a waiting connection crossed the request: once more, over another.
                self.exchange?.upstream = nil
                self.exchange?.crossedAt = backend
                return send()
            }
            if !upstream.wasUsed, !exchange.hasAnswerBytes { backend.eject(.now()) }
            guard exchange.mayBeSentAgain, self.exchange?.noteDeath() == true else { return refuse(failure) }
            tryAnother(failure)
        case .awaitingHead, .held, .connecting, .closing: break
        }
    }

    func exchangeTimedOut() {
        let seconds = loop.configuration.rules.streamTimeoutSeconds
        let replica = exchange?.backend?.route.replica ?? 0
        refuse(.gatewayTimeout("replica \(replica) said nothing for \(seconds) s (stream_timeout_seconds)"))
    }
}
