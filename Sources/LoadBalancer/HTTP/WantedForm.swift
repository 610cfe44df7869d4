import NIOCore

/// In which form a client wants words of the load balancer's own: in JSON where its field `Accept` names it.
enum WantedForm {
    static func isJSON(_ head: MessageHead) -> Bool {
        head.fields.contains { field in
            field.meaning == .other && head.withBytes(field.name) { $0.isEqual("accept") }
                && head.withBytes(field.value, namesJSON)
        }
    }

    /// Of a head that nobody could read, or that is not whole: a line that says so is believed, for nothing but the form
    /// of a refusal depends on it.
    static func isJSON(unread bytes: ByteBuffer, limit: Int) -> Bool {
        bytes.withUnsafeReadableBytes { raw in
            UnsafeRawBufferPointer(rebasing: raw.prefix(limit)).split(separator: 10).contains { line in
                guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return false }
                return UnsafeRawBufferPointer(rebasing: line[..<colon]).isEqual("accept")
                    && namesJSON(UnsafeRawBufferPointer(rebasing: line[colon...]))
            }
        }
    }

    private static func namesJSON(_ value: UnsafeRawBufferPointer) -> Bool {
        String(decoding: value, as: UTF8.self).lowercased().contains("json")
    }
}
