// A quick way out for the payloads that most of a log is made of.

extension Event {
    /// The payload as JSON, its keys in order; nil for types that are rare and where a text needs escapes, which
    /// whoever asks writes the slow way. What it does return is what that gives, to the byte.
    public var flatPayload: [UInt8]? {
        var flat = FlatWriter()
        switch self {
        case .replicaAdded(let it):
            flat.put("{")
            if let launchAt = it.launchAt {
                flat.put("\"launchAt\":")
                flat.add(launchAt)
                flat.put(",")
            }
            flat.add(it.replica, of: it.service)
            flat.put(",\"version\":")
            flat.add(it.version)
        case .replicaLaunched(let it):
            flat.put("{\"endpoint\":{\"host\":")
            flat.add(it.endpoint.host)
            flat.put(",\"port\":")
            flat.add(Int(it.endpoint.port))
            flat.put("},\"handle\":")
            flat.add(it.handle.rawValue)
            flat.put(",")
            flat.add(it.replica, of: it.service)
        case .replicaStarting(let it):
            flat.put("{\"readyBy\":")
            flat.add(it.readyBy)
            flat.put(",")
            flat.add(it.replica, of: it.service)
        case .replicaProbeFailed(let it): flat.add(it.evidence, it.replica, of: it.service)
        case .replicaReady(let it): flat.add(it.evidence, it.replica, of: it.service)
        case .replicaNotReady(let it):
            flat.put("{\"evidence\":")
            flat.add(it.evidence)
            flat.put(",\"readyBy\":")
            flat.add(it.readyBy)
            flat.put(",")
            flat.add(it.replica, of: it.service)
        case .serviceStatusChanged(let it):
            flat.put("{\"from\":")
            flat.add(it.from.rawValue)
            if let reason = it.reason {
                flat.put(",\"reason\":")
                flat.add(reason)
            }
            flat.put(",\"service\":")
            flat.add(it.service.rawValue)
            flat.put(",\"to\":")
            flat.add(it.to.rawValue)
        case .serviceGone(let it): flat.addOnly(it.service)
        case .loadBalancerAdded(let it): flat.addOnly(it.service)
        case .loadBalancerRemoving(let it): flat.addOnly(it.service)
        case .loadBalancerLaunched(let it):
            flat.put("{\"handle\":")
            flat.add(it.handle.rawValue)
            flat.put(",\"service\":")
            flat.add(it.service.rawValue)
        default: return nil
        }
        flat.put("}")
        return flat.needsEscapes ? nil : flat.bytes
    }
}

private struct FlatWriter {
    private(set) var bytes: [UInt8] = []
    private(set) var needsEscapes = false

    init() { bytes.reserveCapacity(256) }

    /// As it is.
    mutating func put(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func add(_ number: Int) {
        // By hand, without a text between: it is most of what a deadline is made of.
        guard number >= 0 else { return bytes.append(contentsOf: String(number).utf8) }
        let first = bytes.count
        var rest = number
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[first...].reverse()
    }

    /// In quotes.
    mutating func add(_ text: String) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { utf8 in
            needsEscapes =
                needsEscapes
                || utf8.contains {
                    $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") || $0 == 0x7f
                }
            bytes.append(contentsOf: utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func add(_ deadline: Deadline) {
        put("{\"bootID\":")
        add(deadline.bootID)
        put(",\"bootMicroseconds\":")
        add(Int(deadline.bootMicroseconds))
        put(",\"spanMicroseconds\":")
        add(Int(deadline.spanMicroseconds))
        put(",\"wallMicroseconds\":")
        add(Int(deadline.wallMicroseconds))
        put("}")
    }

    mutating func add(_ replica: Int, of service: ServiceName) {
        put("\"replica\":")
        add(replica)
        put(",\"service\":")
        add(service.rawValue)
    }

    mutating func add(_ evidence: String, _ replica: Int, of service: ServiceName) {
        put("{\"evidence\":")
        add(evidence)
        put(",")
        add(replica, of: service)
    }

    mutating func addOnly(_ service: ServiceName) {
        put("{\"service\":")
        add(service.rawValue)
    }
}
