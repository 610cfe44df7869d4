import Lifecycle

extension Laws {
    /// What is in force of all that was said of when a controller stops: what somebody said at a command line goes before
    /// what the configuration says, value by value, for as long as the controller is not terminated. Law `policy`.
    struct Policy {
        private(set) var inForce = Policy.unsaid
        private var said = Said()
        /// Whether the name has a life that is not over.
        private var isAlive = false

        private static let unsaid = AutostopPolicy(idleTimeoutSeconds: 600, source: .standard)

        /// What was said at a command line.
        private struct Said {
            var window: Double??
            var down: Bool?
            var terminateAfter: Double??
            var waitFor: [String]?
        }

        /// What comes to be in force with this configuration.
        private func beginning(_ configured: AutostopPolicy) -> AutostopPolicy {
            var policy = configured
            if let window = said.window { (policy.idleTimeoutSeconds, policy.source) = (window, .commandLine) }
            if let down = said.down { policy.down = .init(down, .commandLine) }
            if let waitFor = said.waitFor { policy.waitFor = .init(waitFor, .commandLine) }
            if let after = said.terminateAfter { policy.terminateAfterSeconds = .init(after, .commandLine) }
            return policy
        }

        mutating func see(_ stamped: StampedEvent, in transaction: Transaction) throws(Violation) {
            switch stamped.event {
            case .controllerStarting(let event):
                if !isAlive { said = Said() }
                isAlive = true
                // A start that was promised while it stopped is by what was in force.
                if let configured = transaction.configured { inForce = beginning(configured) }
                try check(event.policy, "starts")
            case .controllerPolicySet(let event):
                switch transaction.command {
                case .setAutostop(let change, _):
                    if change.source == .commandLine { said.window = .some(change.idleTimeoutSeconds) }
                    if let down = change.down { said.down = down.value }
                    if let waitFor = change.waitFor { said.waitFor = waitFor.value }
                    if let after = change.terminateAfterSeconds { said.terminateAfter = .some(after.value) }
                    inForce = beginning(inForce)
                case .up(let request): inForce = beginning(request.policy)
                default: throw Violation(law: "policy", what: "nobody has said another policy")
                }
                try check(event.policy, "goes on")
            case .controllerTerminated: (inForce, said, isAlive) = (Self.unsaid, Said(), false)
            case .controllerStopping(let event) where event.reason == .idleDeadline:
                guard inForce.down?.value != true else {
                    throw Violation(law: "policy", what: "it stops at its deadline, and is to be terminated then")
                }
            case .controllerTerminating(let event) where event.latenessMicroseconds != nil:
                guard event.idleVersion == nil || inForce.down?.value == true else {
                    throw Violation(law: "policy", what: "it is terminated at its deadline, and is only to stop then")
                }
            default: break
            }
        }

        private func check(_ policy: AutostopPolicy, _ how: String) throws(Violation) {
            guard policy == inForce else {
                throw Violation(law: "policy", what: "it \(how) with \(policy), and not with \(inForce)")
            }
        }

        func check(_ transaction: Transaction) throws(Violation) {
            try check(transaction.after.policy, "is there")
            // An `up` reads the configuration, whatever state it finds.
            if case .up(let request) = transaction.command { try check(beginning(request.policy), "is to be there") }
        }
    }
}

extension Laws.Transaction {
    /// What a command that may start a controller says of the configuration.
    fileprivate var configured: AutostopPolicy? {
        switch command {
        case .up(let request): request.policy
        case .start(let policy): policy
        default: nil
        }
    }
}
