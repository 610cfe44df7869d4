import EventLog
import Foundation
import Lifecycle
import Reporting

/// What was true at a moment: what `status` shows, and what the controllers' states tell besides.
struct StatusThen {
    let report: StatusReport
    let states: [String: ControllerState]

    init(_ moment: PastMoment, _ session: Session) throws(CommandFailure) {
        report = try moment.report(session)
        var states: [String: ControllerState] = [:]
        for name in report.controllers.compactMap({ ControllerName(rawValue: $0.name) }) {
            states[name.rawValue] = try session.read { (log) throws(LogFailure) in
                try log.state(of: name, atPosition: moment.position)
            }
        }
        self.states = states
    }
}

/// What differs between two moments, a line each.
struct StatusDifference {
    private(set) var lines: [String] = []
    /// Whether nothing at all is another, not even what no line tells.
    let isNone: Bool
    /// Seen from which times are written.
    private let now: Instant

    init(_ before: StatusThen, _ after: StatusThen) {
        now = after.report.now
        isNone =
            before.states.keys == after.states.keys
            && after.states.allSatisfy { name, state in
                before.states[name].map { state.differsOnlyInVersion(from: $0) } ?? false
            }
        compare(controllers(before), controllers(after))
        compare(services(before), services(after))
        compare(replicas(before), replicas(after))
    }

    private struct Fact {
        var name: String
        var value: String
        /// Whether it is told only where the status stays: another status says it already.
        var goesWithStatus = false
    }

    private mutating func compare(_ before: [(String, [Fact])], _ after: [(String, [Fact])]) {
        let old = Dictionary(before) { first, _ in first }
        let new = Dictionary(after) { first, _ in first }
        for name in Set(old.keys).union(new.keys).sorted() {
            switch (old[name], new[name]) {
            case (nil, let there?): lines.append("+ \(name)  \(there.first?.value ?? "")")
            case (let there?, nil): lines.append("- \(name)  \(there.first?.value ?? "")")
            case (let a?, let b?):
                let isStatusAnother = a.first?.value != b.first?.value
                let changes = zip(a, b).filter { $0.value != $1.value && !(isStatusAnother && $1.goesWithStatus) }
                    .map { "\($1.name) \($0.value) -> \($1.value)" }
                if !changes.isEmpty { lines.append("~ \(name)  \(changes.joined(separator: ", "))".printableLine) }
            case (nil, nil): break
            }
        }
    }

    private func controllers(_ then: StatusThen) -> [(String, [Fact])] {
        then.report.controllers.compactMap { row in
            guard let state = then.states[row.name] else { return nil }
            func due(_ key: PendingDeadline.Key) -> String {
                let deadline = then.report.deadlines.first { $0.controller == row.name && $0.kind == key.kind }?
                    .deadline
                return deadline.map { TimeText.clock(atMicroseconds: $0.wallMicroseconds, now: now) } ?? "none"
            }
            var facts = [Fact(name: "status", value: row.status)]
            facts += state.policy.facts { TimeText.window(seconds: $0) }.map { Fact(name: $0.name, value: $0.value) }
            facts += [
                Fact(name: "pause", value: pause(state.pause)), Fact(name: "life", value: String(row.incarnation)),
                Fact(name: "recoveries", value: String(row.recoveries)),
                Fact(name: "starts again", value: row.startAgain ? "yes" : "no"),
                Fact(name: "in use by", value: uses(state)),
                Fact(name: "reason", value: row.reason ?? "none", goesWithStatus: true),
                Fact(name: "its deadline", value: due(.idle), goesWithStatus: true),
                Fact(name: "terminated at", value: due(.termination), goesWithStatus: true),
                Fact(name: "held back until", value: due(.start), goesWithStatus: true),
                Fact(name: "hooks to run", value: list(state.hooks.map(\.kind.rawValue)), goesWithStatus: true),
                Fact(name: "process", value: row.process ?? "none", goesWithStatus: true),
            ]
            return ("controller \(row.name)", facts)
        }
    }

    private func pause(_ pause: ControllerState.Pause?) -> String {
        guard let pause else { return "none" }
        let until = pause.until.map {
            "until \(TimeText.clock(atMicroseconds: $0.wallMicroseconds, now: now))"
        }
        return "\(until ?? "until it is resumed") by \(pause.by)\(pause.reason.map { " (\($0))" } ?? "")"
    }

    /// What else than services keeps it up, as far as it has answered.
    private func uses(_ state: ControllerState) -> String {
        list(state.uses.filter { $0.value.isActive }.keys.sorted())
    }

    private func services(_ then: StatusThen) -> [(String, [Fact])] {
        then.report.services.map { row in
            let service = ServiceName(rawValue: row.name).flatMap { then.states[row.controller]?.services[$0] }
            return (
                "service \(row.controller)/\(row.name)",
                [
                    Fact(name: "status", value: row.status), Fact(name: "version", value: String(row.version)),
                    Fact(name: "replicas", value: "\(row.readyReplicas)/\(row.wantedReplicas)"),
                    Fact(name: "endpoint", value: row.endpoint), Fact(name: "reason", value: row.reason ?? "none"),
                    Fact(name: "wanted", value: service?.isEnding == true ? "no" : "yes", goesWithStatus: true),
                    Fact(
                        name: "load balancer", value: service?.loadBalancer.map(words) ?? "none", goesWithStatus: true),
                ]
            )
        }
    }

    private func words(_ balancer: LoadBalancerState) -> String {
        if balancer.stuck != nil { return "could not be removed" }
        return switch balancer.phase {
        case .pending(nil): "to be launched"
        case .pending(let backOff?):
            "launched again at \(TimeText.clock(atMicroseconds: backOff.deadline.wallMicroseconds, now: now))"
        case .running(let handle): "runs as \(handle)"
        case .removing: "being removed"
        }
    }

    private func replicas(_ then: StatusThen) -> [(String, [Fact])] {
        then.report.replicas.map { row in
            let service = ServiceName(rawValue: row.service).flatMap { then.states[row.controller]?.services[$0] }
            let replica = service?.replicas[row.id]
            let evidence: String? =
                switch replica?.phase {
                case .starting(let waiting), .notReady(let waiting): waiting.evidence
                case .pending, .provisioning, .ready, .draining, .removing, .failed, nil: nil
                }
            let drains = if case .draining = replica?.phase { true } else { false }
            return (
                "replica \(row.controller)/\(row.service)/\(row.id)",
                [
                    Fact(name: "status", value: row.status), Fact(name: "version", value: String(row.version)),
                    Fact(name: "reason", value: row.reason ?? "none"),
                    Fact(name: "endpoint", value: row.endpoint ?? "none", goesWithStatus: true),
                    Fact(name: "process", value: row.handle ?? "none", goesWithStatus: true),
                    Fact(name: "probe", value: evidence ?? "none", goesWithStatus: true),
                    Fact(name: "ended", value: replica?.ending?.inWords ?? "no", goesWithStatus: true),
                    Fact(name: "drains", value: drains ? "yes" : "no", goesWithStatus: true),
                ]
            )
        }
    }

    private func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
}
