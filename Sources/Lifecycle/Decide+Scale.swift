// Rules for changing how many replicas there are: by the load, and by hand.

extension Decision {
    /// Follows the autoscaler, unless what it looked at has changed meanwhile.
    mutating func scale(_ request: Command.Scale) {
        let name = request.loadBalancer.service
        guard let service = state.services[name], !service.isEnding,
            service.loadBalancer?.generation == request.loadBalancer.generation, service.version == request.version,
            !service.launchedSpec.replicaPolicy.isFixed, service.replicasForLoad == request.from
        else { return }
        let wanted = service.launchedSpec.replicaPolicy.clipped(request.to)
        guard wanted != request.from else { return }
        record(
            .serviceScaled(
                ServiceScaled(service: name, from: request.from, to: wanted, reason: request.reason)))
    }

    /// Takes one replica away, as a person wants. Another takes its place if as many are wanted; one that
    /// failed, and of which nothing is left, is only forgotten.
    mutating func removeReplica(_ name: ServiceName, _ id: Int) throws(Rejection) {
        guard let service = state.services[name] else {
            throw .noSuchService(name, controller: state.name, existing: state.orderedServices)
        }
        guard let replica = service.replicas[id] else {
            throw .noSuchReplica(id, of: name, controller: state.name, existing: service.orderedReplicas.map(\.id))
        }
        guard replica.isPresent else {
            record(.replicaGone(ReplicaGone(service: name, replica: id, reason: replica.reasonInWords)))
            return
        }
        retire(replica, of: name, .byHand)
    }
}
