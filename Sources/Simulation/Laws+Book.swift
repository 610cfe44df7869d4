import Lifecycle

extension Laws {
    /// What is known of one controller from what was accepted and committed, by own arithmetic.
    struct Book {
        /// The idle period that is open, if one is.
        var idle: OpenIdle?
        /// What people want: the services, and whether the controller should run.
        var wanted: Set<ServiceName> = []
        var shouldRun = false
        var isPaused = false
        /// What the policy in force says; nil for never.
        var idleTimeoutSeconds: Double?
        var schedule: Schedule?
        var starts = Starts()
        /// The last answer of each that was asked since the start whether the controller is used.
        var answers: [String: Bool] = [:]
        var processes = Processes()
        var specs = Specs()
        var identities = Identities()
        var policy = Policy()
        var timers = Timers()
        var backOff = BackOff()
        var idleness = Idleness()
        var hooks = Hooks()
        var lives = Lives()

        struct OpenIdle {
            var version: Int
            /// When it is due, if ever, on the wall clock and on a boot clock; kept by own arithmetic.
            var dueWall: Int64? = nil
            var dueBoot: Int64? = nil
            var bootID: String
            var window: Int64? = nil

            /// Stream version of the event that set the deadline, if there is one.
            var dueVersion: Int? { dueWall == nil ? nil : version }

            func lateness(_ now: Instant, dueWall: Int64, dueBoot: Int64) -> Int64 {
                bootID == now.bootID ? now.bootMicroseconds - dueBoot : now.wallMicroseconds - dueWall
            }
        }
    }
}
