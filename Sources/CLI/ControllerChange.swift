import Controller
import EventLog
import Foundation
import Lifecycle

/// Stopping and starting a controller, and waiting until it is done.
enum ControllerChange {
    /// Asks the person at the terminal before a controller that exists is changed; who agreed already is not asked.
    ///
    /// - Parameter verb: what is to be done, at the beginning of a sentence.
    static func ask(
        _ verb: String, of name: ControllerName, agreed: Bool, _ session: Session
    ) throws(CommandFailure) {
        guard !agreed else { return }
        let state = try session.read { (log) throws(LogFailure) in try log.state(of: name) }
        switch state.phase {
        // There is nothing to be asked about: what follows says so.
        case .absent, .terminated: return
        case .starting, .up, .idle, .stopping, .stopped, .failed, .terminating: break
        }
        let live = state.liveServices.map(\.rawValue).sorted().joined(separator: ", ")
        guard Question.isAgreed("\(verb) controller \(name)\(live.isEmpty ? "" : " (it has \(live))")?") else {
            throw CommandFailure("nothing was changed")
        }
    }

    static func stop(_ name: ControllerName, _ session: Session) async throws(CommandFailure) {
        let begun = ContinuousClock.now
        let before = try session.read { (log) throws(LogFailure) in try log.state(of: name) }
        let suspended = before.liveServices
        let from = try session.read { (log) throws(LogFailure) in try log.lastPosition() }
        let receipt = try session.submit(.stop, to: name)
        if case .stopped = before.phase {
            let isStopped = receipt.state.status == .stopped
            let then = isStopped ? "" : ", and is terminated: it was to stay so until before now"
            return print("Controller \(name) is stopped already\(then).")
        }
        if let hook = session.ownHook(receipt.state) {
            return print("Controller \(name) is stopped \(hook.whenItHasEnded).")
        }
        Interruption.explain("controller \(name) goes on stopping: dwell status")
        var patience = Patience()
        var status = ControllerStatus.stopped
        try await session.wait(for: name) { (state) throws(CommandFailure) in
            status = state.status
            switch state.phase {
            // Nothing comes after a stop that was accepted but the end of it.
            case .stopped, .terminated, .starting, .up, .idle: return true
            case .absent, .stopping, .failed, .terminating:
                try patience.look(state.presentServices, advice: "controller \(name) stops then")
                return false
            }
        }
        guard status == .stopped else {
            let turn = try ControllerTurn(of: name, after: from, session)
            let took = TimeText.seconds(since: begun)
            if status == .terminated, let end = turn.end, end.isItsOwn {
                return print("Controller \(name) \(end.inWords) (\(took)).")
            }
            let what = status == .terminated ? "terminated\(turn.terminatedBy)" : "started again\(turn.startedBy)"
            return print("Controller \(name) was stopped (\(took)), and was \(what) since.")
        }
        guard try await session.waitForProcessEnd(of: name) else {
            let turn = try ControllerTurn(of: name, after: from, session)
            let took = TimeText.seconds(since: begun)
            return print("Controller \(name) was stopped (\(took)), and was started again\(turn.startedBy) since.")
        }
        print("Controller \(name) is stopped (\(TimeText.seconds(since: begun))).")
        if !suspended.isEmpty {
            let names = suspended.map(\.rawValue).joined(separator: ", ")
            print("  \(names) will be served again after: dwell start \(name)")
        }
    }

