import Foundation
import Lifecycle
import TestKit
import Testing
@testable import EventLog

/// Answers worked out by going through the events once or more, each on its own.
struct CookbookAnswers {
    let events: [RecordedEvent]
    let controllers: [String]
    private(set) var byFile: [String: [String]] = [:]

    init(_ events: [RecordedEvent]) {
        self.events = events
        controllers = Set(events.map(\.controller.rawValue)).sorted()
        byFile = [
            "who_stopped.sql": whoStopped, "time_to_ready.sql": timeToReady, "warm_window.sql": warmWindow,
            "longest_idle.sql": longestIdle, "crashes.sql": crashes, "late_deadlines.sql": [],
            "flapping_replicas.sql": flapping, "why_replicas_failed.sql": failures,
            "policy_changes.sql": policyChanges, "uptime.sql": uptime, "starts.sql": starts,
            "never_ready.sql": neverReady, "busiest_actors.sql": busiest, "running_at.sql": runningAt,
            "paid_idle.sql": paidIdle, "idle_by_person.sql": idleByPerson, "updates.sql": updates,
            "event_counts.sql": counts,
        ]
    }

    private func of(_ controller: String) -> [RecordedEvent] { events.filter { $0.controller.rawValue == controller } }

    /// As SQLite prints `round(x, digits)`: the shortest form, with at least one digit after the point.
    func rounded(_ value: Double, _ digits: Int = 3) -> String {
        let scale = [1.0, 10, 100, 1000][digits]
        return "\((value * scale).rounded() / scale)"
    }

    private var whoStopped: [String] {
        events.compactMap { recorded in
            let what: String
            switch recorded.event {
            case .controllerStopping(let event):
                what =
                    event.latenessMicroseconds.map {
                        String(format: "stopping at its idle deadline, %.6f s late", Double($0) / 1e6)
                    } ?? "stopping by hand"
            case .controllerTerminating(let event):
                let late = event.latenessMicroseconds.map {
                    String(format: " by its deadline, %.6f s late", Double($0) / 1e6)
                }
                what = "terminating\(late ?? " by hand")\(event.force ? " by force" : "")"
            default: return nil
            }
            return [
                "\(recorded.position)", recorded.controller.rawValue, what, recorded.stamp.actor, recorded.component,
            ].joined(separator: "|")
        }
    }

    private var timeToReady: [String] {
        struct Key: Hashable { var controller, service: String; var version: Int }
        var waiting: [String: (key: Key, at: Int64)] = [:]
        var times: [Key: [Int64]] = [:]
        for recorded in events {
            switch recorded.event {
            case .replicaAdded(let event):
                let key = Key(
                    controller: recorded.controller.rawValue, service: event.service.rawValue, version: event.version)
                waiting["\(recorded.controller) \(event.service) \(event.replica)"] = (
                    key, recorded.stamp.atMicroseconds
                )
            case .replicaReady(let event):
                let name = "\(recorded.controller) \(event.service) \(event.replica)"
                guard let (key, at) = waiting.removeValue(forKey: name) else { continue }
                times[key, default: []].append(recorded.stamp.atMicroseconds - at)
            default: break
            }
        }
        return times.sorted {
            ($0.key.controller, $0.key.service, $0.key.version) < ($1.key.controller, $1.key.service, $1.key.version)
        }
        .map { key, spans in
            let mean = Double(spans.reduce(0, +)) / Double(spans.count)
            return [
                key.controller, key.service, "\(key.version)", "\(spans.count)", rounded(mean / 1e6),
                rounded(Double(spans.max() ?? 0) / 1e6),
            ].joined(separator: "|")
        }
    }

    private var crashes: [String] {
        var services: [String: Set<String>] = [:]
        return events.compactMap { recorded in
            let name = recorded.controller.rawValue
            switch recorded.event {
            case .serviceUpRequested(let event): services[name, default: []].insert(event.service.rawValue)
            case .serviceGone(let event): services[name]?.remove(event.service.rawValue)
            case .controllerRecovered: return "\(recorded.position)|\(name)|\(services[name]?.count ?? 0)"
            default: break
            }
            return nil
        }
    }

    private var flapping: [String] {
        var lives: [String: Int] = [:]
        var times: [String: (key: (String, String, Int), count: Int)] = [:]
        for recorded in events {
            switch recorded.event {
            case .replicaAdded(let event):
                lives["\(recorded.controller)/\(event.service)/\(event.replica)"] = recorded.position
            case .replicaNotReady(let event):
                let name = "\(recorded.controller)/\(event.service)/\(event.replica)"
                let key = (recorded.controller.rawValue, event.service.rawValue, event.replica)
                times["\(name)#\(lives[name] ?? 0)", default: (key, 0)].count += 1
            default: break
            }
        }
        return times.values.filter { $0.count >= 3 }
            .sorted { ($1.count, $0.key.0, $0.key.1, $0.key.2) < ($0.count, $1.key.0, $1.key.1, $1.key.2) }
            .map { "\($0.key.0)|\($0.key.1)|\($0.key.2)|\($0.count)" }
    }

    private var failures: [String] {
        tally {
            if case .replicaFailed(let event) = $0.event { "\(event.status.rawValue)|\(event.reason)" } else { nil }
        }
    }

