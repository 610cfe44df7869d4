import Lifecycle

// Two processes of one controller at once: the file of the lease was removed, and somebody who asked for it made another
// before the process that holds it saw that.

extension Simulator {
    mutating func loseLease(_ controller: ControllerName, _ random: inout SeededGenerator) {
        guard strays[controller] == nil, var process = processes[controller] else { return }
        process.hasLease = false
        // In another container, say, and suspended; what it has in flight would go on unseen.
        process.isOutOfSight =
            random.chance(30) && process.hasServed && process.name == log.state(of: controller).process
            && process.jobs.values.allSatisfy { $0.work.isWatching }
        strays[controller] = process
        processes[controller] = nil
        note("\(process.name) of \(controller) loses its lease\(process.isOutOfSight ? ", and does not see it" : "")")
        // Whoever makes the new lease has a keeper too; the old one ends by itself.
        keepers.insert(controller)
    }

    mutating func endStray(_ controller: ControllerName) {
        guard let stray = strays.removeValue(forKey: controller) else { return }
        note("\(stray.name) of \(controller), which has no lease, is killed")
        processes[controller]?.isAwake = true  // it waits for that
    }

    /// Lets the process that has lost its lease do what the one that holds it would do.
    mutating func asStray(
        _ controller: ControllerName, _ body: (inout Simulator) throws(Violation) -> Void
    ) throws(Violation) {
        guard let stray = strays[controller] else { return }
        let state = log.state(of: controller)
        // It sleeps for as long as it would be the only one.
        if stray.isOutOfSight, stray.name == state.process, state.needsProcess { return }
        strays[controller] = processes[controller]
        processes[controller] = stray
        try body(&self)
        let left = processes[controller]
        processes[controller] = strays[controller]
        strays[controller] = left
        if left == nil { processes[controller]?.isAwake = true }  // it waits for that
    }

    /// What a process sees of its place.
    func standing(of process: SimulatedProcess, _ state: ControllerState) -> ControllerLoop.Standing {
        let other = otherThatServes(process, state)
        return ControllerLoop.Standing(
            holdsLease: process.hasLease || process.isOutOfSight && state.process != nil, isOtherAlive: other != nil)
    }

    /// Nobody takes over from a process that can be seen to live.
    func checkNobodyElseServes(_ process: SimulatedProcess, _ state: ControllerState) throws(Violation) {
        guard let other = otherThatServes(process, state) else { return }
        throw Violation(law: "lease", what: "\(process.name) takes over although \(other) lives")
    }

    /// Whoever comes next would only report it.
    func checkNoHookIsCutOff(_ process: SimulatedProcess) throws(Violation) {
        for job in process.jobs.values where job.reportedVerdict == true {
            guard case .runHook(let kind, _) = job.work else { continue }
            throw Violation(law: "hook", what: "\(process.name) gives way while it runs the hook \(kind.rawValue)")
        }
    }

    private func otherThatServes(_ process: SimulatedProcess, _ state: ControllerState) -> String? {
        guard let recorded = state.process, recorded != process.name else { return nil }
        let others = [processes[state.name], strays[state.name]].compactMap { $0 }
        return others.contains { $0.name == recorded && !$0.isOutOfSight } ? recorded : nil
    }
}
