// A quick way in for the payloads that most of a log is made of.

extension Event {
    /// Reads a payload in exactly the form this build writes it: keys in order, no spaces, no escapes in texts.
    ///
    /// - Parameter spec: reads a service's spec, which is too rich for this, as JSON; nil when it is none.
    /// - Returns: nil for any other form and for types that are rare; whoever asks reads it as JSON then. What it does
    ///   return is what reading it as JSON gives.
    public init?(
        _ type: EventType, flat payload: UnsafeRawBufferPointer, spec: (UnsafeRawBufferPointer) -> ServiceSpec?
    ) {
        var flat = FlatPayload(payload)
        let event = type == .serviceUpRequested ? flat.serviceUpRequested(spec) : flat.event(type)
        guard let event, flat.isAtEnd else { return nil }
        self = event
    }
}

/// Goes over a payload from its beginning; each step is nil, or false, where something else stands.
private struct FlatPayload {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { at == bytes.count }

    mutating func event(_ type: EventType) -> Event? {
        switch type {
        case .replicaAdded: replicaAdded()
        case .replicaLaunchDue: replicaLaunchDue()
        case .replicaLaunched: replicaLaunched()
        case .replicaStarting: replicaStarting()
        case .replicaProbeFailed:
            evidence().map { .replicaProbeFailed(ReplicaProbeFailed(service: $0.1, replica: $0.0, evidence: $0.2)) }
        case .replicaReady:
            evidence().map { .replicaReady(ReplicaReady(service: $0.1, replica: $0.0, evidence: $0.2)) }
        case .replicaNotReady: replicaNotReady()
        case .replicaDraining: replicaDraining()
        case .replicaRemoving: replicaRemoving()
        case .replicaFailed: replicaFailed()
        case .replicaGone: replicaGone()
        case .serviceStatusChanged: serviceStatusChanged()
        case .serviceGone: onlyService().map { .serviceGone(ServiceGone(service: $0)) }
        case .loadBalancerAdded: onlyService().map { .loadBalancerAdded(LoadBalancerAdded(service: $0)) }
        case .loadBalancerRemoving: onlyService().map { .loadBalancerRemoving(LoadBalancerRemoving(service: $0)) }
        case .loadBalancerGone: onlyService().map { .loadBalancerGone(LoadBalancerGone(service: $0)) }
        case .loadBalancerLaunched: loadBalancerLaunched()
        case .serviceDownRequested: onlyService().map { .serviceDownRequested(ServiceDownRequested(service: $0)) }
        case .controllerIdle: controllerIdle()
        case .controllerWoken: controllerWoken()
        case .controllerStarted: controllerStarted()
        case .controllerStopping: controllerStopping()
        case .controllerStopped:
            controllerStopped()
        default: nil
        }
    }

    private mutating func replicaAdded() -> Event? {
        guard has("{") else { return nil }
        var launchAt: Deadline?
        if has("\"launchAt\":") {
            guard let deadline = deadline(), has(",") else { return nil }
            launchAt = deadline
        }
        guard let (replica, service) = replica(), has(",\"version\":"), let version = integer(), has("}")
        else { return nil }
        return .replicaAdded(ReplicaAdded(service: service, replica: replica, version: version, launchAt: launchAt))
    }

    private mutating func replicaLaunchDue() -> Event? {
        guard has("{\"latenessMicroseconds\":"), let lateness = integer(), has(","), let (replica, service) = replica(),
            has("}")
        else { return nil }
        return .replicaLaunchDue(
            ReplicaLaunchDue(service: service, replica: replica, latenessMicroseconds: Int64(lateness)))
    }

    private mutating func replicaLaunched() -> Event? {
        guard has("{"), let endpoint = endpoint(), has(",\"handle\":"), let handle = text(), has(","),
            let (replica, service) = replica(), has("}")
        else { return nil }
        return .replicaLaunched(
            ReplicaLaunched(
                service: service, replica: replica, handle: Handle(rawValue: handle), endpoint: endpoint))
    }

    private mutating func endpoint() -> Endpoint? {
        guard has("\"endpoint\":{\"host\":"), let host = text(), has(",\"port\":"), let number = integer(),
            let port = UInt16(exactly: number), has("}")
        else { return nil }
        return Endpoint(host: host, port: port)
    }