    private var busiest: [String] {
        tally { $0.component == "cli" && $0.cause == nil ? "\($0.stamp.actor)|\($0.event.type.rawValue)" : nil }
    }

    /// How often each key comes, the most frequent first.
    private func tally(_ key: (RecordedEvent) -> String?) -> [String] {
        Dictionary(grouping: events.compactMap(key)) { $0 }.mapValues(\.count)
            .sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key)|\($0.value)" }
    }

    private var counts: [String] {
        Dictionary(grouping: events, by: \.event.type.rawValue)
            .sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
            .map { "\($0.key)|\($0.value.count)|\(Set($0.value.map(\.controller)).count)" }
    }

    private var policyChanges: [String] {
        // Whole numbers are stored without a point.
        func when(_ seconds: Double?) -> String { seconds.map { "after \(Int($0)) s" } ?? "never" }
        var windows: [ControllerName: Double?] = [:]
        return events.compactMap { recorded in
            if case .controllerStarting(let event) = recorded.event {
                windows[recorded.controller] = .some(event.policy.idleTimeoutSeconds)
            }
            guard case .controllerPolicySet(let event) = recorded.event else { return nil }
            let window = event.policy.idleTimeoutSeconds
            var what = "autostop \(when(window))\(window == nil ? "" : " idle") (\(event.policy.source.rawValue))"
            if let before = windows[recorded.controller], before != window {
                what += ", and not \(when(before)) as before"
            }
            windows[recorded.controller] = .some(window)
            return "\(recorded.position)|\(recorded.controller)|\(what)|\(recorded.stamp.actor)"
        }
    }

    private var uptime: [String] {
        controllers.compactMap { name in
            var since: Int64?
            var (periods, microseconds, crashes, open) = (0, Int64(0), 0, 0)
            for recorded in of(name) {
                switch recorded.event {
                case .controllerStarted:
                    since = recorded.stamp.atMicroseconds
                    open = 0
                case .controllerRecovered: open += 1
                case .controllerStopped, .controllerTerminated:
                    guard let began = since else { continue }
                    periods += 1
                    microseconds += recorded.stamp.atMicroseconds - began
                    crashes += open
                    since = nil
                default: break
                }
            }
            return periods == 0 ? nil : "\(name)|\(periods)|\(rounded(Double(microseconds) / 3.6e9))|\(crashes)"
        }
    }

    private var starts: [String] {
        controllers.compactMap { name in
            let all = of(name)
            let asked = all.count { $0.event.type == .controllerStarting }
            let took = all.compactMap { recorded -> Int64? in
                if case .controllerStarted(let event) = recorded.event { event.tookMicroseconds } else { nil }
            }
            guard asked > 0, !took.isEmpty else { return nil }
            let mean = Double(took.reduce(0, +)) / Double(took.count) / 1e6
            return "\(name)|\(asked)|\(took.count)|\(rounded(mean))|\(rounded(Double(took.max() ?? 0) / 1e6))"
        }
    }

    private var neverReady: [String] {
        struct Open { var position: Int; var actor: String; var wasReady = false }
        var open: [String: Open] = [:]
        var found: [(Int, String)] = []
        for recorded in events {
            guard let service = recorded.event.service else { continue }
            let name = "\(recorded.controller)|\(service)"
            switch recorded.event {
            case .serviceUpRequested: open[name] = Open(position: recorded.position, actor: recorded.stamp.actor)
            case .serviceStatusChanged(let event): if event.to == .ready { open[name]?.wasReady = true }
            case .serviceGone:
                guard let life = open.removeValue(forKey: name), !life.wasReady else { continue }
                found.append((life.position, "\(life.position)|\(name)|\(life.actor)"))
            default: break
            }
        }
        return found.sorted { $0.0 < $1.0 }.map(\.1)
    }

    private var runningAt: [String] {
        var there: [String: (position: Int, actor: String)] = [:]
        for recorded in events where recorded.position <= (events.last?.position ?? 0) / 2 {
            switch recorded.event {
            case .serviceUpRequested(let event):
                there["\(recorded.controller)|\(event.service)"] = (recorded.position, recorded.stamp.actor)
            case .serviceGone(let event): there["\(recorded.controller)|\(event.service)"] = nil
            default: break
            }
        }
        return there.sorted { $0.value.position < $1.value.position }
            .map { "\($0.key)|\($0.value.position)|\($0.value.actor)" }
    }

    private var updates: [String] {
        events.enumerated().compactMap { index, recorded in
            guard case .serviceUpdated(let event) = recorded.event else { return nil }
            var outcome = "not given up"
            search: for later in events[(index + 1)...]
            where later.controller == recorded.controller && later.event.service == event.service {
                switch later.event {
                case .serviceLaunchesStopped(let stopped):
                    outcome = stopped.reason
                    break search
                case .serviceUpdated, .serviceGone: break search
                default: break
                }
            }
            return [
                "\(recorded.position)", recorded.controller.rawValue, event.service.rawValue, "\(event.version)",
                event.mode.rawValue, recorded.stamp.actor, outcome,
            ].joined(separator: "|")
        }
    }
}
