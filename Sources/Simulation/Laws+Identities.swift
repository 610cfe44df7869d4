import Lifecycle

extension Laws {
    /// What tells replicas and load balancers apart, of which reports are: an id is one replica's for as long as its
    /// service lives, and a generation that of the event that made it. Law `ids`.
    struct Identities {
        private var services: [ServiceName: Service] = [:]
        /// Of the last load balancer that was made for any service.
        private var lastLoadBalancer = 0

        private struct Service {
            /// Of the replica added last.
            var lastID = 0
            var generations: [Int: Int] = [:]
            var loadBalancer: Int?
        }

        mutating func see(_ stamped: StampedEvent) throws(Violation) {
            switch stamped.event {
            case .serviceUpRequested(let event): services[event.service] = Service()
            case .serviceGone(let event): services[event.service] = nil
            case .controllerTerminated: services = [:]
            case .replicaAdded(let event):
                guard let last = services[event.service]?.lastID, event.replica == last + 1 else {
                    throw Violation(law: "ids", what: "\(event.service) has a replica \(event.replica) again")
                }
                services[event.service]?.lastID = event.replica
                services[event.service]?.generations[event.replica] = stamped.stamp.version
            case .replicaGone(let event): services[event.service]?.generations[event.replica] = nil
            case .loadBalancerAdded(let event):
                guard services[event.service]?.loadBalancer == nil, stamped.stamp.version > lastLoadBalancer else {
                    throw Violation(law: "ids", what: "\(event.service) has two load balancers")
                }
                services[event.service]?.loadBalancer = stamped.stamp.version
                lastLoadBalancer = stamped.stamp.version
            case .loadBalancerGone(let event): services[event.service]?.loadBalancer = nil
            default: break
            }
        }

        func check(_ state: ControllerState) throws(Violation) {
            for (name, service) in state.services {
                guard let known = services[name], service.loadBalancer?.generation == known.loadBalancer,
                    service.replicas.mapValues(\.generation) == known.generations
                else { throw Violation(law: "ids", what: "what there is of \(name) goes by other generations") }
            }
        }
    }
}
