import Lifecycle
import Synchronization

/// The sockets that load balancers listen on, held here too. While one that has died is started again, who connects waits
/// in the kernel's line instead of being refused.
///
/// Nothing relies on it: a controller process that takes a load balancer over has no part in its socket, and binds anew.
final class KeptListeners: Sendable {
    /// A socket that several may hold.
    final class Shared: Sendable {
        let listener: Listener

        init(_ endpoint: Endpoint) throws(SystemError) { listener = try Listener(endpoint) }
    }

    private let held = Mutex<[LoadBalancerReference: Shared]>([:])

    /// The socket of a load balancer, bound if there is none.
    func socket(of reference: LoadBalancerReference, at endpoint: Endpoint) throws(SystemError) -> Shared {
        if let shared = held.withLock({ $0[reference] }) { return shared }
        let shared = try Shared(endpoint)
        held.withLock { $0[reference] = shared }
        return shared
    }

    /// Lets go of it: nobody takes those who wait there for now, or ever again.
    func release(_ reference: LoadBalancerReference) {
        _ = held.withLock { $0.removeValue(forKey: reference) }
    }
}