    private mutating func replicaStarting() -> Event? {
        guard has("{\"readyBy\":"), let readyBy = deadline(), has(","), let (replica, service) = replica(), has("}")
        else { return nil }
        return .replicaStarting(ReplicaStarting(service: service, replica: replica, readyBy: readyBy))
    }

    private mutating func evidence() -> (Int, ServiceName, String)? {
        guard has("{\"evidence\":"), let evidence = text(), has(","), let (replica, service) = replica(), has("}")
        else { return nil }
        return (replica, service, evidence)
    }

    private mutating func replicaNotReady() -> Event? {
        guard has("{\"evidence\":"), let evidence = text(), has(",\"readyBy\":"), let readyBy = deadline(), has(","),
            let (replica, service) = replica(), has("}")
        else { return nil }
        return .replicaNotReady(
            ReplicaNotReady(service: service, replica: replica, evidence: evidence, readyBy: readyBy))
    }

    private mutating func replicaDraining() -> Event? {
        guard has("{\"reason\":{\"notWanted\":{}},"), let (replica, service) = replica(), has(",\"until\":"),
            let until = deadline(), has("}")
        else { return nil }
        return .replicaDraining(ReplicaDraining(service: service, replica: replica, reason: .notWanted, until: until))
    }

    private mutating func replicaRemoving() -> Event? {
        guard has("{\"reason\":{\"notWanted\":{}},"), let (replica, service) = replica(), has("}") else { return nil }
        return .replicaRemoving(
            ReplicaRemoving(service: service, replica: replica, reason: .notWanted, latenessMicroseconds: nil))
    }

    private mutating func replicaFailed() -> Event? {
        guard has("{\"reason\":"), let reason = text(), has(","), let (replica, service) = replica(),
            has(",\"status\":"), let word = text(), let status = ReplicaStatus(rawValue: word), has("}")
        else { return nil }
        return .replicaFailed(ReplicaFailed(service: service, replica: replica, status: status, reason: reason))
    }

    private mutating func replicaGone() -> Event? {
        guard has("{") else { return nil }
        var reason: String?
        if has("\"reason\":") {
            guard let text = text(), has(",") else { return nil }
            reason = text
        }
        guard let (replica, service) = replica(), has("}") else { return nil }
        return .replicaGone(ReplicaGone(service: service, replica: replica, reason: reason, leftovers: nil))
    }

    private mutating func serviceStatusChanged() -> Event? {
        guard has("{\"from\":"), let old = text(), let from = ServiceStatus(rawValue: old), has(",") else { return nil }
        var reason: String?
        if has("\"reason\":") {
            guard let text = text(), has(",") else { return nil }
            reason = text
        }
        guard let service = service(), has(",\"to\":"), let new = text(), let to = ServiceStatus(rawValue: new),
            has("}")
        else { return nil }
        return .serviceStatusChanged(ServiceStatusChanged(service: service, from: from, to: to, reason: reason))
    }

    private mutating func loadBalancerLaunched() -> Event? {
        guard has("{\"handle\":"), let handle = text(), has(","), let service = service(), has("}") else { return nil }
        return .loadBalancerLaunched(LoadBalancerLaunched(service: service, handle: Handle(rawValue: handle)))
    }

    mutating func serviceUpRequested(_ spec: (UnsafeRawBufferPointer) -> ServiceSpec?) -> Event? {
        guard has("{"), let endpoint = endpoint(), has(","), let service = service(), has(",\"spec\":") else {
            return nil
        }
        let begin = at
        // The version comes last, so it is looked for from the end.
        guard let comma = bytes.lastIndex(of: UInt8(ascii: ",")), comma > begin else { return nil }
        at = comma
        guard has(",\"version\":"), let version = integer(), has("}"),
            let spec = spec(UnsafeRawBufferPointer(rebasing: bytes[begin..<comma]))
        else { return nil }
        return .serviceUpRequested(
            ServiceUpRequested(service: service, version: version, spec: spec, endpoint: endpoint))
    }

    private mutating func controllerIdle() -> Event? {
        guard has("{\"deadline\":"), let deadline = deadline(), has(",\"idleTimeoutSeconds\":"),
            let seconds = integer(), has("}")
        else { return nil }
        return .controllerIdle(ControllerIdle(deadline: deadline, idleTimeoutSeconds: Double(seconds)))
    }

