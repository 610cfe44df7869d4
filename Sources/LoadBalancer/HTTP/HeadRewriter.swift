import NIOCore

/// Writes the head that is passed on: hop-by-hop fields dropped (RFC 9110, 7.6.1), forwarding fields added.
enum HeadRewriter {
    /// The request as the replica gets it: in our own version, whatever the client's is.
    ///
    /// `X-Forwarded-Host` and `-Proto` are what was asked of us, not what the client says was asked of others: a replica
    /// that makes links of them must be able to rely on them. Who is in front of us passes on the host in `Host`.
    ///
    /// - Parameters:
    ///   - address: the client's.
    ///   - replica: what to name as the host if the client names none, as HTTP/1.0 lets it.
    static func request(
        _ head: MessageHead, client address: String, isSecure: Bool = false, replica: @autoclosure () -> String,
        _ allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        var output = allocator.buffer(capacity: head.bytes.readableBytes + 160)
        guard case .request(_, let name, let target) = head.start else { return output }
        head.bytes.withUnsafeReadableBytes { raw in
            if head.authority == nil {
                output.writeBytes(raw[name.lowerBound..<target.upperBound])
            } else {
                output.writeBytes(raw[name])
                output.writeStaticString(" ")
                writePath(raw, name, target, &output)
            }
            output.writeStaticString(" HTTP/1.1\r\n")
            var host = head.authority
            if let host { writeHost(raw, host, &output) }
            var forwardedFor: [Range<Int>] = []
            var kept = KeptLines(raw: raw)
            let dropped = droppedNames(head, raw)
            for field in head.fields {
                switch field.meaning {
                case .connection, .keepAlive, .te, .transferEncoding, .upgrade: continue
                case .proxyConnection, .proxyAuthorization, .http2Settings: continue
                case .forwardedFor:
                    forwardedFor.append(field.value)
                    continue
                case .forwardedProto, .forwardedHost, .disguised: continue
                // It asks for what HTTP/1.0 does not know.
                case .expect where head.minorVersion == 0: continue
                case .host:
                    if head.authority != nil { continue }
                    host = field.value
                case .contentLength, .expect, .proxyAuthenticate, .proxyAuthenticationInfo, .other: break
                }
                if !dropped.isEmpty, isNamed(raw, field.name, dropped) { continue }
                kept.write(field, &output)
            }
            kept.flush(&output)
            output.writeStaticString("X-Forwarded-For: ")
            for earlier in forwardedFor {
                output.writeBytes(raw[earlier])
                output.writeStaticString(", ")
            }
            output.writeString(address)
            output.writeStaticString(
                isSecure ? "\r\nX-Forwarded-Proto: https\r\n" : "\r\nX-Forwarded-Proto: http\r\n")
            if let host {
                output.writeStaticString("X-Forwarded-Host: ")
                output.writeBytes(raw[host])
            } else {
                output.writeStaticString("Host: ")
                output.writeString(replica())
            }
            output.writeStaticString("\r\n")
            writeFraming(head, raw, &output)
        }
        output.writeStaticString("\r\n")
        return output
    }

    /// The path of a target that was a URL.
    private static func writePath(
        _ raw: UnsafeRawBufferPointer, _ method: Range<Int>, _ path: Range<Int>, _ output: inout ByteBuffer
    ) {
        if path.isEmpty {
            output.writeStaticString(raw[method].elementsEqual("OPTIONS".utf8) ? "*" : "/")
        } else if raw[path.lowerBound] == UInt8(ascii: "?") {
            output.writeStaticString("/")
        }
        output.writeBytes(raw[path])
    }

    private static func writeHost(_ raw: UnsafeRawBufferPointer, _ host: Range<Int>, _ output: inout ByteBuffer) {
        output.writeStaticString("Host: ")
        output.writeBytes(raw[host])
        output.writeStaticString("\r\n")
    }

    /// The answer as the client gets it.
    ///
    /// - Parameters:
    ///   - connection: what to say of the client's connection; nil for nothing.
    ///   - isUnchunked: whether chunks are taken apart on the way, as for clients that know none.
    static func response(
        _ head: MessageHead, connection: StaticString?, isUnchunked: Bool = false, _ allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        var output = allocator.buffer(capacity: head.bytes.readableBytes + 64)
        head.bytes.withUnsafeReadableBytes { raw in
            // The status line with our own version: the replica's says nothing about our connection.
            output.writeStaticString("HTTP/1.1")
            output.writeBytes(raw[8..<(raw.lineFeed(from: 0) ?? 12) + 1])
            var kept = KeptLines(raw: raw)
            let dropped = droppedNames(head, raw)
            for field in head.fields {
                switch field.meaning {
                case .connection, .keepAlive, .transferEncoding, .upgrade: continue
                case .proxyConnection, .proxyAuthenticate, .proxyAuthenticationInfo: continue
                default: break
                }
                if !dropped.isEmpty, isNamed(raw, field.name, dropped) { continue }
                kept.write(field, &output)
            }
            kept.flush(&output)
            writeFraming(head, raw, isUnchunked: isUnchunked, &output)
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
    private static func writeFraming(
        _ head: MessageHead, _ raw: UnsafeRawBufferPointer, isUnchunked: Bool = false, _ output: inout ByteBuffer
    ) {
        if head.framing == .chunked, !isUnchunked { output.writeStaticString("Transfer-Encoding: chunked\r\n") }
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
            HeaderList.forEach(UnsafeRawBufferPointer(rebasing: raw[field.value])) { element in
                guard !element.isEqual("close"), !element.isEqual("keep-alive"), !element.isEqual("upgrade") else {
                    return
                }
                switch FieldName(element) {
                case .host, .contentLength, .expect, .forwardedFor, .forwardedHost, .forwardedProto: break
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

/// Header lines that are passed on. Those that follow one another in the head, and are written as they are to be, are
/// copied as one piece: a head has many short lines, and each copy costs more than its bytes.
private struct KeptLines {
    let raw: UnsafeRawBufferPointer
    /// What has not been copied yet.
    private var piece = 0..<0

    init(raw: UnsafeRawBufferPointer) { self.raw = raw }

    mutating func write(_ field: MessageHead.Field, _ output: inout ByteBuffer) {
        let (name, value) = (field.name, field.value)
        let isPlain =
            value.lowerBound == name.upperBound + 2 && raw[name.upperBound + 1] == 32 && raw[value.upperBound] == 13
        guard isPlain else {
            flush(&output)
            output.writeBytes(raw[name])
            output.writeStaticString(": ")
            output.writeBytes(raw[value])
            output.writeStaticString("\r\n")
            return
        }
        if piece.upperBound != name.lowerBound {
            flush(&output)
            piece = name.lowerBound..<name.lowerBound
        }
        piece = piece.lowerBound..<value.upperBound + 2
    }

    mutating func flush(_ output: inout ByteBuffer) {
        if !piece.isEmpty { output.writeBytes(raw[piece]) }
        piece = 0..<0
    }
}
