import EventLog
import Lifecycle
import Reporting

extension Session {
    /// That there is no such controller: what ended it, if there was one, and which others there are.
    func absence(of name: ControllerName) throws(CommandFailure) -> CommandFailure {
        let known = try read { (log) throws(LogFailure) in try log.status() }.controllers
            .filter { $0.status != ControllerStatus.terminated.rawValue && $0.name != name.rawValue }.map(\.name)
        let there = known.isEmpty ? "there is no other" : "there is \(known.joined(separator: ", "))"
        let state = try read { (log) throws(LogFailure) in try log.state(of: name) }
        guard state.status == .terminated, let how = try explanation(of: name).ofController.first else {
            return CommandFailure("\(Rejection.noSuchController(name)); \(there)")
        }
        // `Terminated 12:00:03 by its idle deadline: …, 0.002 s late.`
        let ended = how.prefix(1).lowercased() + how.dropFirst().dropLast()
        return CommandFailure(
            "controller \(name) does not exist: it was \(ended); `dwell start \(name)` begins another life of it; \(there)"
        )
    }

    /// Why a controller is as it is, or was at a moment.
    func explanation(
        of controller: ControllerName, at moment: PastMoment? = nil
    ) throws(CommandFailure) -> Explanation {
        let here = try read { (_) throws(LogFailure) in try Clock.now() }
        let now = moment?.now ?? here
        let state = try read { (log) throws(LogFailure) in
            if let moment {
                try log.state(of: controller, atPosition: moment.position)
            } else {
                try log.state(of: controller)
            }
        }
        let events = try read { (log) throws(LogFailure) in try log.lifecycleEvents(of: controller) }
        let happenings = events.filter { $0.stamp.version <= state.version }.map {
            Explanation.Happening(event: $0.event, stamp: $0.stamp, component: $0.component)
        }
        let isArchivedBefore = try read { (log) throws(LogFailure) in try !log.bases(of: controller).isEmpty }
        return Explanation(
            state, happenings, isArchivedBefore: isArchivedBefore, now: now, zones: .system, TimeText.words(at: now))
    }
}