    private mutating func controllerWoken() -> Event? {
        guard has("{\"idleMicroseconds\":"), let idle = integer(), has(",\"idleVersion\":"), let version = integer(),
            has(","), let service = service(), has("}")
        else { return nil }
        return .controllerWoken(
            ControllerWoken(service: service, idleVersion: version, idleMicroseconds: Int64(idle), reason: nil))
    }

    private mutating func controllerStarted() -> Event? {
        guard has("{\"process\":"), let process = text(), has(",\"tookMicroseconds\":"), let took = integer(), has("}")
        else { return nil }
        return .controllerStarted(ControllerStarted(process: process, tookMicroseconds: Int64(took)))
    }

    private mutating func controllerStopping() -> Event? {
        if let reason = onlyReason() { return .controllerStopping(ControllerStopping(reason: reason)) }
        at = 0
        guard has("{\"idleVersion\":"), let version = integer(), has(",\"latenessMicroseconds\":"),
            let lateness = integer(), has(",\"reason\":"), let word = text(), let reason = StopReason(rawValue: word),
            has("}")
        else { return nil }
        return .controllerStopping(
            ControllerStopping(reason: reason, idleVersion: version, latenessMicroseconds: Int64(lateness)))
    }

    private mutating func onlyReason() -> StopReason? {
        guard has("{\"reason\":"), let word = text(), has("}") else { return nil }
        return StopReason(rawValue: word)
    }

    private mutating func controllerStopped() -> Event? {
        guard has("{") else { return nil }
        var at: Instant?
        if has("\"at\":") {
            guard let instant = instant(), has(",") else { return nil }
            at = instant
        }
        guard has("\"reason\":"), let word = text(), has("}"), let reason = StopReason(rawValue: word) else {
            return nil
        }
        return .controllerStopped(ControllerStopped(reason: reason, terminateAt: nil, at: at))
    }

    private mutating func onlyService() -> ServiceName? {
        guard has("{"), let service = service(), has("}") else { return nil }
        return service
    }

    private mutating func replica() -> (Int, ServiceName)? {
        guard has("\"replica\":"), let replica = integer(), has(","), let service = service() else { return nil }
        return (replica, service)
    }

    private mutating func service() -> ServiceName? {
        guard has("\"service\":"), let text = text() else { return nil }
        return ServiceName(rawValue: text)
    }

    private mutating func instant() -> Instant? {
        guard has("{\"bootID\":"), let bootID = text(), has(",\"bootMicroseconds\":"), let boot = integer(),
            has(",\"wallMicroseconds\":"), let wall = integer(), has("}")
        else { return nil }
        return Instant(wallMicroseconds: Int64(wall), bootMicroseconds: Int64(boot), bootID: bootID)
    }

    private mutating func deadline() -> Deadline? {
        guard has("{\"bootID\":"), let bootID = text(), has(",\"bootMicroseconds\":"), let boot = integer(),
            has(",\"spanMicroseconds\":"), let span = integer(), has(",\"wallMicroseconds\":"), let wall = integer(),
            has("}")
        else { return nil }
        return Deadline(
            wallMicroseconds: Int64(wall), bootMicroseconds: Int64(boot), bootID: bootID,
            spanMicroseconds: Int64(span))
    }
}

extension FlatPayload {
    /// Whether this stands here; then it is gone past.
    private mutating func has(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count - at >= count else { return false }
        for index in 0..<count where bytes[at + index] != text.utf8Start[index] { return false }
        at += count
        return true
    }

    private mutating func text() -> String? {
        guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { return nil }
        var end = at + 1
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
            guard bytes[end] >= 0x20, bytes[end] != UInt8(ascii: "\\") else { return nil }
            end += 1
        }
        guard end < bytes.count else { return nil }
        defer { at = end + 1 }
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[(at + 1)..<end]), as: UTF8.self)
    }

    private mutating func integer() -> Int? {
        let isNegative = at < bytes.count && bytes[at] == UInt8(ascii: "-")
        let first = isNegative ? at + 1 : at
        var (end, value) = (first, 0)
        while end < bytes.count, bytes[end] >= UInt8(ascii: "0"), bytes[end] <= UInt8(ascii: "9") {
            // Eighteen digits cannot overflow; what has more is read the other way.
            guard end - first < 18 else { return nil }
            value = value * 10 + Int(bytes[end] - UInt8(ascii: "0"))
            end += 1
        }
        guard end > first, bytes[first] != UInt8(ascii: "0") || (end == first + 1 && !isNegative) else { return nil }
        at = end
        return isNegative ? -value : value
    }
}
