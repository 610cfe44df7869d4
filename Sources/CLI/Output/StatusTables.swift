import EventLog
import Lifecycle
import Reporting

/// `dwell status` for people, in SkyServe's columns and words.
struct StatusTables {
    private let view: StatusView
    /// Columns there are; nil for as many as it takes.
    private let width: Int?

    init(_ view: StatusView, width: Int? = nil) {
        self.view = view
        self.width = width
    }

    var lines: [String] {
        guard !view.controllers.isEmpty else {
            return ["No controllers. Start a service: dwell up service.yaml"].flatMap { $0.wrapped(to: width) } + hidden
        }
        var lines = ["Controllers"] + controllers.lines(fitting: width)
        if !view.services.isEmpty { lines += ["", "Services"] + services.lines(fitting: width) }
        if !view.replicas.isEmpty { lines += ["", "Service Replicas"] + replicas.lines(fitting: width) }
        let notes = self.notes
        if !notes.isEmpty { lines += [""] + notes.flatMap { $0.wrapped(to: width) } }
        return lines + hidden
    }

    private var hidden: [String] {
        view.hidden == 0 ? [] : "(\(view.hidden) terminated, not shown: dwell status --all)".wrapped(to: width)
    }

    private var controllers: Table {
        var table = Table(["NAME", "STATE", "SERVICES", "IDLE", "AUTOSTOP", "UPTIME"])
        for row in view.controllers {
            table.add([
                row.name, row.status, String(view.serviceCount(of: row)),
                view.idleTime(of: row).map { TimeText.span(microseconds: $0) } ?? "-", autostop(row),
                row.startedAtMicroseconds.map { age(since: $0) } ?? "-",
            ])
        }
        return table
    }

    /// The window, and when it is counting what is left of it and the clock time of the stop.
    private func autostop(_ row: ControllerRow) -> String {
        if row.status == ControllerStatus.terminated.rawValue { return "-" }
        if row.pausedBy != nil {
            return row.pausedUntilMicroseconds.map {
                "paused until \(TimeText.clock(atMicroseconds: $0, now: view.now))"
            }
                ?? "paused"
        }
        guard let seconds = row.idleTimeoutSeconds else { return "never" }
        let window = TimeText.window(seconds: seconds) + (row.down ? " (down)" : "")
        if view.isWarmForEver(row) { return "\(window), never (keep_warm)" }
        guard let left = view.autostopRemaining(of: row) else { return window }
        if left < 0 { return "\(window), overdue by \(TimeText.span(microseconds: -left))" }
        return
            "\(window), in \(TimeText.shortSpan(microseconds: left)) (\(TimeText.clock(inMicroseconds: left, view.now)))"
    }

    /// Whether it has to be said which controller something is on.
    private var several: Bool { view.controllers.count > 1 }

    private var services: Table {
        var table = Table(
            ["NAME", "VERSION", "UPTIME", "STATUS", "REPLICAS", "ENDPOINT"] + (several ? ["CONTROLLER"] : []))
        for row in view.services {
            table.add(
                [
                    row.name, String(row.version), row.readySinceMicroseconds.map { age(since: $0) } ?? "-",
                    row.status, "\(row.readyReplicas)/\(row.wantedReplicas)", row.endpoint,
                ] + (several ? [row.controller] : []))
        }
        return table
    }

    private var replicas: Table {
        var table = Table(
            ["SERVICE_NAME", "ID", "VERSION", "ENDPOINT", "LAUNCHED", "RESOURCES", "STATUS", "REGION"]
                + (several ? ["CONTROLLER"] : []))
        for row in view.replicas {
            table.add(
                [
                    row.service, String(row.id), String(row.version), row.endpoint.map { "http://\($0)" } ?? "-",
                    row.launchedAtMicroseconds.map { age(since: $0) + " ago" } ?? "-", "-", row.status, "local",
                ] + (several ? [row.controller] : []))
        }
        return table
    }

    /// Reasons, where there is more to say than a status.
    private var notes: [String] {
        var notes: [String] = []
        for row in view.controllers {
            if row.status == ControllerStatus.failed.rawValue, let reason = row.reason {
                notes.append("controller \(row.name): \(reason)")
            }
            if let held = view.heldStart(of: row) {
                let text = HeldStartText.line(until: held, row.reason ?? "", now: view.now)
                notes.append("controller \(row.name): \(text)")
            }
            if let by = row.pausedBy {
                notes.append(
                    "controller \(row.name): autostop was paused by \(by)"
                        + (row.pausedReason.map { ": \($0.printableLine)" } ?? ""))
            }
            if let left = view.terminationRemaining(of: row) {
                notes.append(
                    "controller \(row.name): is terminated at \(TimeText.clock(inMicroseconds: left, view.now)) if it stays stopped"
                )
            }
            notes += idleNotes(row)
            for hook in view.sights[row.name]?.failedHooks ?? [] {
                let text = Explanation.text(hook, of: row.name, TimeText.words(at: view.now))
                notes.append("controller \(row.name): \(text)")
            }
            if view.isVerbose {
                let sources = PolicySources(row, view.policies[row.name], view.configuration)
                notes.append("controller \(row.name): autostop from " + sources.all.joined(separator: ", "))
            }
            if row.status == ControllerStatus.stopping.rawValue, row.startAgain {
                notes.append("controller \(row.name): will start again once stopped")
            }
        }
        for lag in view.lags where view.isVerbose || lag.receiver.failures > 0 {
            notes += Notify.lines([lag], view.now)
        }
        notes += view.uses + view.idleDowns + view.brokenTLS
        for row in view.services { if let reason = row.reason { notes.append("\(row.name): \(reason)") } }
        for row in view.replicas {
            guard let reason = row.reason else { continue }
            // A service says itself which replica made it fail.
            let isSaid = notes.contains { $0.hasSuffix("replica \(row.id): \(reason)") && $0.hasPrefix(row.service) }
            if !isSaid { notes.append("\(row.service) replica \(row.id): \(reason)") }
        }
        return notes.map(\.printable)
    }

    /// That an idle controller never stops, and which of its times of the week do nothing.
    private func idleNotes(_ row: ControllerRow) -> [String] {
        guard row.status == ControllerStatus.idle.rawValue, let idle = view.idleTime(of: row) else { return [] }
        var notes: [String] = []
        if row.idleTimeoutSeconds == nil || view.isWarmForEver(row) {
            let why = row.idleTimeoutSeconds == nil ? "" : ": all the time there is lies within keep_warm"
            notes.append(
                "controller \(row.name): idle for \(TimeText.span(microseconds: idle)), and never stops by itself\(why); stop it: dwell stop \(row.name)"
            )
        }
        if row.idleTimeoutSeconds != nil, let schedule = view.sights[row.name]?.policy?.schedule?.value {
            notes += Explanation.stopsKeptWarm(schedule, view.now, .system).map { "controller \(row.name): \($0)" }
        }
        return notes
    }

    private func age(since microseconds: Int64) -> String {
        TimeText.span(microseconds: view.now.wallMicroseconds &- microseconds)
    }
}
