import NIOCore

/// Writes the head that is passed on: hop-by-hop fields dropped (RFC 9110, 7.6.1), forwarding fields added.
enum HeadRewriter {
    /// The request as the replica gets it.
    static func request(
        _ head: MessageHead, client: SocketAddress?, isSecure: Bool = false, _ allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        var output = allocator.buffer(capacity: head.bytes.readableBytes + 160)
        guard case .request(_, let name, let target) = head.start else { return output }
        let address = client?.ipAddress ?? "unknown"
        head.bytes.withUnsafeReadableBytes { raw in
            output.writeBytes(raw[name.lowerBound..<target.upperBound])
            output.writeStaticString(head.minorVersion == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n")
            var hasHost = false
            var forwardedFor: [Range<Int>] = []
            let dropped = droppedNames(head, raw)
            for field in head.fields {
                switch field.meaning {
                case .connection, .keepAlive, .proxyConnection, .te, .transferEncoding, .upgrade: continue
                case .forwardedFor:
                    forwardedFor.append(field.value)
                    continue
                case .forwardedProto: continue
                case .forwardedHost: hasHost = true
                case .host, .contentLength, .other: break
                }
                if !dropped.isEmpty, isNamed(raw, field.name, dropped) { continue }
                output.writeBytes(raw[field.name])
                output.writeStaticString(": ")
                output.writeBytes(raw[field.value])
                output.writeStaticString("\r\n")
            }
            output.writeStaticString("X-Forwarded-For: ")
            for earlier in forwardedFor {
                output.writeBytes(raw[earlier])
                output.writeStaticString(", ")
            }
            output.writeString(address)
            output.writeStaticString("\r\nX-Forwarded-Proto: ")
            output.writeStaticString(isSecure ? "https\r\n" : "http\r\n")
            if !hasHost, let host = head.fields.first(where: { $0.meaning == .host }) {
                output.writeStaticString("X-Forwarded-Host: ")
                output.writeBytes(raw[host.value])
                output.writeStaticString("\r\n")
            }
            writeFraming(head, raw, &output)
        }
        output.writeStaticString("\r\n")
        return output
    }

    /// The answer as the client gets it.
    ///
    /// - Parameter connection: what to say of the client's connection; nil for nothing.
    static func response(_ head: MessageHead, connection: StaticString?, _ allocator: ByteBufferAllocator) -> ByteBuffer
    {
        var output = allocator.buffer(capacity: head.bytes.readableBytes + 64)
        head.bytes.withUnsafeReadableBytes { raw in
            // The status line with our own version: the replica's says nothing about our connection.
            output.writeStaticString("HTTP/1.1")
            let lineEnd = raw.firstIndex(of: 13) ?? 12
            output.writeBytes(raw[8..<lineEnd])
            output.writeStaticString("\r\n")
            let dropped = droppedNames(head, raw)
            for field in head.fields {
                switch field.meaning {
                case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade: continue
                default: break
                }
                if !dropped.isEmpty, isNamed(raw, field.name, dropped) { continue }
                output.writeBytes(raw[field.name])
                output.writeStaticString(": ")
                output.writeBytes(raw[field.value])
                output.writeStaticString("\r\n")
            }
            writeFraming(head, raw, &output)
        }
        if let connection, !head.isUpgrade {
            output.writeStaticString("Connection: ")
            output.writeStaticString(connection)
            output.writeStaticString("\r\n")
        }
        output.writeStaticString("\r\n")
        return output
    }

    /// The fields of the hop, as they are on the next one.
    private static func writeFraming(_ head: MessageHead, _ raw: UnsafeRawBufferPointer, _ output: inout ByteBuffer) {
        if head.framing == .chunked { output.writeStaticString("Transfer-Encoding: chunked\r\n") }
        guard head.isUpgrade else { return }
        for field in head.fields where field.meaning == .upgrade {
            output.writeStaticString("Upgrade: ")
            output.writeBytes(raw[field.value])
            output.writeStaticString("\r\n")
        }
        output.writeStaticString("Connection: upgrade\r\n")
    }

    /// Names that the `Connection` fields list: they end here. Never those that frame or address the
    /// message, which a client could otherwise take from it.
    private static func droppedNames(_ head: MessageHead, _ raw: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        var names: [UnsafeRawBufferPointer] = []
        for field in head.fields where field.meaning == .connection {
            for element in HeaderList.elements(UnsafeRawBufferPointer(rebasing: raw[field.value])) {
                guard !element.isEqual("close"), !element.isEqual("keep-alive"), !element.isEqual("upgrade") else {
                    continue
                }
                switch FieldName(element) {
                case .host, .contentLength, .forwardedFor, .forwardedHost, .forwardedProto: continue
                default: names.append(element)
                }
            }
        }
        return names
    }

    private static func isNamed(
        _ raw: UnsafeRawBufferPointer, _ name: Range<Int>, _ names: [UnsafeRawBufferPointer]
    ) -> Bool {
        names.contains { candidate in
            candidate.count == name.count
                && zip(candidate, raw[name]).allSatisfy { $0 | 0x20 == $1 | 0x20 }
        }
    }
}
