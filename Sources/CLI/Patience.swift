import Lifecycle

/// How long a command waits for what cannot be removed. It is tried again for ever, by whoever runs the controller; a
/// person, or a script, is not to wait for ever with it.
struct Patience {
    private static let limit = Duration.seconds(10)
    private var said: Set<String> = []
    private var stuckSince: ContinuousClock.Instant?

    /// Looks at what is left of services that are to go.
    ///
    /// - Parameters:
    ///   - services: all that are waited for.
    ///   - advice: what can be done, beside waiting.
    /// - Throws: when there has been nothing but what cannot be removed for too long.
    mutating func look(_ services: [ServiceState], advice: String) throws(CommandFailure) {
        let stuck = services.compactMap { service in service.leftovers.map { (name: service.name, what: $0) } }
        for service in stuck {
            let line = "service \(service.name): \(service.what); trying again"
            if said.insert(line).inserted { print(line, to: .error) }
        }
        guard !stuck.isEmpty, stuck.count == services.count else {
            stuckSince = nil
            return
        }
        let since = stuckSince ?? .now
        stuckSince = since
        guard ContinuousClock.now - since >= Self.limit else { return }
        throw CommandFailure(
            lines: stuck.map { "service \($0.name) could not be removed so far: \($0.what)" } + [
                "this is tried again and again, and `dwell status` says when it is done; \(advice)"
            ], exitCode: 1)
    }
}

extension ServiceState {
    /// What of it could not be removed at the last try; nil for nothing.
    fileprivate var leftovers: String? {
        for replica in orderedReplicas {
            if case .removing(let removal) = replica.phase, let stuck = removal.stuck { return stuck.leftovers }
        }
        return loadBalancer?.stuck?.leftovers
    }
}
