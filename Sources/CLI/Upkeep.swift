import Controller
import EventLog
import Foundation

/// What restore and repair share: nothing of dwell may use the file that is replaced.
enum Upkeep {
    /// Sees to it that nothing runs, and that nothing is started while the locks are kept.
    ///
    /// - Parameter prepare: what may fail of that for which everything is ended, done before anything is; called with
    ///   whether something is ended.
    static func takeHome(
        _ home: Home, stop: Bool, afterTrying prepare: (_ endsSomething: Bool) throws(LogFailure) -> Void
    ) async throws(CommandFailure) -> HomeLocks {
        let processes = HomeProcesses(home: home)
        var alive = processes.alive()
        if stop || alive.isEmpty {
            do {
                try prepare(!alive.isEmpty)
            } catch {
                throw CommandFailure(error)
            }
        }
        // One that was just being started when the others were ended is found by the next look.
        for _ in 0..<3 where stop && !alive.isEmpty {
            _ = await processes.endAll()
            try? await Task.sleep(for: .milliseconds(100))
            alive = processes.alive()
        }
        if let first = alive.first {
            let others = alive.count == 1 ? "" : " and \(alive.count - 1) more"
            throw CommandFailure(
                stop
                    ? "\(first)\(others) does not end"
                    : "\(first)\(others) runs in \(home.path); stop it first (dwell stop CONTROLLER), or use --stop")
        }
        do {
            guard let locks = try processes.lockControllers() else {
                throw CommandFailure("a controller of \(home.path) is just being started; try again")
            }
            return locks
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    static func startWhatIsWanted() throws(CommandFailure) {
        try Session().ensureAllRunning()
    }
}
