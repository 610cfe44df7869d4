import Lifecycle

extension Laws {
    /// Where services are reached: each at an endpoint of its own among all of a home, the first of those it could have
    /// that was free, and the same until it is gone. A part of law L7.
    struct Endpoints {
        private var held: [Place: Endpoint] = [:]

        private struct Place: Hashable {
            var controller: ControllerName
            var service: ServiceName
        }

        mutating func see(_ transaction: Transaction) throws(Violation) {
            let controller = transaction.after.name
            for stamped in transaction.events {
                switch stamped.event {
                case .serviceUpRequested(let event):
                    guard case .up(let request) = transaction.command else { continue }
                    let free = request.candidatePorts.first { port in !held.values.contains { $0.port == port } }
                    guard event.endpoint.host == request.host, event.endpoint.port == free else {
                        throw Violation(law: "L7", what: "\(event.service) is given \(event.endpoint)")
                    }
                    held[Place(controller: controller, service: event.service)] = event.endpoint
                case .serviceGone(let event): held[Place(controller: controller, service: event.service)] = nil
                case .controllerTerminated: held = held.filter { $0.key.controller != controller }
                default: break
                }
            }
            for (name, service) in transaction.after.services
            where held[Place(controller: controller, service: name)] != service.endpoint {
                throw Violation(law: "L7", what: "the endpoint of \(name) has become \(service.endpoint)")
            }
        }

        /// A load balancer listens where its service is reached.
        func checkListens(_ reference: LoadBalancerReference, at endpoint: Endpoint, on controller: ControllerName)
            throws(Violation)
        {
            guard held[Place(controller: controller, service: reference.service)] != endpoint else { return }
            throw Violation(law: "L7", what: "the load balancer of \(reference.service) listens at \(endpoint)")
        }
    }
}
