extension ControllerState {
    /// Stream versions of the events that commands to come may follow from: see ``Command/causeVersion``. Whoever
    /// takes the events away must keep where these lay.
    public var referredVersions: Set<Int> {
        var versions = Set(pendingDeadlines.map(\.generation))
        versions.formUnion(hooks.map(\.version))
        for service in services.values {
            if let loadBalancer = service.loadBalancer { versions.insert(loadBalancer.generation) }
            versions.formUnion(service.replicas.values.map(\.generation))
        }
        return versions
    }
}
