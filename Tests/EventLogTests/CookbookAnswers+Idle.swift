import EventLog
import Lifecycle

/// Of the times in which controllers were idle.
extension CookbookAnswers {
    private struct Idle {
        var controller: String
        var position: Int
        var began: Int64
        var ended: Int64?
        var how = ""
        var moved = 0
        var takenDownBy: String?
        var seconds: Double { Double((ended ?? began) - began) / 1e6 }
    }

    private var idlePeriods: [Idle] {
        var periods: [Idle] = []
        var open: [String: Int] = [:]
        var downs: [String: String] = [:]
        var lastDown: [String: String] = [:]
        for recorded in events {
            let name = recorded.controller.rawValue
            let how: String
            switch recorded.event {
            case .serviceDownRequested(let event):
                downs["\(name)/\(event.service)"] = recorded.component == "cli" ? recorded.stamp.actor : nil
                continue
            case .serviceGone(let event):
                lastDown[name] = downs["\(name)/\(event.service)"]
                continue
            case .serviceStatusChanged(let event):
                guard event.to == .failed else { continue }
                lastDown[name] = nil
                // It is told in the moment in which the controller becomes idle, and after that.
                if let index = open[name], periods[index].began == recorded.stamp.atMicroseconds {
                    periods[index].takenDownBy = nil
                }
                continue
            case .controllerIdle:
                if let index = open[name] {
                    periods[index].moved += 1
                    continue
                }
                open[name] = periods.count
                periods.append(
                    Idle(
                        controller: name, position: recorded.position, began: recorded.stamp.atMicroseconds,
                        takenDownBy: lastDown[name]))
                continue
            case .controllerWoken(let event):
                // Its deadline was worked out anew, and it goes on.
                if event.keptSinceMicroseconds != nil { continue }
                how = "woken"
            case .controllerTerminating: how = "terminated by hand"
            case .controllerStopping(let event):
                how = event.reason == .idleDeadline ? "stopped by deadline" : "stopped by hand"
            default: continue
            }
            guard let index = open.removeValue(forKey: name) else { continue }
            periods[index].ended = recorded.stamp.atMicroseconds
            periods[index].how = how
        }
        return periods
    }

    var warmWindow: [String] {
        controllers.compactMap { name in
            let periods = idlePeriods.filter { $0.controller == name }
            guard !periods.isEmpty else { return nil }
            let woken = periods.count { $0.how == "woken" }
            let stopped = periods.count { $0.how == "stopped by deadline" }
            let share = rounded(100 * Double(woken) / Double(periods.count), 1)
            return "\(name)|\(periods.count)|\(woken)|\(stopped)|\(share)"
        }
    }

    var longestIdle: [String] {
        idlePeriods.filter { $0.ended != nil }.sorted { ($1.seconds, $0.position) < ($0.seconds, $1.position) }.prefix(
            10
        )
        .map { "\($0.controller)|\($0.position)|\($0.how)|\($0.moved)|\($0.takenDownBy ?? "")|\(rounded($0.seconds))" }
    }

    var idleByPerson: [String] {
        var seconds: [String: Double] = [:]
        var counts: [String: (all: Int, woken: Int)] = [:]
        for period in idlePeriods where period.ended != nil {
            let person = period.takenDownBy ?? "nobody"
            seconds[person, default: 0] += period.seconds
            counts[person, default: (0, 0)].all += 1
            if period.how == "woken" { counts[person, default: (0, 0)].woken += 1 }
        }
        return seconds.sorted { $0.value > $1.value }.map { person, seconds in
            let count = counts[person] ?? (0, 0)
            return "\(person)|\(count.all)|\(count.woken)|\(rounded(seconds / 3600))"
        }
    }

    var paidIdle: [String] {
        controllers.compactMap { name in
            let periods = idlePeriods.filter { $0.controller == name && $0.ended != nil }
            guard !periods.isEmpty else { return nil }
            let all = periods.reduce(0) { $0 + $1.seconds }
            let lost = rounded(periods.filter { $0.how != "woken" }.reduce(0) { $0 + $1.seconds } / 3600)
            return "\(name)|\(rounded(all / 3600))|\(lost)"
        }
    }
}
