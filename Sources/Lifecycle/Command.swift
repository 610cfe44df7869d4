/// Something somebody wants, or something that was observed. Every input is a command: what people
/// type, a deadline that is due, a replica's exit, a probe's verdict.
///
/// Commands from people are refused (``Rejection``) when they make no sense. Reports from the
/// controller process are not, but for taking over what needs no process: one that comes too late
/// changes nothing.
public enum Command: Hashable, Sendable {
    // From people.
    case up(Up)
    case update(Update)
    /// Take services down, and forget what of them cannot be removed once that was tried.
    case purge([ServiceName])
    /// Take one replica away; another takes its place if as many are wanted.
    case removeReplica(ServiceName, replica: Int)
    /// Take services down. Names that are already on their way out are fine.
    case down([ServiceName])
    case start(policy: AutostopPolicy)
    case stop
    case terminate(force: Bool)
    /// Changes what the policy says on the command line's behalf; the rest of it stays. A new window counts from
    /// now, unless the clock is kept: then from when idleness began.
    case setAutostop(AutostopPolicy, keepClock: Bool = false)
    /// Do not stop it by itself, for so many seconds or until ``resumeAutostop``.
    case pauseAutostop(seconds: Double?, reason: String?)
    case resumeAutostop

    // From the controller process and its keeper.
    /// A controller process holds the lease and begins. It takes over from the process that it saw recorded, and that
    /// has ended, or from none; once another is recorded, that has to be looked at anew.
    case takeOver(process: String, from: String? = nil)
    /// No controller process could be brought to take the lease.
    case startFailed(reason: String)
    case deadlineReached(PendingDeadline.Key, generation: Int)
    /// A hook is about to run, and has ended; each is named by the version of the event it is for.
    case hookStarted(Int)
    case hookEnded(Int, HookOutcome)
    /// Everything the controller held is freed.
    case stopFinished
    case terminationFinished

    // About a service's load balancer, and what it sees.
    /// The load asks for another number of replicas.
    case scale(Scale)
    case loadBalancerLaunched(LoadBalancerReference, Handle)
    case loadBalancerEnded(LoadBalancerReference, reason: String)
    case loadBalancerRemoved(LoadBalancerReference)
    /// Something of it could not be removed.
    case loadBalancerRemovalFailed(LoadBalancerReference, leftovers: String)

    /// A service that is to go when nobody asks for it has not been asked for long enough.
    case serviceUnused(LoadBalancerReference, version: Int, idleMicroseconds: Int64)
    /// What one of ``AutostopPolicy/waitFor`` says; `evidence` in words.
    case useSeen(String, isActive: Bool, evidence: String)

    // About a replica.
    case replicaLaunched(ReplicaReference, Handle, Endpoint)
    case replicaLaunchFailed(ReplicaReference, reason: String)
    /// Its `setup` is done.
    case replicaStarted(ReplicaReference)
    case replicaProbed(ReplicaReference, isReady: Bool, evidence: String)
    case replicaEnded(ReplicaReference, Ending, logTail: String?)
    /// It is being drained, and no request is under way at it any more.
    case replicaDrained(ReplicaReference)
    /// Nothing of it is alive any more.
    case replicaRemoved(ReplicaReference)
    /// Something of it could not be removed.
    case replicaRemovalFailed(ReplicaReference, leftovers: String)

    /// A new version of a service.
    public struct Update: Hashable, Sendable {
        public var service: ServiceName
        public var target: Target
        public var mode: UpdateMode

        public enum Target: Hashable, Sendable {
            case spec(ServiceSpec)
            /// What the last good version before this one asked for.
            case lastGoodVersion
        }

        public init(service: ServiceName, target: Target, mode: UpdateMode) {
            self.service = service
            self.target = target
            self.mode = mode
        }
    }

    /// What an autoscaler came to, and what it looked at: it is void when that has changed.
    public struct Scale: Hashable, Sendable {
        public var loadBalancer: LoadBalancerReference
        public var version: Int
        /// ``ServiceState/replicasForLoad`` as it was and as it should be.
        public var from: Int
        public var to: Int
        public var reason: String

        public init(loadBalancer: LoadBalancerReference, version: Int, from: Int, to: Int, reason: String) {
            self.loadBalancer = loadBalancer
            self.version = version
            self.from = from
            self.to = to
            self.reason = reason
        }
    }

    public struct Up: Hashable, Sendable {
        public var service: ServiceName
        public var spec: ServiceSpec
        /// What the configuration says of the controller's autostop.
        public var policy: AutostopPolicy
        /// Host its load balancer listens on.
        public var host: String
        /// Ports its load balancer could listen on, best first; those of other services are passed over.
        public var candidatePorts: [UInt16]

        public init(
            service: ServiceName, spec: ServiceSpec, policy: AutostopPolicy, host: String, candidatePorts: [UInt16]
        ) {
            self.service = service
            self.spec = spec
            self.policy = policy
            self.host = host
            self.candidatePorts = candidatePorts
        }
    }
}

/// What `decide` may know beyond its controller's state: the moment, who asks, and the ports that
/// services of other controllers hold.
public struct Surroundings: Sendable {
    public var now: Instant
    public var portsTakenElsewhere: Set<UInt16>
    public var actor: String
    public var timeZones: TimeZones

    public init(
        now: Instant, portsTakenElsewhere: Set<UInt16> = [], actor: String, timeZones: TimeZones = .utc
    ) {
        self.now = now
        self.portsTakenElsewhere = portsTakenElsewhere
        self.actor = actor
        self.timeZones = timeZones
    }
}