    /// - Parameter change: what the command line says of when it stops by itself; nil for nothing.
    static func start(
        _ name: ControllerName, _ change: AutostopPolicy? = nil, _ session: Session
    ) async throws(CommandFailure) {
        let begun = ContinuousClock.now
        let configured = try session.adoptConfiguration().policy(for: name)
        let policy = change.map(configured.changed(by:)) ?? configured
        let from = try session.read { (log) throws(LogFailure) in try log.lastPosition() }
        try session.prepareToLaunch(name)
        // Nothing holds the ports of a controller that is stopped.
        let before = try session.read { (log) throws(LogFailure) in try log.state(of: name) }
        let taken =
            before.status == .stopped
            ? before.services.values.map(\.endpoint).filter { !PortChooser.canListen(at: $0) } : []
        let receipt = try await submitStart(policy, name, session)
        // One that was started before has the policy it had.
        if let change, !receipt.events.contains(where: { $0.event.type == .controllerStarting }) {
            _ = try session.submit(.setAutostop(change, keepClock: false), to: name)
        }
        if receipt.events.isEmpty, receipt.state.status == .up || receipt.state.status == .idle {
            try session.ensureRunning(name)
            print("Controller \(name) is \(receipt.state.status.rawValue) already.")
            guard change != nil else { return }
            let (state, now) = try session.read { (log) throws(LogFailure) in
                (try log.state(of: name), try Clock.now())
            }
            for line in AutostopText(state, now: now).lines { print(line.printableLine) }
            return
        }
        if let hook = session.ownHook(receipt.state), hook.isBeforeStart {
            return print("Controller \(name) starts again \(hook.whenItHasEnded).")
        }
        try session.launchWhatIsRecorded(name, undo: "dwell stop \(name)")
        Interruption.explain("controller \(name) goes on starting: dwell status")
        var said: HeldStart?
        try await session.wait(for: name) { (state) throws(CommandFailure) in
            switch state.phase {
            case .up, .stopped, .terminated: return true
            // With a window of 0 it ends in a moment, and what is told is the same whoever is quicker.
            case .idle(let idle): return idle.deadline?.spanMicroseconds != 0
            case .failed(let reason): throw CommandFailure("controller \(name) could not be started: \(reason)")
            case .starting:
                if let held = state.heldStart, held != said {
                    print("Controller \(name): \(HeldStartText.line(until: held.until, held.reason)).")
                    said = held
                }
                return false
            case .stopping(let stopping) where stopping.startAgain: return false
            // Hooks may take their time.
            case .stopping, .terminating:
                guard !state.hooks.isEmpty else { return false }
                return try ControllerTurn(of: name, after: from, session).end?.isItsOwn == true
            case .absent: return false
            }
        }
        let took = TimeText.seconds(since: begun)
        if let end = try ControllerTurn(of: name, after: from, session).end {
            guard end.isItsOwn else {
                throw CommandFailure(
                    "controller \(name) \(end.wasUp ? "came up and " : "")was \(end.inWords) meanwhile")
            }
            return print("Controller \(name) was up (\(took)), and \(end.inWords).")
        }
        print("Controller \(name) is up (\(took)).")
        let state = try session.read { (log) throws(LogFailure) in try log.state(of: name) }
        for service in state.services.values.sorted(by: { $0.name < $1.name }) where !service.isEnding {
            if taken.contains(service.endpoint) {
                print(
                    "WARNING: nobody can connect to service \(service.name) until another program lets go of "
                        + "\(service.endpoint)", to: .error)
            }
            // What was good when it was brought up may be gone since.
            guard let files = service.servedTLS, let problem = TLSExamination(reading: files).problem else { continue }
            print(
                "WARNING: nobody can connect to service \(service.name) until this is mended: \(problem.message)",
                to: .error)
        }
    }

    /// Waits where waiting is all it takes: for a termination to end.
    private static func submitStart(
        _ policy: AutostopPolicy, _ name: ControllerName, _ session: Session
    ) async throws(CommandFailure) -> Receipt {
        var isSaid = false
        for await _ in Commits.promptTicks(session.log.bell, safetyPollSeconds: 0.5) {
            do {
                return try session.log.submit(
                    .start(policy: policy), to: name, by: session.author, commandID: UUID().uuidString)
            } catch .rejected(.terminating) {
                try session.refuseToWaitForOwnEnd(of: name)
                if !isSaid { print("waiting for controller \(name) to be terminated") }
                isSaid = true
                // It may have been due, and nobody there to begin it.
                try session.ensureTimer()
            } catch {
                throw CommandFailure(error)
            }
            try session.ensureRunning(name)
        }
        throw CommandFailure("cancelled")
    }

    static func terminate(_ name: ControllerName, force: Bool, _ session: Session) async throws(CommandFailure) {
        let begun = ContinuousClock.now
        let receipt = try session.submit(.terminate(force: force), to: name)
        let life = receipt.state.incarnation
        if let hook = session.ownHook(receipt.state) {
            return print("Controller \(name) is terminated \(hook.whenItHasEnded).")
        }
        var isAnother = false
        Interruption.explain("controller \(name) goes on terminating: dwell status")
        var patience = Patience()
        try await session.wait(for: name) { (state) throws(CommandFailure) in
            // Somebody may start the name anew before this sees that its life has ended.
            isAnother = state.incarnation != life
            if case .terminated = state.phase { return true }
            if isAnother { return true }
            try patience.look(
                state.presentServices,
                advice:
                    "controller \(name) is terminated then; what cannot be removed is given up with: dwell down NAME --purge"
            )
            return false
        }
        if !isAnother { isAnother = try await !session.waitForProcessEnd(of: name) }
        if isAnother {
            return print("Controller \(name) was terminated, and has been started anew by somebody else.")
        }
        print("Controller \(name) is terminated (\(TimeText.seconds(since: begun))). Its history stays in the log.")
    }
}

extension ControllerState {
    /// Services of which something is there.
    fileprivate var presentServices: [ServiceState] {
        services.values.filter { service in
            service.loadBalancer != nil
                || service.orderedReplicas.contains { if case .failed = $0.phase { false } else { true } }
        }
    }
}
