/// Settings of a load balancer. Times are seconds, sizes bytes.
public struct LoadBalancerConfiguration: Sendable {
    public enum Listening: Sendable {
        /// A bound and listening TCP socket, made by the parent.
        case inherited(descriptor: CInt)
        case address(host: String, port: Int)
    }

    public var listening: Listening
    public var rules: BalancingRules
    /// Event loops, each a thread.
    public var eventLoops: Int
    public var connectTimeoutSeconds: Double
    /// How long a client may take for the head of a request.
    public var headTimeoutSeconds: Double
    /// How long a client may be silent in the body of a request, before there is an answer.
    public var bodyTimeoutSeconds: Double
    /// How long a client may take nothing of what there is for it. Any progress, as TCP sees it, begins it anew.
    public var writeTimeoutSeconds: Double
    /// How long a client's connection may lie idle between two requests.
    public var idleTimeoutSeconds: Double
    /// How long a connection to a replica may lie idle. Servers close idle connections after 2 to 5
    /// seconds (gunicorn 2, uvicorn and Node.js 5); staying well below means that a request is hardly
    /// ever written to a connection that the other end has just closed.
    public var upstreamIdleSeconds: Double
    public var headLimit: Int
    /// Connections of clients at once; more are answered 503. There are fewer where ``openFileLimit`` says so.
    public var connectionLimit: Int
    /// Files and sockets that the process may have open; nil for what the kernel allows it (`RLIMIT_NOFILE`).
    public var openFileLimit: Int?
    /// How long a client that is too many may take to say in which form it wants to be told so.
    public var surplusHeadSeconds: Double
    /// How long a connection must have been idle to be ended when another client finds no room.
    public var surplusIdleSeconds: Double
    /// How long a request waits for a replica while none is ready.
    public var holdSeconds: Double
    /// Requests that may wait at once; more are answered 503. Of each no more is in memory than its head and
    /// what of its body came in the same read.
    public var heldLimit: Int
    /// Bytes of a request's body that are kept to send them again, should the replica die before it answers.
    public var replayLimit: Int

    /// Open files that serve ``connectionLimit`` clients, each with a request under way.
    public var wantedOpenFiles: Int { connectionLimit * 2 + DescriptorBudget.ownCount + DescriptorBudget.surplusCount }

    public init(
        listening: Listening, rules: BalancingRules = BalancingRules(), eventLoops: Int = 1,
        connectTimeoutSeconds: Double = 5, headTimeoutSeconds: Double = 30,
        bodyTimeoutSeconds: Double = 60, writeTimeoutSeconds: Double = 60,
        idleTimeoutSeconds: Double = 75, upstreamIdleSeconds: Double = 1, headLimit: Int = 65_536,
        connectionLimit: Int = 20_000, openFileLimit: Int? = nil, surplusHeadSeconds: Double = 1,
        surplusIdleSeconds: Double = 1,
        holdSeconds: Double = 60, heldLimit: Int = 1_000, replayLimit: Int = 65_536
    ) {
        self.listening = listening
        self.rules = rules
        self.eventLoops = eventLoops
        self.connectTimeoutSeconds = connectTimeoutSeconds
        self.headTimeoutSeconds = headTimeoutSeconds
        self.bodyTimeoutSeconds = bodyTimeoutSeconds
        self.writeTimeoutSeconds = writeTimeoutSeconds
        self.idleTimeoutSeconds = idleTimeoutSeconds
        self.upstreamIdleSeconds = upstreamIdleSeconds
        self.headLimit = headLimit
        self.connectionLimit = connectionLimit
        self.openFileLimit = openFileLimit
        self.surplusHeadSeconds = surplusHeadSeconds
        self.surplusIdleSeconds = surplusIdleSeconds
        self.holdSeconds = holdSeconds
        self.heldLimit = heldLimit
        self.replayLimit = replayLimit
    }
}
