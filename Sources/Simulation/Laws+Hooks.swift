import Lifecycle

extension Laws {
    /// Hooks that transitions have called for, by the policy in force: each begins once, in order where that matters, and
    /// runs to its end unless the process that ran it ended before. Law `hook`.
    struct Hooks {
        private var waiting: [Hook] = []
        private var isStopping = false

        private struct Hook {
            var kind: HookKind
            /// Stream version of the event it is for.
            var version: Int
            var hasStarted = false
            /// The process that began it.
            var process: String?
        }

        mutating func see(
            _ stamped: StampedEvent, _ policy: AutostopPolicy, in transaction: Transaction, _ machine: SimulatedMachine
        ) throws(Violation) {
            let version = stamped.stamp.version
            func call(_ kind: HookKind) {
                if policy.hooks?.contains(kind) == true { waiting.append(Hook(kind: kind, version: version)) }
            }
            switch stamped.event {
            case .controllerStarted: call(.start)
            case .controllerIdle:
                // One that goes on being idle under other terms is no news.
                if !transaction.endsIdlePeriod(before: version) { call(.idle) }
            case .controllerWoken:
                if case .controllerIdle = transaction.event(after: stamped) { return }
                call(.wake)
            case .controllerStarting: isStopping = false
            case .controllerStopping:
                if !isStopping { call(.stop) }
                isStopping = true
            case .controllerTerminating(let event):
                isStopping = false
                waiting.removeAll { $0.kind == .stop && !$0.hasStarted }
                let isByDeadline = event.idleVersion != nil && event.latenessMicroseconds != nil
                call(isByDeadline && policy.hooks?.contains(.terminate) != true ? .stop : .terminate)
            case .controllerStopped: try end("stopped")
            case .controllerTerminated:
                // Nobody can run a hook of one that could not be started.
                if transaction.before.status == .failed { waiting = [] }
                try end("terminated")
            case .controllerHookStarted(let event): try begin(event, transaction)
            case .controllerHookEnded(let event): try end(event, transaction, machine)
            default: break
            }
        }

        private mutating func end(_ how: String) throws(Violation) {
            if let hook = waiting.first {
                throw Violation(law: "hook", what: "it is \(how) before its hook \(hook.kind.rawValue) has run")
            }
            isStopping = false
        }

        private mutating func begin(_ event: ControllerHookStarted, _ transaction: Transaction) throws(Violation) {
            guard let index = waiting.firstIndex(where: { $0.version == event.of }), waiting[index].kind == event.hook,
                !waiting[index].hasStarted
            else { throw Violation(law: "hook", what: "nothing calls for the hook \(event.hook.rawValue) that begins") }
            let isAnEnd = event.hook == .stop || event.hook == .terminate
            guard !isAnEnd || index == 0 else {
                throw Violation(law: "hook", what: "the hook \(event.hook.rawValue) begins before others have ended")
            }
            waiting[index].hasStarted = true
            waiting[index].process = transaction.before.process
        }

        private mutating func end(
            _ event: ControllerHookEnded, _ transaction: Transaction, _ machine: SimulatedMachine
        ) throws(Violation) {
            guard let index = waiting.firstIndex(where: { $0.version == event.of }), waiting[index].hasStarted else {
                throw Violation(law: "hook", what: "the hook \(event.hook.rawValue) ends and had not begun")
            }
            let hook = waiting.remove(at: index)
            guard case .hookEnded(_, let outcome) = transaction.command, event.outcome == outcome else {
                throw Violation(law: "hook", what: "the hook \(hook.kind.rawValue) has ended otherwise than is told")
            }
            if event.outcome == .interrupted {
                guard hook.process != transaction.before.process else {
                    throw Violation(law: "hook", what: "the hook \(hook.kind.rawValue) is cut off by its own process")
                }
            } else if machine.hookRuns[.init(controller: transaction.after.name, version: hook.version)] != 1 {
                throw Violation(law: "hook", what: "the hook \(hook.kind.rawValue) has ended and was not run")
            }
        }

        func check(_ state: ControllerState) throws(Violation) {
            let isTheSame = state.hooks.elementsEqual(waiting) { a, b in
                a.kind == b.kind && a.version == b.version && a.hasStarted == b.hasStarted
            }
            guard isTheSame else {
                throw Violation(
                    law: "hook",
                    what: "it is to run \(state.hooks.map(\.kind.rawValue)), not \(waiting.map(\.kind.rawValue))")
            }
        }

        func checkSettled(_ name: ControllerName) throws(Violation) {
            guard let hook = waiting.first else { return }
            throw Violation(law: "hook", what: "the hook \(hook.kind.rawValue) of \(name) never ends")
        }
    }
}

extension Laws.Transaction {
    /// Whether the event before `version` ends an idle period in whose place another begins.
    fileprivate func endsIdlePeriod(before version: Int) -> Bool {
        switch events.first(where: { $0.stamp.version == version - 1 })?.event {
        case .controllerPolicySet(let event): event.idleVersion != nil
        case .controllerAutostopPaused(let event): event.idleVersion != nil
        case .controllerAutostopResumed(let event): event.idleVersion != nil
        case .controllerWoken: true
        default: false
        }
    }
}
